// Weights, converted from one pairing to another.

#include "lib/apply/weights.h"

#include "include/rotary/rotary.h"
#include "lib/config/weights_args.h"

rotary_status rotary_permute_weights(
    const void* input, void* output, int64_t element_size, int64_t heads,
    int64_t head_dim, int64_t rotary_offset, int64_t rotary_dim,
    int64_t columns, int64_t input_row_stride, int64_t output_row_stride,
    rotary_pairing from, rotary_pairing to, rotary_error* error) {
  rotary::Weights weights;
  if (const rotary_status status = rotary::ReadWeightsArgs(
          {input, output, element_size, heads, head_dim, rotary_offset,
           rotary_dim, columns, input_row_stride, output_row_stride, from, to},
          &weights, error)) {
    return status;
  }
  rotary::Permute(weights);
  return ROTARY_OK;
}
