// The measurement of one case: calls and their limit, in turn.  Used by
// rotate_bench.cc.

#ifndef ROTARY_BENCH_MEASURE_H_
#define ROTARY_BENCH_MEASURE_H_

#include <stdint.h>

#include <functional>

#include "bench/cases.h"
#include "bench/memory.h"

namespace rotary_bench {

// Above this the limit is no limit: the stream kernels are too slow.
inline constexpr double kMaxOfLimit = 1.10;

struct Measurement {
  double call_seconds;   // a call: the median of the rounds
  double limit_seconds;  // the best stream: the median of the same rounds
  const char* stream;    // its name
  int stream_threads;

  double OfLimit() const { return limit_seconds / call_seconds; }
};

// Makes so many calls, one after the other.
using Calls = std::function<void(int64_t calls)>;

// Uses the memory as it is: nothing depends on what is in it, subnormals
// excepted.
Measurement Measure(const Case& c, const Calls& run, const Memory& memory);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_MEASURE_H_
