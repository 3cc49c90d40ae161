// The norm of heads, and what else they are multiplied by.  Used by
// apply/stages.cc.

#ifndef ROTARY_LIB_APPLY_HEAD_NORM_H_
#define ROTARY_LIB_APPLY_HEAD_NORM_H_

#include <stdint.h>

#include <algorithm>

#include "lib/apply/chunk.h"

namespace rotary {

class HeadNorm {
 public:
  explicit HeadNorm(const FusedTensor& fused) : fused_(fused) {}

  // Whether there is one before the rotation, or after it.
  bool IsFirst() const { return fused_.norm.kind != Norm::kNone && !IsLast(); }
  bool IsLast() const { return fused_.norm.after && fused_.rotates; }

  // Whether heads are multiplied by something without a norm.
  bool Scales() const { return HasScales() && fused_.norm.kind == Norm::kNone; }

  // What each head of a chunk is multiplied by beside its norm's factor.
  void ReadScales(const Chunk& chunk);

  // For each head of a chunk, of `input`, by itself.
  void FindFactors(const Chunk& chunk, const TileInput& input);

  // The same for all heads of a token, `step` of them at a time; find() says
  // where the heads of the chunk are.
  template <class Find>
  void FindFactorOfAll(int64_t step, Chunk* chunk, const Find& find) {
    double mean = 0.0;
    const bool centered = fused_.norm.kind == Norm::kLayer;
    if (centered) mean = SumOfAll(step, false, chunk, find);
    SetMean(mean);
    const double sum = SumOfAll(step, true, chunk, find);
    SetFactor(*chunk, sum);
  }

  // From `input` to a tile: normed, or scaled if that is to be done without a
  // norm, or as it is.
  void Load(const Chunk& chunk, const TileInput& input, bool norms,
            float* to) const;

  // From the input to a tile, or, without one, to the output: normed and
  // rotated, by factors that were found.
  void Rotate(const Chunk& chunk, float* tile) const;

  // Memory for as many numbers as a chunk has heads, once they are stored.
  float* Spare() { return sums_; }

 private:
  bool HasScales() const {
    return fused_.scale != 1.0f || fused_.token_scales != nullptr;
  }

  template <class Find>
  double SumOfAll(int64_t step, bool squares, Chunk* chunk, const Find& find) {
    double sum = 0.0;
    for (int64_t h = 0; h < fused_.tensor.heads; h += step) {
      chunk->head = h;
      chunk->heads = std::min(step, fused_.tensor.heads - h);
      sum += SumOf(*chunk, find(), squares);
    }
    return sum;
  }

  double InvCount() const;
  void Sum(const Chunk& chunk, const TileInput& input, bool squares,
           const float* means);
  double SumOf(const Chunk& chunk, const TileInput& input, bool squares);
  void SetMean(double sum);
  void SetFactor(const Chunk& chunk, double sum);

  const FusedTensor& fused_;
  float means_[kTileHeads];
  float factors_[kTileHeads];
  float sums_[kTileHeads];
  float scales_[kTileHeads];
};

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_HEAD_NORM_H_
