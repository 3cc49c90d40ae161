// The measurement of one case: calls and their limit, in turn.  Used by
// rotate_bench.cc and peers/.

#ifndef ROTARY_BENCH_MEASURE_H_
#define ROTARY_BENCH_MEASURE_H_

#include <stddef.h>
#include <stdint.h>

#include <vector>

#include "bench/cases.h"
#include "bench/contest.h"
#include "bench/memory.h"

namespace rotary_bench {

// Above this the limit is no limit: the stream kernels are too slow.
inline constexpr double kMaxOfLimit = 1.10;

inline constexpr int kRounds = 31;

// As many threads as the system has processors.
int Cores();

struct Measurement {
  std::vector<double> call_seconds;  // of each one's call: median of the rounds
  double limit_seconds;  // the best stream: the median of the same rounds
  const char* stream;    // its name
  int stream_threads;

  double OfLimit(size_t i) const { return limit_seconds / call_seconds[i]; }
  double MostOfLimit() const;
};

// Times those that do the work of a case, beside the streams and each other.
// Uses the memory as it is: nothing depends on what is in it, subnormals
// excepted.
Measurement Measure(const Case& c, const std::vector<Calls>& runs,
                    const Memory& memory, int rounds = kRounds);

// The time of a call by a short trial, after which no thread of it spins.
double TrialSeconds(const Calls& run);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_MEASURE_H_
