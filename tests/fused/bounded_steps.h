// The steps that forward and backward passes share, in f64 from the formulas of
// the manual, with how far f32 arithmetic may be from them.  Used by
// fused_reference.cc and backward_reference.cc.
#ifndef TESTS_FUSED_BOUNDED_STEPS_H_
#define TESTS_FUSED_BOUNDED_STEPS_H_

#include <cstdint>
#include <vector>

#include "tests/fused/bounded.h"
#include "tests/fused/fused_reference.h"

namespace rotary_test {

using Heads = std::vector<Bounded>;  // [heads][head_dim]

// The sum of x over heads [begin, end): rounded within each head.
Bounded SumOf(const FusedSteps& s, const Heads& x, int64_t begin, int64_t end);

// scale / sqrt(variance + epsilon), rounded to f32 from f64.
Bounded NormFactor(const FusedSteps& s, const Bounded& variance,
                   const Bounded& scale);

// What all elements are multiplied by.
Bounded ScaleOf(const FusedSteps& s);

// From pairing `from` to `to`, or by the transpose back.
void Rotate(const FusedSteps& s, bool back, Heads* x);

void Hadamard(int64_t columns, Heads* x);

}  // namespace rotary_test

#endif  // TESTS_FUSED_BOUNDED_STEPS_H_
