// What ggml makes its angles of, in f32.  Called by rows/embedding.cc and
// rows/fingerprint.cc.

#ifndef ROTARY_LIB_ROWS_GGML_H_
#define ROTARY_LIB_ROWS_GGML_H_

#include <stdint.h>

#include "lib/kernels/target.h"
#include "lib/rows/embedding.h"

namespace rotary {

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

#endif  // ROTARY_LIB_ROWS_GGML_H_
