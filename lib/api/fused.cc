// Fused passes.

#include "lib/apply/fused.h"

#include "include/rotary/rotary.h"
#include "lib/config/defaults.h"
#include "lib/config/fused_args.h"

void rotary_norm_init(rotary_norm* norm, size_t struct_size) {
  rotary::SetDefaults(norm, struct_size);
}

void rotary_cache_init(rotary_cache* cache, size_t struct_size) {
  rotary::SetDefaults(cache, struct_size);
}

void rotary_fusion_init(rotary_fusion* fusion, size_t struct_size) {
  rotary::SetDefaults(fusion, struct_size);
}

void rotary_fused_args_init(rotary_fused_args* args, size_t struct_size) {
  rotary::SetDefaults(args, struct_size);
}

rotary_status rotary_apply_fused(const rotary_fused_args* args,
                                 rotary_error* error) {
  rotary::FusedCall call;
  int32_t num_threads;
  if (const rotary_status status =
          rotary::CheckFusedArgs(args, &call, &num_threads, error)) {
    return status;
  }
  rotary::Run(call, num_threads);
  return ROTARY_OK;
}
