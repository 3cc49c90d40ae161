// The angles that other frameworks rotate by, in their f32 arithmetic.  Called
// by rows/make_rows.cc.

#ifndef ROTARY_LIB_ROWS_COMPATIBLE_H_
#define ROTARY_LIB_ROWS_COMPATIBLE_H_

#include <stdint.h>

#include "lib/kernels/target.h"
#include "lib/rows/embedding.h"

namespace rotary {

// Angles of so many tokens, of a head's pairs [pair_begin, pair_begin +
// pair_count).
struct CompatibleAngles {
  const rotary_embedding* embedding;
  Target target;
  const double* positions;  // on axis a, + a * position_stride; NaN: none
  int64_t position_stride;
  int64_t count;
  int64_t head;
  int64_t pair_begin;  // a multiple of kPairPadding, as is pair_count
  int64_t pair_count;
  float* angles;  // of the first token
  int64_t row_stride;
  uint8_t* rotates;  // RowState of each
};

// Of at most kGgmlTokens.
void MakeCompatibleAngles(const CompatibleAngles& to);

// What ggml makes an angle of, whichever its pair.
struct GgmlAngle {
  float freq_scale;
  float ext_factor;
  Ramp ramp;
};
GgmlAngle GgmlAngleOf(const Model& model);

// And what of its pair, in arrays that are there; of those behind the model's
// last, small angles.
void MakeGgmlPairs(const Model& model, int64_t padded_pairs, GgmlPairs* pairs);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_COMPATIBLE_H_
