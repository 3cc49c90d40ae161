#include "lib/config/tensor_arg.h"

#include <algorithm>

#include "lib/apply/block.h"
#include "lib/apply/memory.h"
#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/tensor_read.h"

namespace rotary {
namespace {

Region InputRegion(const Shape& shape, const Tensor& tensor) {
  Region region;
  MakeRegion(tensor.input, shape, tensor.heads, tensor.head_dim,
             tensor.input_strides, tensor.input_size, &region);
  return region;
}

Region OutputRegion(const Shape& shape, const Tensor& tensor) {
  Region region;
  MakeRegion(tensor.output, shape, tensor.heads, tensor.head_dim,
             tensor.output_strides, tensor.output_size, &region);
  return region;
}

// For tensors that are read more than once.
[[gnu::noinline]] rotary_status ReadTensorAgain(const rotary_apply_args& args,
                                                int64_t index,
                                                const ApplyCall& call,
                                                Tensor* tensor, Memory* memory,
                                                rotary_error* error) {
  return ReadTensor(args, {args.batch, args.tokens}, index, call, tensor,
                    memory, error);
}

// Source i of a call in detail: the first is the positions' data, if it has
// positions.
Region SourceRegion(const rotary_apply_args& args, const ApplyCall& call,
                    const Sources& sources, int i) {
  if (i == 0 && call.rows == nullptr && args.positions != nullptr) {
    const int64_t axes = call.embedding != nullptr ? call.embedding->axes : 1;
    return PositionsRegion(call.positions, axes, {args.batch, args.tokens});
  }
  return RegionOf(sources.spans[i]);
}

// Named by the pointer that the caller gave: in place that is the input.
[[gnu::cold]] rotary_status FailOverlap(int64_t index, const Tensor& tensor,
                                        const Memory& memory,
                                        const char* reason,
                                        rotary_error* error) {
  Failure failure = {ROTARY_ERROR_OVERLAP,
                     memory.in_place ? kInput.data : kOutput.data};
  failure.value = reinterpret_cast<intptr_t>(tensor.output);
  failure.tensor = static_cast<int32_t>(index);
  return Fail(error, failure, reason);
}

// Wrapping: where there are no tokens there may be any number of heads, and the
// sum is not used.
inline void AddHeads(int64_t heads, ApplyCall* call) {
  call->heads = static_cast<int64_t>(static_cast<uint64_t>(call->heads) +
                                     static_cast<uint64_t>(heads));
}

// Adds what a tensor contributes to the call's sums.  They do not overflow: the
// elements of outputs do not coincide.
inline void Count(const rotary_apply_args& args, const Tensor& tensor,
                  const Memory& memory, ApplyCall* call) {
  const uint64_t heads = static_cast<uint64_t>(tensor.heads);
  const uint64_t tokens = static_cast<uint64_t>(args.batch * args.tokens);
  const uint64_t elements =
      tokens * heads * static_cast<uint64_t>(tensor.head_dim);
  const int64_t output_bytes = static_cast<int64_t>(
      elements * static_cast<uint64_t>(tensor.output_size));
  AddHeads(tensor.heads, call);
  const int64_t bytes =
      output_bytes +
      static_cast<int64_t>(elements * static_cast<uint64_t>(tensor.input_size));
  call->bytes += bytes;
  if (!memory.in_place) call->copy_bytes += bytes;
  call->copies |= memory.copies;
}

// A tensor against itself and what the rotation comes from.
inline rotary_status CheckAlone(const rotary_apply_args& args,
                                const Shape& shape, int64_t index,
                                const Tensor& tensor, const Memory& memory,
                                const Sources& sources, ApplyCall* call,
                                rotary_error* error) {
  if (!memory.in_place && !Apart(memory.input, memory.output) &&
      !Disjoint(InputRegion(shape, tensor), OutputRegion(shape, tensor))) {
    return FailOverlap(index, tensor, memory,
                       "not provably disjoint from its input (in place needs "
                       "the same pointer, strides and element size)",
                       error);
  }
  for (int i = 0; i < sources.count; ++i) {
    if (!Apart(memory.output, sources.spans[i]) &&
        !Disjoint(OutputRegion(shape, tensor),
                  SourceRegion(args, *call, sources, i))) {
      return FailOverlap(index, tensor, memory,
                         "it overlaps the rows, the positions, cos or sin",
                         error);
    }
  }
  Count(args, tensor, memory, call);
  return ROTARY_OK;
}

[[gnu::noinline]] bool DisjointPair(const Shape& shape, const Tensor& a,
                                    const Tensor& b) {
  const Region a_output = OutputRegion(shape, a);
  const Region b_output = OutputRegion(shape, b);
  return Disjoint(a_output, b_output) &&
         Disjoint(a_output, InputRegion(shape, b)) &&
         Disjoint(InputRegion(shape, a), b_output);
}

// Tensor `index`, b, against one before it: neither's output may touch anything
// of the other's.
inline rotary_status CheckPair(const rotary_apply_args& args, int64_t index,
                               const Tensor& a, const Memory& a_memory,
                               const Tensor& b, const Memory& b_memory,
                               rotary_error* error) {
  if ((Apart(a_memory.output, b_memory.output) &&
       Apart(a_memory.output, b_memory.input) &&
       Apart(a_memory.input, b_memory.output)) ||
      DisjointPair({args.batch, args.tokens}, a, b)) {
    return ROTARY_OK;
  }
  return FailOverlap(index, b, b_memory,
                     "not provably disjoint from another tensor", error);
}

// How the whole call is moved, once its sums are known.
void ChooseAccess(ApplyCall* call) {
  call->stream = FillsCaches(call->TouchedBytes());
  const bool exceeds = FillsCaches(call->bytes / 2);
  call->prefetch = exceeds && PrefetchPays();
  call->from_memory = exceeds && !call->prefetch;
}

// More tensors than are kept at hand: they are read again for each other.
rotary_status CheckMany(const rotary_apply_args& args, const Sources& sources,
                        ApplyCall* call, rotary_error* error) {
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    Tensor own = {};
    Tensor other = {};
    Memory own_memory = {};
    Memory other_memory = {};
    rotary_status status =
        ReadTensorAgain(args, i, *call, &own, &own_memory, error);
    if (status != ROTARY_OK) return status;
    status = CheckAlone(args, {args.batch, args.tokens}, i, own, own_memory,
                        sources, call, error);
    if (status != ROTARY_OK) return status;
    for (int64_t j = 0; j < i; ++j) {
      ReadTensorAgain(args, j, *call, &other, &other_memory, nullptr);
      status = CheckPair(args, i, other, other_memory, own, own_memory, error);
      if (status != ROTARY_OK) return status;
    }
  }
  ChooseAccess(call);
  return ROTARY_OK;
}

// Elements of each head that are read: in place, the rest stays as it is.
int64_t UsedElements(const ApplyCall& call, const Tensor& tensor,
                     const Memory& memory) {
  return memory.in_place ? 2 * call.pairs : tensor.head_dim;
}

// Bytes, modulo 2^64, from an input to what comes at least `bytes` later in the
// order of the kernels: heads, then tokens.  Where heads are further apart than
// tokens that is the same heads of a later token.
uintptr_t Ahead(const Tensor& tensor, int64_t elements, int64_t bytes) {
  const Strides& strides = tensor.input_strides;
  const bool by_token = tensor.heads <= 1 || AreHeadsApart(strides);
  const int64_t heads =
      by_token ? std::clamp(tensor.heads, int64_t{1}, kHeadsTogether) : 1;
  const int64_t step_bytes = heads * elements * tensor.input_size;
  const int64_t steps = (bytes - 1) / step_bytes + 1;
  return static_cast<uintptr_t>(by_token ? strides.token : strides.head) *
         static_cast<uintptr_t>(steps * tensor.input_size);
}

// What a tensor becomes then.
void FinishTensor(const rotary_apply_args& args, const Memory& memory,
                  Tensor* tensor, ApplyCall* call) {
  // Measured on a Xeon of 2023, as was that both are needed.
  constexpr int64_t kNear = 2048;
  constexpr int64_t kFar = 16384;
  // Of parts, on that and on an AMD Zen 4.
  constexpr int64_t kPartsNear = 4096;
  constexpr int64_t kPartsFar = 32768;
  if (FoldsBatch(args)) {
    tensor->input_strides.token = tensor->input_strides.batch;
    tensor->output_strides.token = tensor->output_strides.batch;
  }
  if (memory.store == ROTARY_STORE_KEEP ||
      (memory.store == ROTARY_STORE_AUTO && !call->stream)) {
    tensor->access = Access::kPlain;
  }
  if (tensor->access == Access::kStream) call->streams = true;
  const int64_t elements = UsedElements(*call, *tensor, memory);
  tensor->in_order = call->from_memory && 2 * call->pairs == tensor->head_dim &&
                     !AreHeadsApart(tensor->input_strides);
  // No hardware sees through parts of heads as it does through whole ones, nor
  // through heads whose halves are this far apart.
  constexpr int64_t kLargeHead = 1024;
  const bool parts = call->bytes > 2 * kSmallCache &&
                     (elements < tensor->head_dim ||
                      elements * tensor->input_size >= kLargeHead);
  tensor->near = 0;
  tensor->far = 0;
  if (!parts && !call->prefetch) return;
  if (tensor->access == Access::kPlain) tensor->access = Access::kPrefetch;
  tensor->near = Ahead(*tensor, elements, parts ? kPartsNear : kNear);
  tensor->far = Ahead(*tensor, elements, parts ? kPartsFar : kFar);
}

}  // namespace

