#include "lib/config/tensor_arg.h"

#include "lib/apply/stream.h"
#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

constexpr int64_t kElement = sizeof(float);

// The memory that a tensor takes; in place the two spans are the same.
struct Memory {
  Span input;
  Span output;
  bool in_place;
  rotary_store store;
};

// The names of one side's fields, for errors.
struct Side {
  const char* data;
  const char* dtype;
  const char* pairing;
  const char* strides[3];  // by Region's dimension
};
constexpr Side kInput = {
    "input",
    "input_dtype",
    "input_pairing",
    {"input_batch_stride", "input_token_stride", "input_head_stride"}};
constexpr Side kOutput = {
    "output",
    "output_dtype",
    "output_pairing",
    {"output_batch_stride", "output_token_stride", "output_head_stride"}};

// Says which field of which tensor was wrong.  Kept out of the way of the
// checks: a decode step is as short as they are.
struct TensorFailure {
  int64_t index;
  rotary_error* error;

  [[gnu::cold, gnu::noinline]] static rotary_status Value(
      TensorFailure at, const char* field, int64_t value, const char* reason,
      rotary_status status) {
    Failure failure = {status, field};
    failure.value = value;
    failure.tensor = static_cast<int32_t>(at.index);
    return Fail(at.error, failure, reason);
  }

  rotary_status operator()(const char* field, int64_t value, const char* reason,
                           rotary_status status = ROTARY_ERROR_ARGUMENT) const {
    return Value(*this, field, value, reason, status);
  }

  [[gnu::cold, gnu::noinline]] static rotary_status Null(TensorFailure at,
                                                         const char* field) {
    Failure failure = {ROTARY_ERROR_ARGUMENT, field};
    failure.type = Failure::kNone;
    failure.tensor = static_cast<int32_t>(at.index);
    return Fail(at.error, failure, "is NULL");
  }

  [[gnu::cold, gnu::noinline]] rotary_status Stride(
      const Side& side, int dim, const Strides& strides, const char* reason,
      rotary_status status) const {
    const int64_t all[3] = {strides.batch, strides.token, strides.head};
    return (*this)(side.strides[dim - 1], all[dim - 1], reason, status);
  }
};

inline rotary_status CheckFields(const rotary_tensor& in, int64_t rotary_dim,
                                 TensorFailure fail) {
  if (in.heads < 0) return fail("heads", in.heads, "must not be negative");
  if (in.rotary_offset < 0) {
    return fail("rotary_offset", in.rotary_offset, "must not be negative");
  }
  if (in.head_dim < rotary_dim) {
    return fail("head_dim", in.head_dim, "is less than rotary_dim");
  }
  if (in.rotary_offset > in.head_dim - rotary_dim) {
    return fail("rotary_offset", in.rotary_offset,
                "plus rotary_dim is more than head_dim");
  }
  if (static_cast<uint32_t>(in.output_store) > ROTARY_STORE_STREAM) {
    return fail("output_store", in.output_store,
                "must be ROTARY_STORE_AUTO, KEEP or STREAM");
  }
  if (in.reserved != 0) return fail("reserved", in.reserved, "must be 0");
  return ROTARY_OK;
}

inline rotary_status CheckSide(const Side& side, const void* data, bool empty,
                               rotary_dtype dtype, rotary_pairing pairing,
                               TensorFailure fail) {
  if (dtype != ROTARY_F32) {
    return fail(side.dtype, dtype, "must be ROTARY_F32");
  }
  if (static_cast<uint32_t>(pairing - ROTARY_HALF) >
      ROTARY_INTERLEAVED - ROTARY_HALF) {
    return fail(side.pairing, pairing,
                "must be ROTARY_HALF or ROTARY_INTERLEAVED");
  }
  if (empty) return ROTARY_OK;
  if (data == nullptr) return TensorFailure::Null(fail, side.data);
  if (reinterpret_cast<uintptr_t>(data) % sizeof(float) != 0) {
    return fail(side.data, reinterpret_cast<intptr_t>(data),
                "must be aligned to its element");
  }
  return ROTARY_OK;
}

