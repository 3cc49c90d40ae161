// The arithmetic of a rotation without its memory: what the floating-point
// units of this CPU allow.  Used by rotate_bench.cc.

#ifndef ROTARY_BENCH_ARITHMETIC_H_
#define ROTARY_BENCH_ARITHMETIC_H_

#include <stdint.h>

namespace rotary_bench {

// Rotates so many pairs of f32, or a few more, by separate multiplies and adds,
// in registers, in vectors of the best target of this CPU.
void RotateInRegisters(int64_t pairs);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_ARITHMETIC_H_
