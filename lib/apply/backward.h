// Backward passes: the gradients of what a fused pass made, led back to what it
// took, and to the weights of its norms.  Plain data, made by config; run by
// api.

#ifndef ROTARY_LIB_APPLY_BACKWARD_H_
#define ROTARY_LIB_APPLY_BACKWARD_H_

#include <stdint.h>

#include "lib/apply/fused.h"
#include "lib/apply/partition.h"
#include "lib/apply/stages.h"

namespace rotary {

// The gradients of a norm's weights or biases, and their sums.
struct WeightGradient {
  float* to;  // nullptr: they are not wanted
  int64_t count;
  int64_t at;  // among the sums of a leaf
};

// Beside the FusedTensor, which leads from the gradients of the output to those
// of the input.
struct BackwardTensor {
  // What the forward pass took, if it was normed.
  const void* input;
  Dtype dtype;
  Strides strides;
  RotateKernel rotate;  // it to a tile, where the norm comes after that
  WeightGradient weight;
  WeightGradient bias;
};

// Sums over tokens are those of leaves, ranges of tokens that depend on nothing
// but how many there are, added up in the order of a tree: so they are the same
// whoever adds up which.
constexpr int64_t kMostLeaves = 128;
constexpr int64_t kLeastLeafTokens = 16;

struct Backward {
  double* sums;       // [leaves][leaf_sums]
  int64_t leaf_sums;  // 0: no sums are wanted
  int64_t leaf_tokens;
  int64_t leaves;
  BackwardTensor tensors[kMostFused];
};

// How `tokens` of all sequences together are cut.
void SetLeaves(int64_t tokens, Backward* backward);

// What a run of tokens of a tensor goes through; as RunStages.
void LeadBack(const FusedCall& call, int64_t index, const RotateJob& job,
              const HeadRun& run);

// A call with gradients.
void RunBackward(const FusedCall& call, int32_t num_threads);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_BACKWARD_H_
