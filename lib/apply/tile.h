// A change of pairing in place: some heads of a token at a time are copied to a
// tile, and rotated from there.  Used by apply/apply.cc.

#ifndef ROTARY_LIB_APPLY_TILE_H_
#define ROTARY_LIB_APPLY_TILE_H_

#include <stdint.h>

#include "lib/kernels/kernels.h"

namespace rotary {

// Goes through the tokens and heads of a job on one tensor whose tile is not
// kNone.
class TiledHeads {
 public:
  TiledHeads(const Tensor& tensor, const RotateJob& job);

  // Copies the next heads; false: there are none.
  bool Next();

  // The token that they are of, from the job's first on.
  int64_t token() const { return token_; }

  // Rotates some pairs of them, of which cos and sin are the row.
  void Rotate(int64_t pair_begin, int64_t pair_count, const float* cos,
              const float* sin, uint8_t state);

 private:
  static constexpr int64_t kBytes = 16384;

  const Tensor& tensor_;
  const RotateJob& job_;
  int64_t token_;
  int64_t head_;
  int64_t begin_;     // of a head, what is copied
  int64_t elements_;  // so many
  Tensor part_;       // from the tile to where they were
  alignas(64) char tile_[kBytes];
};

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_TILE_H_
