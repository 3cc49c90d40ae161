// What rotary_peers prints.  Used by peers_bench.cc.

#ifndef ROTARY_BENCH_PEERS_RESULTS_H_
#define ROTARY_BENCH_PEERS_RESULTS_H_

#include <string>
#include <vector>

#include "bench/peers/contest.h"

namespace rotary_bench {

// "D1/f32/half/in/t1".
std::string ContestName(const Case& c);

// A table, line by line as contests end.
void PrintHead();
void PrintLines(const Contest& contest);

// All at once, with the versions.
void PrintJson(const std::vector<Contest>& contests);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_PEERS_RESULTS_H_
