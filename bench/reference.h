// A check of an output against the formula, so that nothing wrong is ever
// timed.  Used by rotate_bench.cc and peers/.

#ifndef ROTARY_BENCH_REFERENCE_H_
#define ROTARY_BENCH_REFERENCE_H_

#include <functional>

#include "bench/cases.h"
#include "bench/memory.h"

namespace rotary_bench {

// How far an output may be off beyond what rotary.h promises.
struct Allowance {
  double angle;      // that every angle may be off
  double roundings;  // ulps of 16-bit types, of a number of |a| + |b|
};

// Has the elements of a case rotated once and compares the output: of every
// token, or where there are thousands of some.  If it is wrong, says so on
// stderr.
bool OutputIsRight(const Case& c, const Memory& memory,
                   const std::function<void()>& rotate,
                   const Allowance& allowance);

// The same for the library's own.
bool OutputIsRight(const Case& c, const Memory& memory);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_REFERENCE_H_