// ROTARY_DENSE replaced by what it stands for.
inline void ReadStrides(int64_t batch_stride, int64_t token_stride,
                        int64_t head_stride, int64_t tokens, int64_t heads,
                        int64_t head_dim, Strides* strides) {
  // Wrapping: a stride that does not fit is of dimensions that are refused, or
  // never used.
  const uint64_t token =
      static_cast<uint64_t>(heads) * static_cast<uint64_t>(head_dim);
  const uint64_t batch = static_cast<uint64_t>(tokens) * token;
  strides->batch =
      batch_stride == ROTARY_DENSE ? static_cast<int64_t>(batch) : batch_stride;
  strides->token =
      token_stride == ROTARY_DENSE ? static_cast<int64_t>(token) : token_stride;
  strides->head = head_stride == ROTARY_DENSE ? head_dim : head_stride;
}

// The span of a side in any layout, and for an output that its elements do not
// coincide.
[[gnu::noinline]] rotary_status SpanOfAny(const Side& side, const void* data,
                                          const Shape& shape,
                                          const rotary_tensor& in,
                                          const Strides& strides,
                                          bool is_output, TensorFailure fail,
                                          Span* span) {
  Region region;
  if (const int dim = MakeRegion(data, shape, in.heads, in.head_dim, strides,
                                 kElement, &region)) {
    return fail.Stride(side, dim, strides, "reaches further than memory can",
                       ROTARY_ERROR_ARGUMENT);
  }
  if (is_output) {
    if (const int dim = CoincidingDim(region)) {
      return fail.Stride(
          side, dim, strides,
          "less than what it steps over: elements of the output coincide",
          ROTARY_ERROR_OVERLAP);
    }
  }
  *span = region.span;
  return ROTARY_OK;
}

inline rotary_status SpanOf(const Side& side, const void* data,
                            const Shape& shape, const rotary_tensor& in,
                            const Strides& strides, bool is_output,
                            TensorFailure fail, Span* span) {
  const uintptr_t low = reinterpret_cast<uintptr_t>(data);
  const int64_t elements = NestedSpan(shape, in.heads, in.head_dim, strides);
  const uintptr_t end = low + static_cast<uintptr_t>(elements * kElement);
  if (end <= low) {
    return SpanOfAny(side, data, shape, in, strides, is_output, fail, span);
  }
  *span = {low, end};
  return ROTARY_OK;
}

// Strides that are never used are made equal, so that others can be compared.
Strides UsedStrides(const Strides& strides, const Shape& shape, int64_t heads) {
  return {shape.batch == 1 ? 0 : strides.batch,
          shape.tokens == 1 ? 0 : strides.token, heads == 1 ? 0 : strides.head};
}

bool Equal(const Strides& a, const Strides& b) {
  return a.batch == b.batch && a.token == b.token && a.head == b.head;
}

// Whether stores past the caches find what they need: everything aligned to the
// largest vector.
bool AlignedForStream(const Tensor& tensor, const Shape& shape, int64_t pairs) {
  constexpr int64_t kAlignment = 64;
  const Strides strides =
      UsedStrides(tensor.output_strides, shape, tensor.heads);
  const int64_t elements = strides.batch | strides.token | strides.head |
                           tensor.rotary_offset | pairs;
  const int64_t bytes = static_cast<int64_t>(static_cast<uint64_t>(elements) *
                                             static_cast<uint64_t>(kElement));
  return ((bytes | reinterpret_cast<intptr_t>(tensor.output)) &
          (kAlignment - 1)) == 0;
}

rotary_status ReadOutput(const rotary_tensor& in, const Shape& shape,
                         int64_t pairs, TensorFailure fail, Tensor* tensor,
                         Memory* memory) {
  const rotary_dtype dtype =
      in.output_dtype == 0 ? in.input_dtype : in.output_dtype;
  const rotary_pairing pairing =
      in.output_pairing == 0 ? in.input_pairing : in.output_pairing;
  const bool empty = Empty(shape) | (in.heads == 0);
  rotary_status status =
      CheckSide(kOutput, in.output, empty, dtype, pairing, fail);
  if (status != ROTARY_OK) return status;
  if (pairing != in.input_pairing) {
    return fail(kOutput.pairing, pairing, "must be the input's",
                ROTARY_ERROR_UNSUPPORTED);
  }
  tensor->output = static_cast<char*>(in.output);
  Strides& strides = tensor->output_strides;
  ReadStrides(in.output_batch_stride, in.output_token_stride,
              in.output_head_stride, shape.tokens, in.heads, in.head_dim,
              &strides);
  status = SpanOf(kOutput, in.output, shape, in, strides, true, fail,
                  &memory->output);
  if (status != ROTARY_OK) return status;
  memory->in_place = in.input == in.output &&
                     Equal(UsedStrides(tensor->input_strides, shape, in.heads),
                           UsedStrides(strides, shape, in.heads));
  tensor->stream = !memory->in_place && AlignedForStream(*tensor, shape, pairs);
  return ROTARY_OK;
}