rotary_status ReadMostHeads(const rotary_apply_args& args, int64_t* heads,
                            rotary_error* error) {
  *heads = 0;
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    rotary_tensor copy;
    const rotary_tensor* tensor = ViewTensor(args, i, &copy);
    if (tensor == nullptr) return FailTensorSize(args, i, error);
    *heads = std::max(*heads, tensor->heads);
  }
  return ROTARY_OK;
}

rotary_status CheckTensors(const rotary_apply_args& args,
                           const Sources& sources, Tensor* tensors,
                           ApplyCall* call, rotary_error* error) {
  if (args.num_tensors > kTensorGroup) {
    return CheckMany(args, sources, call, error);
  }
  const Shape shape = {args.batch, args.tokens};
  Memory memory[kTensorGroup];
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    rotary_status status =
        ReadTensor(args, shape, i, *call, &tensors[i], &memory[i], error);
    if (status != ROTARY_OK) return status;
    status =
        CheckAlone(args, shape, i, tensors[i], memory[i], sources, call, error);
    if (status != ROTARY_OK) return status;
    for (int64_t j = 0; j < i; ++j) {
      status = CheckPair(args, i, tensors[j], memory[j], tensors[i], memory[i],
                         error);
      if (status != ROTARY_OK) return status;
    }
  }
  // Most calls are small, in place and have nothing to finish.
  if (call->bytes <= 2 * kSmallCache && call->copy_bytes == 0 &&
      !FoldsBatch(args)) {
    return ROTARY_OK;
  }
  ChooseAccess(call);
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    FinishTensor(args, memory[i], &tensors[i], call);
  }
  return ROTARY_OK;
}

void LoadTensors(const rotary_apply_args& args, int64_t first, int64_t count,
                 Tensor* to, ApplyCall* call) {
  call->heads = 0;
  for (int64_t i = 0; i < count; ++i) {
    Memory memory = {};
    ReadTensorAgain(args, first + i, *call, &to[i], &memory, nullptr);
    FinishTensor(args, memory, &to[i], call);
    AddHeads(to[i].heads, call);
  }
  call->tensors = to;
  call->num_tensors = count;
}

}  // namespace rotary
