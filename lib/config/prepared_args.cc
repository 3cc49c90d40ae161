#include "lib/config/prepared_args.h"

#include "lib/apply/prepared.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/config/tensor_arg.h"

namespace rotary {

rotary_status CheckPreparedShape(int64_t num_tensors, rotary_error* error) {
  if (num_tensors < 0 || num_tensors > INT32_MAX) {
    return FailArgument(error, "num_tensors", num_tensors,
                        "must be 0 to 2^31 - 1");
  }
  return ROTARY_OK;
}

rotary_status CheckKept(const rotary_apply_args& args, const ApplyCall& call,
                        const void* memory, size_t bytes, rotary_error* error) {
  const Region kept = MakeRegion(memory, static_cast<int64_t>(bytes));
  bool apart = true;
  if (call.rows != nullptr) {
    const int64_t row_bytes = static_cast<int64_t>(call.rows->bytes);
    apart = Disjoint(kept, MakeRegion(call.rows, row_bytes));
  }
  const Shape shape = {call.batch, call.tokens};
  for (int64_t i = 0; i < args.num_tensors && apart; ++i) {
    ApplyCall copy = call;
    Tensor t;
    LoadTensors(args, i, 1, &t, &copy);
    Region input;
    Region output;
    MakeRegion(t.input, shape, t.heads, t.head_dim, t.input_strides,
               t.input_size, &input);
    MakeRegion(t.output, shape, t.heads, t.head_dim, t.output_strides,
               t.output_size, &output);
    apart = Disjoint(kept, input) && Disjoint(kept, output);
  }
  if (apart) return ROTARY_OK;
  Failure failure = {ROTARY_ERROR_OVERLAP, "memory"};
  failure.value = reinterpret_cast<intptr_t>(memory);
  return Fail(error, failure,
              "not provably disjoint from the call's tensors or rows");
}

rotary_status CheckSlice(const rotary_prepared* prepared, int64_t slice,
                         int64_t num_slices, rotary_error* error) {
  if (prepared == nullptr) return FailNull(error, "prepared");
  if (prepared->magic != kPreparedMagic &&
      prepared->magic != kPreparedFusedMagic) {
    return FailArgument(error, "prepared", reinterpret_cast<intptr_t>(prepared),
                        "not a prepared call");
  }
  if (num_slices < 1) {
    return FailArgument(error, "num_slices", num_slices, "must be at least 1");
  }
  if (slice < 0 || slice >= num_slices) {
    return FailArgument(error, "slice", slice, "must be 0 to num_slices - 1");
  }
  return ROTARY_OK;
}

}  // namespace rotary
