// What a fused pass must give for the heads of one token, in f64 from the
// formulas of the manual, with how far f32 arithmetic may be from it.  Shares
// nothing with the library.  Used by the tests of fused passes.
#ifndef TESTS_FUSED_FUSED_REFERENCE_H_
#define TESTS_FUSED_FUSED_REFERENCE_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/fused/bounded.h"

namespace rotary_test {

struct FusedSteps {
  int64_t heads;
  int64_t head_dim;
  // The rotation, if cos is not NULL; each head's row is row_step floats behind
  // that of the head before.
  int64_t rotary_offset = 0;
  int64_t rotary_dim = 0;
  rotary_pairing from = ROTARY_HALF;
  rotary_pairing to = ROTARY_HALF;
  const float* cos = nullptr;
  const float* sin = nullptr;
  bool transposed = false;

  rotary_norm_kind norm = 0;  // 0: none
  bool all_heads = false;
  bool norm_after = false;
  double epsilon = 0;
  std::vector<double> weight;  // empty: 1.  [head_dim], or [heads][head_dim]
  double weight_added = 0;
  std::vector<double> bias;

  double scale = 1;
  double token_scale = 1;
  bool scales = false;  // by either
  int64_t hadamard = 0;
  int64_t undone_hadamard = 0;  // before all else
};

// `x` is [heads][head_dim].
std::vector<Bounded> FusedHeads(const FusedSteps& steps,
                                const std::vector<double>& x);

}  // namespace rotary_test

#endif  // TESTS_FUSED_FUSED_REFERENCE_H_
