// Which cases there are, the best number of threads of a peer, and the rounds.

#include "bench/peers/contest.h"

#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <thread>

#include "bench/angles.h"
#include "bench/measure.h"
#include "bench/reference.h"
#include "bench/rotation.h"

namespace rotary_bench {
namespace {

constexpr const char* kWorkloadNames[] = {"D1", "D64", "P512", "P8192", "M"};
constexpr int kPeerRounds = 15;

// Peers compute angles in f32, which at the positions of these workloads is off
// by less than 0.001, and round 16-bit types several times.  So no output in
// f32 is further than 0.02 from the formula: |a| + |b| is at most 2.
constexpr Allowance kAllowance = {0.01, 4};

bool IsServed(const Case& c) {
  const std::vector<const PeerLibrary*> peers = Peers();
  return std::any_of(peers.begin(), peers.end(),
                     [&](const PeerLibrary* peer) { return peer->serves(c); });
}

Calls CallsOf(Peer* peer) {
  return [peer](int64_t calls) { peer->Run(calls); };
}

struct Contender {
  const PeerLibrary* library;
  int threads;
  std::unique_ptr<Peer> peer;
};

std::vector<int> ThreadCounts(const PeerLibrary& library, const Case& c) {
  if (c.threads != 0) return {c.threads};
  const int all = static_cast<int>(std::thread::hardware_concurrency());
  if (all <= 1) return {1};
  if (library.chooses_threads) return {all};
  return {1, all};
}

// The best way, with as many threads as are best.
Contender Best(const PeerLibrary& library, const Case& c,
               const Memory& memory) {
  std::vector<Contender> contenders;
  for (const int threads : ThreadCounts(library, c)) {
    for (std::unique_ptr<Peer>& way : library.ways(c, memory, threads)) {
      contenders.push_back({&library, threads, std::move(way)});
    }
  }
  size_t best = 0;
  if (contenders.size() > 1) {
    memory.Fill(c);
    std::vector<double> seconds;
    for (const Contender& contender : contenders) {
      seconds.push_back(TrialSeconds(CallsOf(contender.peer.get())));
    }
    best = static_cast<size_t>(
        std::min_element(seconds.begin(), seconds.end()) - seconds.begin());
  }
  return std::move(contenders[best]);
}

bool IsRight(const Contender& contender, const Case& c, const Memory& memory) {
  const auto rotate = [&] {
    contender.peer->Run(1);
    contender.peer->FetchOutput();
  };
  if (OutputIsRight(c, memory, rotate, kAllowance)) return true;
  fprintf(stderr, "rotary_peers: that was %s, which is left out\n",
          contender.library->name);
  return false;
}

}  // namespace

Tables::Tables(const Workload& workload) {
  for (int64_t token = 0; token < workload.tokens; ++token) {
    for (int64_t pair = 0; pair < workload.rotary_dim / 2; ++pair) {
      const long double angle = Angle(workload, token, pair);
      cos.push_back(static_cast<float>(std::cos(angle)));
      sin.push_back(static_cast<float>(std::sin(angle)));
    }
  }
}

std::vector<const PeerLibrary*> Peers() {
  return {
#if ROTARY_HAVE_GGML
    &kGgml,
#endif
#if ROTARY_HAVE_ONNXRUNTIME
        &kOnnxRuntime,
#endif
#if ROTARY_HAVE_PYTORCH
        &kPyTorch,
#endif
  };
}

std::vector<Case> PeerCases() {
  std::vector<Case> cases;
  for (const Case& c : AllCases()) {
    const bool is_workload = std::any_of(
        std::begin(kWorkloadNames), std::end(kWorkloadNames),
        [&](const char* name) { return strcmp(name, c.workload->name) == 0; });
    if (!is_workload || c.input != c.output || c.kept_rows || c.prepared) {
      continue;
    }
    if (c.threads <= 1 && IsServed(c)) cases.push_back(c);
  }
  return cases;
}

Contest Hold(const Case& c, const Memory& memory) {
  Contest contest = {c, {}, false, false};
  std::vector<Contender> contenders;
  for (const PeerLibrary* library : Peers()) {
    if (!library->serves(c)) continue;
    Contender contender = Best(*library, c, memory);
    if (IsRight(contender, c, memory)) {
      contenders.push_back(std::move(contender));
    } else {
      contest.has_wrong_outputs = true;
    }
  }
  if (contenders.empty()) return contest;

  Case with_rows = c;
  with_rows.kept_rows = true;
  const Rotation from_positions(c, memory);
  const Rotation from_rows(with_rows, memory);
  std::vector<Calls> runs = {[&](int64_t n) { from_positions.Run(n); },
                             [&](int64_t n) { from_rows.Run(n); }};
  for (const Contender& contender : contenders) {
    runs.push_back(CallsOf(contender.peer.get()));
  }
  memory.Fill(c);
  const Measurement m = Measure(c, runs, memory, kPeerRounds);

  contest.has_exceeded_limit = m.MostOfLimit() > kMaxOfLimit;
  for (size_t i = 0; i < contenders.size(); ++i) {
    const PeerLibrary* library = contenders[i].library;
    const size_t peer = i + 2;
    const size_t rotary = library->makes_rows ? 0 : 1;
    contest.results.push_back(
        {library, contenders[i].threads, m.call_seconds[peer], m.OfLimit(peer),
         m.call_seconds[rotary], m.OfLimit(rotary), m.call_seconds[0]});
  }
  return contest;
}

}  // namespace rotary_bench
