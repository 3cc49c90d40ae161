// What a backward pass must give for the heads of one token, in f64 from the
// formulas of the manual, with how far f32 arithmetic may be from it.  Shares
// nothing with the library.  Used by the tests of backward passes.
#ifndef TESTS_FUSED_BACKWARD_REFERENCE_H_
#define TESTS_FUSED_BACKWARD_REFERENCE_H_

#include <vector>

#include "tests/fused/bounded.h"
#include "tests/fused/fused_reference.h"

namespace rotary_test {

struct TokenGradients {
  std::vector<Bounded> input;  // [heads][head_dim]
  // What the token adds to those of the norm's weight and bias, if there is a
  // norm: [head_dim], or [heads][head_dim].
  std::vector<Bounded> weight;
  std::vector<Bounded> bias;
};

// Of a forward pass with these steps, that took x, and of the gradients of its
// output: both [heads][head_dim], each in its pairing.
TokenGradients BackwardHeads(const FusedSteps& steps,
                             const std::vector<double>& x,
                             const std::vector<double>& gradients);

}  // namespace rotary_test

#endif  // TESTS_FUSED_BACKWARD_REFERENCE_H_
