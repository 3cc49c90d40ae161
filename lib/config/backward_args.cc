#include "lib/config/backward_args.h"

#include "lib/config/fused_call.h"
#include "lib/config/fused_plan.h"
#include "lib/config/fused_tensor.h"
#include "lib/config/gradient_arg.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// The memory of all sums.
rotary_status CountBytes(const Backward& backward, int64_t* bytes,
                         rotary_error* error) {
  if (!__builtin_mul_overflow(backward.leaves * int64_t{sizeof(double)},
                              backward.leaf_sums, bytes)) {
    return ROTARY_OK;
  }
  return FailArgument(error, "gradients", backward.leaf_sums,
                      "so many weights and biases are too many");
}

rotary_status ReadScratch(const rotary_backward_args& args, Backward* backward,
                          Uses* uses, rotary_error* error) {
  int64_t bytes;
  const rotary_status status = CountBytes(*backward, &bytes, error);
  if (status != ROTARY_OK || bytes == 0) return status;
  if (args.scratch == nullptr) return FailNull(error, "scratch");
  const uintptr_t at = reinterpret_cast<uintptr_t>(args.scratch);
  if (at % sizeof(double) != 0) {
    return FailArgument(error, "scratch", static_cast<int64_t>(at),
                        "must be aligned to 8 bytes");
  }
  if (args.scratch_bytes < static_cast<size_t>(bytes)) {
    return FailArgument(error, "scratch_bytes",
                        static_cast<int64_t>(args.scratch_bytes),
                        "less than rotary_backward_bytes_needed");
  }
  backward->sums = static_cast<double*>(args.scratch);
  uses->Add(-1, "scratch", args.scratch, true)->region =
      MakeRegion(args.scratch, bytes);
  return ROTARY_OK;
}

// What is read beside the gradients, as they move it.
int64_t InputBytes(const FusedCall& call, const FusedTensor& fused,
                   const BackwardTensor& backward) {
  if (fused.norm.kind == Norm::kNone) return 0;
  return call.apply.batch * (fused.end_token - fused.first_token) *
         fused.tensor.heads * fused.tensor.head_dim *
         ElementSize(backward.dtype);
}

// All but the scratch memory and what comes after it.
rotary_status ReadTensors(const rotary_backward_args& from,
                          FusedReading* reading, FusedCall* call,
                          Backward* backward, int32_t* num_threads,
                          rotary_error* error) {
  rotary_status status = ReadFusedCall(from.apply, from.fusions, reading, call,
                                       num_threads, error);
  if (status != ROTARY_OK) return status;
  call->backward = backward;
  backward->sums = nullptr;
  backward->leaf_sums = 0;
  SetLeaves(call->apply.batch * call->apply.tokens, backward);
  const rotary_fused_args args = {sizeof(args), reading->apply, from.fusions,
                                  nullptr, nullptr};
  for (int64_t i = 0; i < call->num_tensors; ++i) {
    status = ReadFusedTensor(args, i, call, reading, error);
    if (status != ROTARY_OK) return status;
    FusedTensor* fused = &call->tensors[i];
    PlanBackward(call->apply.target, reading->in_place[i], fused);
    status = CheckTile(*fused, i, error);
    if (status != ROTARY_OK) return status;
    status =
        ReadGradient(from.gradients, i, *call, backward, &reading->uses, error);
    if (status != ROTARY_OK) return status;
  }
  return ROTARY_OK;
}

}  // namespace

rotary_status CheckBackwardArgs(const rotary_backward_args* from,
                                FusedCall* call, Backward* backward,
                                int32_t* num_threads, rotary_error* error) {
  rotary_backward_args copy;
  rotary_status status =
      ReadStruct(from, "args", "args.struct_size", &copy, &from, error);
  if (status != ROTARY_OK) return status;
  FusedReading reading;
  status = ReadTensors(*from, &reading, call, backward, num_threads, error);
  if (status != ROTARY_OK) return status;
  status = ReadScratch(*from, backward, &reading.uses, error);
  if (status != ROTARY_OK) return status;
  status = CheckUses(reading, error);
  if (status != ROTARY_OK) return status;
  status = FinishFusedCall(reading, call, error);
  if (status != ROTARY_OK) return status;
  for (int64_t i = 0; i < call->num_tensors; ++i) {
    call->apply.bytes +=
        InputBytes(*call, call->tensors[i], backward->tensors[i]);
  }
  return ROTARY_OK;
}

rotary_status FindBackwardBytes(const rotary_backward_args* from, size_t* bytes,
                                rotary_error* error) {
  rotary_backward_args copy;
  rotary_status status =
      ReadStruct(from, "args", "args.struct_size", &copy, &from, error);
  if (status != ROTARY_OK) return status;
  FusedReading reading;
  FusedCall call;
  Backward backward;
  int32_t num_threads;
  status = ReadTensors(*from, &reading, &call, &backward, &num_threads, error);
  if (status != ROTARY_OK) return status;
  int64_t needed;
  status = CountBytes(backward, &needed, error);
  if (status != ROTARY_OK) return status;
  status = CheckUses(reading, error);
  if (status != ROTARY_OK) return status;
  status = FinishFusedCall(reading, &call, error);
  if (status != ROTARY_OK) return status;
  *bytes = static_cast<size_t>(needed);
  return ROTARY_OK;
}

}  // namespace rotary
