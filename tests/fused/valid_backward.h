// A valid backward pass to be spoiled, and the check that a spoiled one is
// refused in the right words and writes nothing.  Used by the tests of backward
// passes.
#ifndef TESTS_FUSED_VALID_BACKWARD_H_
#define TESTS_FUSED_VALID_BACKWARD_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/support/objects.h"

namespace rotary_test {

// Three tensors of [2][3] tokens, by kept rows: queries in place, with a LAYER
// norm over all heads, whose weight and bias have gradients; keys out of place,
// with an RMS norm after the rotation, whose weight has one; values, scaled.
struct ValidBackward {
  static constexpr int64_t kBatch = 2;
  static constexpr int64_t kTokens = 3;
  static constexpr int64_t kRotaryDim = 16;
  static constexpr int64_t kHeads = 2;
  static constexpr int64_t kHeadDim = 64;
  static constexpr size_t kScratch = 8 * (2 * kHeads + 1) * kHeadDim;

  ValidBackward();
  ValidBackward(const ValidBackward&) = delete;
  ValidBackward& operator=(const ValidBackward&) = delete;
  ~ValidBackward() = default;

  // By the embedding instead of rows.
  void UseEmbedding();

  // All memory that a pass could write to or read from.
  std::vector<unsigned char> Memory() const;

  Embedding embedding;
  Rows rows;
  std::vector<int64_t> ids;
  rotary_positions positions;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
  std::vector<float> k_out;
  std::vector<float> q_input;
  std::vector<float> k_input;
  std::vector<float> weight;  // [kHeads][kHeadDim]
  // With room for what is to overlap them.
  std::vector<float> token_scales;
  std::vector<float> q_weight;  // gradients
  std::vector<float> q_bias;
  std::vector<float> k_weight;
  std::vector<uint64_t> scratch;
  rotary_norm q_norm;
  rotary_norm k_norm;
  rotary_fusion fusions[3];
  rotary_fusion_gradient gradients[3];
  rotary_tensor tensors[3];
  rotary_apply_args apply;
  rotary_backward_args args;
};

// The pass must fail as expected, and not write.
void CheckBackwardRefused(const ValidBackward& call, const Wrong& expected);
// It must succeed, and write.
void CheckBackwardAccepted(const ValidBackward& call);

// Spoils a valid pass, and returns the value that the error is to tell, if it
// has one.
struct SpoiledBackward {
  std::string argument;  // of tensor n if it is "tensors[n].." and the like
  std::function<std::optional<int64_t>(ValidBackward*)> spoil;
  rotary_status status = ROTARY_ERROR_ARGUMENT;
};
void CheckAllBackwardRefused(const std::vector<SpoiledBackward>& cases);

}  // namespace rotary_test

#endif  // TESTS_FUSED_VALID_BACKWARD_H_
