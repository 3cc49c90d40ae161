// The arguments of rotary_permute_weights.  Called by api.

#ifndef ROTARY_LIB_CONFIG_WEIGHTS_ARGS_H_
#define ROTARY_LIB_CONFIG_WEIGHTS_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/apply/weights.h"

namespace rotary {

// The arguments as they were given.
struct WeightsArgs {
  const void* input;
  void* output;
  int64_t element_size;
  int64_t heads;
  int64_t head_dim;
  int64_t rotary_offset;
  int64_t rotary_dim;
  int64_t columns;
  int64_t input_row_stride;
  int64_t output_row_stride;
  rotary_pairing from;
  rotary_pairing to;
};

rotary_status ReadWeightsArgs(const WeightsArgs& args, Weights* weights,
                              rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_WEIGHTS_ARGS_H_
