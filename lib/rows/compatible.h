// The angles that other frameworks rotate by, in their f32 arithmetic.  Called
// by rows/make_rows.cc.

#ifndef ROTARY_LIB_ROWS_COMPATIBLE_H_
#define ROTARY_LIB_ROWS_COMPATIBLE_H_

#include <stdint.h>

#include "lib/rows/embedding.h"

namespace rotary {

// Angles of so many tokens, of a head's pairs [pair_begin, pair_begin +
// pair_count).
struct CompatibleAngles {
  const rotary_embedding* embedding;
  const double* positions;  // on axis a, + a * position_stride; NaN: none
  int64_t position_stride;
  int64_t count;
  int64_t head;
  int64_t pair_begin;
  int64_t pair_count;
  float* angles;  // of the first token; where it has a position
  int64_t row_stride;
  uint8_t* rotates;  // RowState of each
};

// What ggml multiplies an angle by from pair to pair, base^(-2 / dim).
float GgmlStep(double base, int64_t dim);

// What it makes angles of besides, but for each pair's divisor.
struct GgmlAngle {
  float freq_scale;
  float ext_factor;
  Ramp ramp;
};
GgmlAngle GgmlAngleOf(const Model& model);

// At most so many tokens at a time.
constexpr int64_t kCompatibleTokens = 8;

void MakeCompatibleAngles(const CompatibleAngles& to);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_COMPATIBLE_H_
