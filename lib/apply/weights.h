// The weights of a projection, whose rows change places with the pairing of the
// heads that it makes.  Made by config, called by api.

#ifndef ROTARY_LIB_APPLY_WEIGHTS_H_
#define ROTARY_LIB_APPLY_WEIGHTS_H_

#include <stdint.h>

#include "lib/kernels/kernels.h"

namespace rotary {

// Plain bytes.  In place, input and output are the same, and so are their
// strides; else no byte of the one is the other's.
struct Weights {
  const char* input;
  char* output;
  bool in_place;
  int64_t input_stride;   // from row to row, in bytes
  int64_t output_stride;  // of more bytes than a row has, or of one row only
  int64_t row_bytes;
  int64_t heads;  // 0: nothing is to be done
  int64_t head_dim;
  int64_t rotary_offset;
  int64_t pairs;
  Pairing from;
  Pairing to;
};

void Permute(const Weights& weights);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_WEIGHTS_H_