Region RegionOf(const void* data, const Shape& shape, const Tensor& tensor,
                const Strides& strides) {
  Region region;
  MakeRegion(data, shape, tensor.heads, tensor.head_dim, strides, kElement,
             &region);
  return region;
}

Region InputRegion(const Shape& shape, const Tensor& tensor) {
  return RegionOf(tensor.input, shape, tensor, tensor.input_strides);
}

Region OutputRegion(const Shape& shape, const Tensor& tensor) {
  return RegionOf(tensor.output, shape, tensor, tensor.output_strides);
}

// Reads and checks a tensor by itself.
[[gnu::always_inline]] inline rotary_status Read(const rotary_apply_args& args,
                                                 const Shape& shape,
                                                 int64_t index,
                                                 const ApplyCall& call,
                                                 Tensor* tensor, Memory* memory,
                                                 rotary_error* error) {
  const TensorFailure fail = {index, error};
  // All tensors are of the first one's version.
  const size_t size = args.tensors[0].struct_size;
  const rotary_tensor* from = reinterpret_cast<const rotary_tensor*>(
      reinterpret_cast<const char*>(args.tensors) +
      static_cast<size_t>(index) * size);
  rotary_tensor copy;
  const rotary_tensor* view =
      from->struct_size == size ? ViewStruct(from, &copy) : nullptr;
  if (view == nullptr) {
    return fail("struct_size", static_cast<int64_t>(from->struct_size),
                "no known size, not the first tensor's, or a field is set that "
                "this version has not",
                ROTARY_ERROR_STRUCT_SIZE);
  }
  const rotary_tensor& in = *view;
  rotary_status status = CheckFields(in, 2 * call.pairs, fail);
  if (status != ROTARY_OK) return status;
  const bool empty = Empty(shape) | (in.heads == 0);
  status = CheckSide(kInput, in.input, empty, in.input_dtype, in.input_pairing,
                     fail);
  if (status != ROTARY_OK) return status;

  const bool in_place = in.output == nullptr;
  tensor->heads = in.heads;
  tensor->head_dim = in.head_dim;
  tensor->rotary_offset = in.rotary_offset;
  tensor->input = in.input;
  const RotateKernels& kernels = *kRotateF32[call.target];
  tensor->rotate =
      in.input_pairing == ROTARY_HALF ? kernels.half : kernels.interleaved;
  tensor->stream = false;
  ReadStrides(in.input_batch_stride, in.input_token_stride,
              in.input_head_stride, shape.tokens, in.heads, in.head_dim,
              &tensor->input_strides);
  const Strides& strides = tensor->input_strides;
  status = SpanOf(kInput, in.input, shape, in, strides, in_place, fail,
                  &memory->input);
  if (status != ROTARY_OK) return status;
  memory->store = in.output_store;
  memory->in_place = in_place;
  if (!in_place) {
    return ReadOutput(in, shape, call.pairs, fail, tensor, memory);
  }
  tensor->output = const_cast<void*>(in.input);
  // Field by field: a copy in one go would wait for the single stores.
  tensor->output_strides.batch = strides.batch;
  tensor->output_strides.token = strides.token;
  tensor->output_strides.head = strides.head;
  memory->output.low = memory->input.low;
  memory->output.end = memory->input.end;
  return ROTARY_OK;
}

[[gnu::noinline]] rotary_status ReadTensorArg(const rotary_apply_args& args,
                                              int64_t index,
                                              const ApplyCall& call,
                                              Tensor* tensor, Memory* memory,
                                              rotary_error* error) {
  return Read(args, {args.batch, args.tokens}, index, call, tensor, memory,
              error);
}

