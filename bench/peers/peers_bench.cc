// rotary_peers: holds the contests that are asked for, and fails if an output
// was wrong or a share of the limit is more than there can be.

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <exception>
#include <regex>
#include <string>
#include <vector>

#include "bench/measure.h"
#include "bench/peers/contest.h"
#include "bench/peers/results.h"
#include "bench/source.h"

namespace rotary_bench {
namespace {

constexpr char kUsage[] =
    "rotary_peers [--filter=REGEX] [--json] [--list]\n"
    "  --filter  only cases in whose name this is found\n"
    "  --json    print JSON, when all is measured\n"
    "  --list    print the names of the cases alone\n";

struct Options {
  std::string filter;
  bool json = false;
  bool list = false;
};

bool Read(int argc, char** argv, Options* options) {
  constexpr char kFilter[] = "--filter=";
  constexpr size_t kFilterLength = sizeof(kFilter) - 1;
  for (int i = 1; i < argc; ++i) {
    if (strncmp(argv[i], kFilter, kFilterLength) == 0) {
      options->filter = argv[i] + kFilterLength;
    } else if (strcmp(argv[i], "--json") == 0) {
      options->json = true;
    } else if (strcmp(argv[i], "--list") == 0) {
      options->list = true;
    } else {
      return false;
    }
  }
  return true;
}

int Main(int argc, char** argv) {
  Options options;
  if (!Read(argc, argv, &options)) {
    fputs(kUsage, stderr);
    return EXIT_FAILURE;
  }
  const std::regex filter(options.filter);
  std::vector<Case> cases;
  for (const Case& c : PeerCases()) {
    const std::string name = ContestName(c);
    if (!std::regex_search(name, filter)) continue;
    if (options.list) printf("%s\n", name.c_str());
    cases.push_back(c);
  }
  if (options.list) return EXIT_SUCCESS;

  const Memory memory(LargestRowBytes());
  std::vector<Contest> contests;
  bool is_right = true;
  if (!options.json) PrintHead();
  for (const Case& c : cases) {
    contests.push_back(Hold(c, memory));
    const Contest& contest = contests.back();
    if (!options.json) PrintLines(contest);
    if (contest.has_exceeded_limit) {
      fprintf(stderr,
              "rotary_peers: %s: more than %.2f of the limit; the "
              "stream kernels are too slow\n",
              ContestName(c).c_str(), kMaxOfLimit);
    }
    if (contest.has_wrong_outputs || contest.has_exceeded_limit) {
      is_right = false;
    }
  }
  if (options.json) PrintJson(contests);
  return is_right ? EXIT_SUCCESS : EXIT_FAILURE;
}

}  // namespace
}  // namespace rotary_bench

int main(int argc, char** argv) {
  try {
    return rotary_bench::Main(argc, argv);
  } catch (const std::exception& error) {  // of a peer
    fprintf(stderr, "rotary_peers: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
