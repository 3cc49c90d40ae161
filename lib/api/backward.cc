// Backward passes.

#include "lib/apply/backward.h"

#include "include/rotary/rotary.h"
#include "lib/config/backward_args.h"
#include "lib/config/defaults.h"
#include "lib/config/error.h"

void rotary_fusion_gradient_init(rotary_fusion_gradient* gradient,
                                 size_t struct_size) {
  rotary::SetDefaults(gradient, struct_size);
}

void rotary_backward_args_init(rotary_backward_args* args, size_t struct_size) {
  rotary::SetDefaults(args, struct_size);
}

rotary_status rotary_backward_bytes_needed(const rotary_backward_args* args,
                                           size_t* bytes, rotary_error* error) {
  if (bytes == nullptr) return rotary::FailNull(error, "bytes");
  return rotary::FindBackwardBytes(args, bytes, error);
}

rotary_status rotary_apply_fused_backward(const rotary_backward_args* args,
                                          rotary_error* error) {
  rotary::FusedCall call;
  rotary::Backward backward;
  int32_t num_threads;
  if (const rotary_status status = rotary::CheckBackwardArgs(
          args, &call, &backward, &num_threads, error)) {
    return status;
  }
  rotary::RunBackward(call, num_threads);
  return ROTARY_OK;
}
