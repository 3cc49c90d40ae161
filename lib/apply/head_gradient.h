// The gradients of heads before their norm, from those behind it.  Used by
// apply/backward_stages.cc.

#ifndef ROTARY_LIB_APPLY_HEAD_GRADIENT_H_
#define ROTARY_LIB_APPLY_HEAD_GRADIENT_H_

#include <stdint.h>

#include <algorithm>

#include "lib/apply/backward.h"
#include "lib/apply/chunk.h"
#include "lib/apply/moments.h"
#include "lib/kernels/gradients.h"

namespace rotary {

// Heads of a chunk: their gradients, in a tile, and what was normed.
struct HeadGradients {
  float* gradients;
  TileInput input;
};

class HeadGradient {
 public:
  // `sums` are those of the leaf.
  HeadGradient(const FusedTensor& fused, const BackwardTensor& backward,
               double* sums);

  // For each head of a chunk, by itself: its norm's factor, and what its
  // gradients have in common.
  void FindMeans(const Chunk& chunk, const HeadGradients& heads);

  // The same for all heads of a token, `step` of them at a time; input() and
  // gradients() make those of the chunk's heads.
  template <class Input, class Gradients>
  void FindMeansOfAll(int64_t step, Chunk* chunk, const Input& input,
                      const Gradients& gradients) {
    moments_.FindFactorOfAll(step, 1.0f, chunk, input);
    double sum = 0.0;
    double product = 0.0;
    chunk->ForEachHeads(step, [&] {
      Sum(*chunk, {gradients(), input()});
      if (moments_.means() != nullptr) sum += AddUp(sums_, chunk->heads);
      product += AddUp(products_, chunk->heads);
    });
    SetMeans(sum, product);
  }

  // The gradients in the tile become those of what was normed; those of the
  // weights are added to the leaf's.
  void LeadBack(const Chunk& chunk, const HeadGradients& heads) const;

 private:
  NormedHeads Normed(const Chunk& chunk, const HeadGradients& heads) const;
  void Sum(const Chunk& chunk, const HeadGradients& heads);
  void SetMeans(double sum, double product);
  double* SumsOf(const Chunk& chunk, const WeightGradient& gradient) const;

  const FusedTensor& fused_;
  const BackwardTensor& backward_;
  double* const leaf_sums_;
  Moments moments_;
  // Of each head, of w g and of w g n: sums, then means.
  float sums_[kTileHeads];
  float products_[kTileHeads];
};

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_HEAD_GRADIENT_H_
