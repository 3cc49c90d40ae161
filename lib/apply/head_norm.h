// The norm of heads, and what else they are multiplied by.  Used by
// apply/stages.cc.

#ifndef ROTARY_LIB_APPLY_HEAD_NORM_H_
#define ROTARY_LIB_APPLY_HEAD_NORM_H_

#include <stdint.h>

#include "lib/apply/chunk.h"
#include "lib/apply/moments.h"

namespace rotary {

class HeadNorm {
 public:
  explicit HeadNorm(const FusedTensor& fused)
      : fused_(fused), moments_(fused), scales_(fused) {}

  // Whether there is one before the rotation, or after it.
  bool IsFirst() const { return fused_.norm.kind != Norm::kNone && !IsLast(); }
  bool IsLast() const { return fused_.norm.after && fused_.rotates; }

  // Whether heads are multiplied by something without a norm.
  bool Scales() const {
    return scales_.Any() && fused_.norm.kind == Norm::kNone;
  }

  // What each head of a chunk is multiplied by beside its norm's factor.
  void ReadScales(const Chunk& chunk) { scales_.Read(chunk); }

  // For each head of a chunk, of `input`, by itself.
  void FindFactors(const Chunk& chunk, const TileInput& input) {
    moments_.FindFactors(chunk, input, scales_.values());
  }

  // The same for all heads of a token, `step` of them at a time; find() says
  // where the heads of the chunk are.
  template <class Find>
  void FindFactorOfAll(int64_t step, Chunk* chunk, const Find& find) {
    moments_.FindFactorOfAll(step, scales_.Of(*chunk, 0), chunk, find);
  }

  // From `input` to a tile: normed, or scaled if that is to be done without a
  // norm, or as it is.
  void Load(const Chunk& chunk, const TileInput& input, bool norms,
            float* to) const;

  // From the input to a tile, or, without one, to the output: normed and
  // rotated, by factors that were found.
  void Rotate(const Chunk& chunk, float* tile) const;

  // Memory for as many numbers as a chunk has heads, once they are stored.
  float* Spare() { return moments_.Spare(); }

 private:
  const FusedTensor& fused_;
  Moments moments_;
  HeadScales scales_;
};

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_HEAD_NORM_H_
