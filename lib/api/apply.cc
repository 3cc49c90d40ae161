// Apply, whole and prepared.

#include "lib/apply/apply.h"

#include <new>

#include "include/rotary/rotary.h"
#include "lib/apply/prepared.h"
#include "lib/config/apply_args.h"
#include "lib/config/defaults.h"
#include "lib/config/error.h"
#include "lib/config/flat_args.h"
#include "lib/config/prepared_args.h"
#include "lib/config/rows_args.h"

void rotary_cos_sin_init(rotary_cos_sin* cos_sin, size_t struct_size) {
  rotary::SetDefaults(cos_sin, struct_size);
}

void rotary_tensor_init(rotary_tensor* tensor, size_t struct_size) {
  rotary::SetDefaults(tensor, struct_size);
}

void rotary_apply_args_init(rotary_apply_args* args, size_t struct_size) {
  rotary::SetDefaults(args, struct_size);
}

rotary_status rotary_apply(const rotary_apply_args* args, rotary_error* error) {
  rotary_apply_args copy;
  rotary::Tensor group[rotary::kTensorGroup];
  rotary::ApplyCall call;
  const rotary_status status =
      rotary::CheckApplyArgs(&args, &copy, group, &call, error);
  if (status != ROTARY_OK) return status;
  if (call.num_tensors == args->num_tensors) {
    rotary::Run(call, args->num_threads);
    return ROTARY_OK;
  }
  for (int64_t i = 0; i < args->num_tensors; i += rotary::kTensorGroup) {
    const int64_t left = args->num_tensors - i;
    const int64_t count =
        left < rotary::kTensorGroup ? left : rotary::kTensorGroup;
    rotary::LoadTensors(*args, i, count, group, &call);
    rotary::Run(call, args->num_threads);
  }
  return ROTARY_OK;
}

rotary_status rotary_apply_qk(const rotary_embedding* embedding,
                              const void* position_ids,
                              rotary_dtype position_ids_dtype, int64_t tokens,
                              rotary_dtype dtype, rotary_pairing pairing,
                              int64_t head_dim, void* q, int64_t q_heads,
                              int64_t q_token_stride, int64_t q_head_stride,
                              void* k, int64_t k_heads, int64_t k_token_stride,
                              int64_t k_head_stride, int32_t num_threads,
                              rotary_error* error) {
  if (embedding == nullptr) return rotary::FailNull(error, "embedding");
  rotary_positions positions;
  rotary::SetDefaults(&positions, sizeof(positions));
  positions.data = position_ids;
  positions.dtype = position_ids_dtype;
  positions.axis_stride = 0;

  rotary_tensor tensors[2];
  rotary::SetDefaults(&tensors[0], sizeof(tensors[0]));
  tensors[0].head_dim = head_dim;
  tensors[0].input_dtype = dtype;
  tensors[0].input_pairing = pairing;
  tensors[1] = tensors[0];
  tensors[0].input = q;
  tensors[0].heads = q_heads;
  tensors[0].input_token_stride = q_token_stride;
  tensors[0].input_head_stride = q_head_stride;
  tensors[1].input = k;
  tensors[1].heads = k_heads;
  tensors[1].input_token_stride = k_token_stride;
  tensors[1].input_head_stride = k_head_stride;

  rotary_apply_args args;
  rotary::SetDefaults(&args, sizeof(args));
  args.tokens = tokens;
  args.tensors = tensors;
  args.num_tensors = 2;
  args.embedding = embedding;
  args.positions = &positions;
  args.num_threads = num_threads;
  const rotary_status status = rotary_apply(&args, error);
  if (status != ROTARY_OK && error != nullptr) rotary::NameAsFlat(error);
  return status;
}

rotary_status rotary_prepared_bytes_needed(int64_t num_tensors, size_t* bytes,
                                           rotary_error* error) {
  if (const rotary_status status =
          rotary::CheckPreparedShape(num_tensors, error)) {
    return status;
  }
  if (bytes == nullptr) return rotary::FailNull(error, "bytes");
  *bytes = rotary::PreparedBytes(num_tensors);
  return ROTARY_OK;
}

rotary_status rotary_prepare(const rotary_apply_args* args, void* memory,
                             size_t bytes, rotary_prepared** prepared,
                             rotary_error* error) {
  rotary_apply_args copy;
  rotary::Tensor group[rotary::kTensorGroup];
  rotary::ApplyCall call;
  rotary_status status =
      rotary::CheckApplyArgs(&args, &copy, group, &call, error);
  if (status == ROTARY_OK) {
    status = rotary::CheckMemory(
        memory, bytes, rotary::PreparedBytes(args->num_tensors), error);
  }
  if (status == ROTARY_OK) {
    status = rotary::CheckKept(*args, call, memory,
                               rotary::PreparedBytes(args->num_tensors), error);
  }
  if (status != ROTARY_OK) return status;
  if (prepared == nullptr) return rotary::FailNull(error, "prepared");
  rotary_prepared* made =
      new (memory) rotary_prepared{rotary::kPreparedMagic, call};
  rotary::LoadTensors(*args, 0, args->num_tensors,
                      rotary::PreparedTensors(made), &made->call);
  *prepared = made;
  return ROTARY_OK;
}

int64_t rotary_prepared_slices(const rotary_prepared* prepared) {
  if (prepared == nullptr) return 0;
  const rotary::FusedCall* fused = rotary::PreparedFused(prepared);
  return fused != nullptr ? rotary::UsefulSlices(*fused)
                          : rotary::UsefulSlices(prepared->call);
}

rotary_status rotary_prepared_run(const rotary_prepared* prepared,
                                  int64_t slice, int64_t num_slices,
                                  rotary_error* error) {
  if (const rotary_status status =
          rotary::CheckSlice(prepared, slice, num_slices, error)) {
    return status;
  }
  const rotary::FusedCall* fused = rotary::PreparedFused(prepared);
  if (fused != nullptr) {
    rotary::RunFusedSlice(*fused, slice, num_slices);
  } else {
    rotary::RunSlice(prepared->call, slice, num_slices);
  }
  return ROTARY_OK;
}
