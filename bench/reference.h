// A check of the library's output against the formula, so that nothing wrong is
// ever timed.  Used by rotate_bench.cc.

#ifndef ROTARY_BENCH_REFERENCE_H_
#define ROTARY_BENCH_REFERENCE_H_

#include "bench/cases.h"
#include "bench/memory.h"

namespace rotary_bench {

// Rotates the elements of a case once and compares the output: of every token,
// or where there are thousands of some.  If it is wrong, says so on stderr.
bool OutputIsRight(const Case& c, const Memory& memory);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_REFERENCE_H_
