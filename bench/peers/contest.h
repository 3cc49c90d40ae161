// A contest: the library, its peers and the streams at one case, in the same
// rounds.  Used by peers_bench.cc and results.h.

#ifndef ROTARY_BENCH_PEERS_CONTEST_H_
#define ROTARY_BENCH_PEERS_CONTEST_H_

#include <vector>

#include "bench/cases.h"
#include "bench/memory.h"
#include "bench/peers/peer.h"

namespace rotary_bench {

// The peers that this program was built with.
std::vector<const PeerLibrary*> Peers();

// The cases that one of them serves.
std::vector<Case> PeerCases();

// One peer's time beside that of the library's call that does the same work:
// from positions, or from rows.
struct Result {
  const PeerLibrary* peer;
  int threads;  // the peer's best, or as many as it may choose from
  double seconds;
  double of_limit;
  double rotary_seconds;
  double rotary_of_limit;
  double rotary_from_positions_seconds;

  double TimesFaster() const { return seconds / rotary_seconds; }
};

struct Contest {
  Case c;
  std::vector<Result> results;
  bool has_wrong_outputs;   // of peers that are left out
  bool has_exceeded_limit;  // by more than there can be
};

Contest Hold(const Case& c, const Memory& memory);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_PEERS_CONTEST_H_
