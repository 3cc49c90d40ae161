// What is found of the heads of a chunk before they are touched: what they are
// multiplied by beside a norm, their means, and the factors of their norm. Used
// by apply/head_norm.cc and apply/head_gradient.cc.

#ifndef ROTARY_LIB_APPLY_MOMENTS_H_
#define ROTARY_LIB_APPLY_MOMENTS_H_

#include <stdint.h>

#include <algorithm>

#include "lib/apply/chunk.h"

namespace rotary {

class HeadScales {
 public:
  explicit HeadScales(const FusedTensor& fused) : fused_(fused) {}

  bool Any() const {
    return fused_.scale != 1.0f || fused_.token_scales != nullptr;
  }

  // Of token t of a chunk.
  float Of(const Chunk& chunk, int64_t t) const;

  // Of each head of a chunk.
  void Read(const Chunk& chunk);
  const float* values() const { return values_; }

 private:
  const FusedTensor& fused_;
  float values_[kTileHeads];
};

class Moments {
 public:
  explicit Moments(const FusedTensor& fused) : fused_(fused) {}

  // For each head of a chunk, of `input`, by itself.  Factors are times its
  // scale.
  void FindFactors(const Chunk& chunk, const TileInput& input,
                   const float* scales);

  // The same for all heads of a token, `step` of them at a time; find() says
  // where the heads of the chunk are.
  template <class Find>
  void FindFactorOfAll(int64_t step, float scale, Chunk* chunk,
                       const Find& find) {
    double mean = 0.0;
    if (IsCentered()) mean = SumOfAll(step, false, chunk, find);
    SetMean(mean);
    SetFactor(SumOfAll(step, true, chunk, find), scale);
  }

  // nullptr: 0.
  const float* means() const { return IsCentered() ? means_ : nullptr; }
  const float* factors() const { return factors_; }

  // Of what a norm is over.
  double InvCount() const;

  // Memory for as many numbers as a chunk has heads, once factors are there.
  float* Spare() { return sums_; }

 private:
  bool IsCentered() const { return fused_.norm.kind == Norm::kLayer; }

  template <class Find>
  double SumOfAll(int64_t step, bool squares, Chunk* chunk, const Find& find) {
    double sum = 0.0;
    chunk->ForEachHeads(step, [&] { sum += SumOf(*chunk, find(), squares); });
    return sum;
  }

  void Sum(const Chunk& chunk, const TileInput& input, bool squares);
  double SumOf(const Chunk& chunk, const TileInput& input, bool squares);
  void SetMean(double sum);
  void SetFactor(double sum, float scale);

  const FusedTensor& fused_;
  float means_[kTileHeads];
  float factors_[kTileHeads];
  float sums_[kTileHeads];
};

// Of all heads of a chunk.
inline double AddUp(const float* sums, int64_t heads) {
  double sum = 0.0;
  for (int64_t i = 0; i < heads; ++i) sum += static_cast<double>(sums[i]);
  return sum;
}

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_MOMENTS_H_