// Where the rotation of a call comes from.
Region SourceRegion(const rotary_apply_args& args, const ApplyCall& call) {
  if (call.rows != nullptr) {
    return MakeRegion(call.rows, static_cast<int64_t>(call.rows->bytes));
  }
  return PositionsRegion(call.positions, {args.batch, args.tokens});
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

// Adds what a tensor contributes to the call's sums.  They do not overflow: the
// elements of outputs do not coincide.  (Where there are no tokens, heads may,
// and is not used.)
inline void Count(const rotary_apply_args& args, const Tensor& tensor,
                  const Memory& memory, ApplyCall* call) {
  const uint64_t heads = static_cast<uint64_t>(tensor.heads);
  const uint64_t tokens = static_cast<uint64_t>(args.batch * args.tokens);
  const int64_t bytes = static_cast<int64_t>(
      tokens * heads * static_cast<uint64_t>(tensor.head_dim * kElement));
  call->heads =
      static_cast<int64_t>(static_cast<uint64_t>(call->heads) + heads);
  call->bytes += 2 * bytes;
  if (!memory.in_place) {
    call->stream_bytes += bytes;
    call->copies = true;
  }
}

// A tensor against itself and what the rotation comes from.
inline rotary_status CheckAlone(const rotary_apply_args& args,
                                const Shape& shape, int64_t index,
                                const Tensor& tensor, const Memory& memory,
                                const Span& source, ApplyCall* call,
                                rotary_error* error) {
  if (!memory.in_place && !Apart(memory.input, memory.output) &&
      !Disjoint(InputRegion(shape, tensor), OutputRegion(shape, tensor))) {
    return FailOverlap(index, tensor, memory,
                       "not provably disjoint from its input", error);
  }
  if (!Apart(memory.output, source) &&
      !Disjoint(OutputRegion(shape, tensor), SourceRegion(args, *call))) {
    return FailOverlap(index, tensor, memory,
                       "overlaps the rows or the positions", error);
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

// More tensors than are kept at hand: they are read again for each other.
rotary_status CheckMany(const rotary_apply_args& args, const Span& source,
                        ApplyCall* call, rotary_error* error) {
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    Tensor own, other;
    Memory own_memory, other_memory;
    rotary_status status =
        ReadTensorArg(args, i, *call, &own, &own_memory, error);
    if (status != ROTARY_OK) return status;
    status = CheckAlone(args, {args.batch, args.tokens}, i, own, own_memory,
                        source, call, error);
    if (status != ROTARY_OK) return status;
    for (int64_t j = 0; j < i; ++j) {
      ReadTensorArg(args, j, *call, &other, &other_memory, nullptr);
      status = CheckPair(args, i, other, other_memory, own, own_memory, error);
      if (status != ROTARY_OK) return status;
    }
  }
  call->stream = StreamPays(call->stream_bytes);
  return ROTARY_OK;
}

// What a tensor becomes once the whole call is known.
void FinishTensor(const rotary_apply_args& args, const Memory& memory,
                  Tensor* tensor, ApplyCall* call) {
  if (FoldsBatch(args)) {
    tensor->input_strides.token = tensor->input_strides.batch;
    tensor->output_strides.token = tensor->output_strides.batch;
  }
  if (memory.store == ROTARY_STORE_KEEP ||
      (memory.store == ROTARY_STORE_AUTO && !call->stream)) {
    tensor->stream = false;
  }
  call->streams |= tensor->stream;
}

}  // namespace

rotary_status CheckTensors(const rotary_apply_args& args, const Span& source,
                           Tensor* tensors, ApplyCall* call,
                           rotary_error* error) {
  if (args.num_tensors > kTensorGroup) {
    return CheckMany(args, source, call, error);
  }
  const Shape shape = {args.batch, args.tokens};
  Memory memory[kTensorGroup];
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    rotary_status status =
        Read(args, shape, i, *call, &tensors[i], &memory[i], error);
    if (status != ROTARY_OK) return status;
    status =
        CheckAlone(args, shape, i, tensors[i], memory[i], source, call, error);
    if (status != ROTARY_OK) return status;
    for (int64_t j = 0; j < i; ++j) {
      status = CheckPair(args, i, tensors[j], memory[j], tensors[i], memory[i],
                         error);
      if (status != ROTARY_OK) return status;
    }
  }
  if (call->stream_bytes == 0 && !FoldsBatch(args)) return ROTARY_OK;
  call->stream = StreamPays(call->stream_bytes);
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    FinishTensor(args, memory[i], &tensors[i], call);
  }
  return ROTARY_OK;
}

void LoadTensors(const rotary_apply_args& args, int64_t first, int64_t count,
                 Tensor* to, ApplyCall* call) {
  call->heads = 0;
  for (int64_t i = 0; i < count; ++i) {
    Memory memory;
    ReadTensorArg(args, first + i, *call, &to[i], &memory, nullptr);
    FinishTensor(args, memory, &to[i], call);
    call->heads += to[i].heads;
  }
  call->tensors = to;
  call->num_tensors = count;
}

}  // namespace rotary
