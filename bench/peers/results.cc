#include "bench/peers/results.h"

#include <rotary/rotary.h>
#include <stdio.h>

#include "bench/stream.h"

namespace rotary_bench {
namespace {

constexpr double kNanoseconds = 1e9;

// The names and versions of those that take part, and targets.
std::vector<std::pair<std::string, std::string>> Context() {
  std::vector<std::pair<std::string, std::string>> context;
  for (const PeerLibrary* peer : Peers()) {
    context.emplace_back(peer->name, peer->version());
  }
  const char* target = "";
  rotary_target_default(&target, nullptr);
  context.emplace_back("rotary", rotary_version_string());
  context.emplace_back("rotary_target", target);
  context.emplace_back("stream_target", Streams().target);
  return context;
}

}  // namespace

std::string ContestName(const Case& c) {
  return Name(c).substr(sizeof("rotate/") - 1);
}

void PrintHead() {
  for (const auto& [name, value] : Context()) {
    printf("%s: %s\n", name.c_str(), value.c_str());
  }
  printf("\n%-29s %-11s %7s %12s %8s %12s %8s %12s\n", "case", "peer",
         "threads", "ns", "of_limit", "rotary_ns", "of_limit", "times_faster");
}

void PrintLines(const Contest& contest) {
  for (const Result& r : contest.results) {
    printf("%-29s %-11s %7d %12.0f %8.3f %12.0f %8.3f %12.2f\n",
           ContestName(contest.c).c_str(), r.peer->name, r.threads,
           r.seconds * kNanoseconds, r.of_limit,
           r.rotary_seconds * kNanoseconds, r.rotary_of_limit, r.TimesFaster());
  }
  fflush(stdout);
}

void PrintJson(const std::vector<Contest>& contests) {
  printf("{\n  \"context\": {");
  const char* separator = "";
  for (const auto& [name, value] : Context()) {
    printf("%s\"%s\": \"%s\"", separator, name.c_str(), value.c_str());
    separator = ", ";
  }
  printf("},\n  \"results\": [");
  separator = "";
  for (const Contest& contest : contests) {
    for (const Result& r : contest.results) {
      printf(
          "%s\n    {\"case\": \"%s\", \"peer\": \"%s\", \"threads\": %d, "
          "\"ns\": %.1f, \"of_limit\": %.4f, \"rotary_ns\": %.1f, "
          "\"rotary_of_limit\": %.4f, \"times_faster\": %.4f, "
          "\"rotary_from_positions_ns\": %.1f}",
          separator, ContestName(contest.c).c_str(), r.peer->name, r.threads,
          r.seconds * kNanoseconds, r.of_limit, r.rotary_seconds * kNanoseconds,
          r.rotary_of_limit, r.TimesFaster(),
          r.rotary_from_positions_seconds * kNanoseconds);
      separator = ",";
    }
  }
  printf("\n  ]\n}\n");
}

}  // namespace rotary_bench
