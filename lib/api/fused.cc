// Fused passes.

#include "lib/apply/fused.h"

#include <new>

#include "include/rotary/rotary.h"
#include "lib/apply/prepared.h"
#include "lib/config/defaults.h"
#include "lib/config/error.h"
#include "lib/config/fused_args.h"
#include "lib/config/rows_args.h"

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
  if (const rotary_status status = rotary::CheckFusedArgs(
          args, nullptr, 0, &call, &num_threads, error)) {
    return status;
  }
  rotary::Run(call, num_threads);
  return ROTARY_OK;
}

rotary_status rotary_prepared_fused_bytes_needed(size_t* bytes,
                                                 rotary_error* error) {
  if (bytes == nullptr) return rotary::FailNull(error, "bytes");
  *bytes = rotary::kPreparedFusedBytes;
  return ROTARY_OK;
}

rotary_status rotary_prepare_fused(const rotary_fused_args* args, void* memory,
                                   size_t bytes, rotary_prepared** prepared,
                                   rotary_error* error) {
  rotary::FusedCall call;
  int32_t num_threads;
  rotary_status status =
      rotary::CheckMemory(memory, bytes, rotary::kPreparedFusedBytes, error);
  if (status == ROTARY_OK) {
    status = rotary::CheckFusedArgs(args, memory, rotary::kPreparedFusedBytes,
                                    &call, &num_threads, error);
  }
  if (status != ROTARY_OK) return status;
  if (prepared == nullptr) return rotary::FailNull(error, "prepared");
  *prepared =
      new (memory) rotary_prepared{rotary::kPreparedFusedMagic, call.apply};
  new (*prepared + 1) rotary::FusedCall(call);
  return ROTARY_OK;
}
