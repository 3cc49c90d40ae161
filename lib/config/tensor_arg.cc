#include "lib/config/tensor_arg.h"

#include <math.h>

#include "lib/config/error.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// Says which field of which tensor was wrong.
class TensorFailure {
 public:
  TensorFailure(int64_t index, rotary_error* error)
      : index_(static_cast<int32_t>(index)), error_(error) {}

  rotary_status operator()(const char* field, int64_t value, const char* reason,
                           rotary_status status = ROTARY_ERROR_ARGUMENT) const {
    Failure failure = {status, field};
    failure.value = value;
    failure.tensor = index_;
    return Fail(error_, failure, reason);
  }

  rotary_status Null(const char* field) const {
    Failure failure = {ROTARY_ERROR_ARGUMENT, field};
    failure.type = Failure::kNone;
    failure.tensor = index_;
    return Fail(error_, failure, "is NULL");
  }

 private:
  int32_t index_;
  rotary_error* error_;
};

// The names of one side's fields, for errors.
struct Side {
  const char* data;
  const char* dtype;
  const char* pairing;
  const char* strides[3];  // as Region's source
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

struct Shape {
  int64_t batch;
  int64_t tokens;
};

Strides DenseStrides(Strides strides, int64_t tokens, int64_t heads,
                     int64_t head_dim) {
  // Wrapping: a stride that does not fit is of dimensions that are refused, or
  // never used.
  const auto times = [](int64_t a, int64_t b) {
    return static_cast<int64_t>(static_cast<uint64_t>(a) *
                                static_cast<uint64_t>(b));
  };
  if (strides.head == ROTARY_DENSE) strides.head = head_dim;
  if (strides.token == ROTARY_DENSE) strides.token = times(heads, head_dim);
  if (strides.batch == ROTARY_DENSE) {
    strides.batch = times(tokens, times(heads, head_dim));
  }
  return strides;
}

rotary_status CheckSide(const Side& side, const void* data, rotary_dtype dtype,
                        rotary_pairing pairing, const TensorFailure& fail) {
  if (dtype != ROTARY_F32) {
    return fail(side.dtype, dtype, "must be ROTARY_F32");
  }
  if (pairing != ROTARY_HALF && pairing != ROTARY_INTERLEAVED) {
    return fail(side.pairing, pairing,
                "must be ROTARY_HALF or ROTARY_INTERLEAVED");
  }
  if (data == nullptr) return fail.Null(side.data);
  if (reinterpret_cast<uintptr_t>(data) % sizeof(float) != 0) {
    return fail(side.data, reinterpret_cast<intptr_t>(data),
                "must be aligned to its element");
  }
  return ROTARY_OK;
}

// Strides that are never used are made equal, so that others can be compared.
Strides UsedStrides(const Strides& strides, const Shape& shape, int64_t heads) {
  return {shape.batch == 1 ? 0 : strides.batch,
          shape.tokens == 1 ? 0 : strides.token, heads == 1 ? 0 : strides.head};
}

int64_t StrideOf(const Strides& strides, int source) {
  const int64_t all[3] = {strides.batch, strides.token, strides.head};
  return all[source];
}

// The tensor is too large for memory: names the dimension that reaches
// furthest.
rotary_status FailSize(const Side& side, const Strides& strides,
                       const Shape& shape, const rotary_tensor& in,
                       const TensorFailure& fail) {
  const int64_t sizes[3] = {shape.batch, shape.tokens, in.heads};
  int furthest = 0;
  double reach = -1.0;
  for (int i = 0; i < 3; ++i) {
    const double span = fabs(static_cast<double>(StrideOf(strides, i))) *
                        static_cast<double>(sizes[i] - 1);
    if (span > reach) {
      reach = span;
      furthest = i;
    }
  }
  return fail(side.strides[furthest], StrideOf(strides, furthest),
              "reaches beyond what memory can hold");
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
  const int64_t bytes =
      static_cast<int64_t>(static_cast<uint64_t>(elements) *
                           static_cast<uint64_t>(tensor.output_size));
  return ((bytes | reinterpret_cast<intptr_t>(tensor.output)) &
          (kAlignment - 1)) == 0;
}

rotary_status CheckShape(const rotary_tensor& in, int64_t rotary_dim,
                         const TensorFailure& fail) {
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
  if (in.output_store < ROTARY_STORE_AUTO ||
      in.output_store > ROTARY_STORE_STREAM) {
    return fail("output_store", in.output_store,
                "must be ROTARY_STORE_AUTO, KEEP or STREAM");
  }
  if (in.reserved != 0) return fail("reserved", in.reserved, "must be 0");
  return ROTARY_OK;
}

rotary_status ReadInput(const rotary_tensor& in, const Shape& shape,
                        const ApplyCall& call, ReadTensor* to,
                        const TensorFailure& fail) {
  const bool empty = shape.batch == 0 || shape.tokens == 0 || in.heads == 0;
  if (const rotary_status status =
          CheckSide(kInput, empty ? &in : in.input, in.input_dtype,
                    in.input_pairing, fail)) {
    return status;
  }
  Tensor& tensor = to->tensor;
  tensor.heads = in.heads;
  tensor.head_dim = in.head_dim;
  tensor.rotary_offset = in.rotary_offset;
  tensor.input = static_cast<const char*>(in.input);
  tensor.input_size = sizeof(float);
  tensor.rotate = in.input_pairing == ROTARY_HALF
                      ? call.kernels.rotate_f32->half
                      : call.kernels.rotate_f32->interleaved;
  tensor.input_strides = DenseStrides(
      {in.input_batch_stride, in.input_token_stride, in.input_head_stride},
      shape.tokens, in.heads, in.head_dim);
  if (!MakeRegion(in.input, shape.batch, shape.tokens, in.heads, in.head_dim,
                  tensor.input_strides, tensor.input_size, &to->input)) {
    return FailSize(kInput, tensor.input_strides, shape, in, fail);
  }
  return ROTARY_OK;
}

rotary_status ReadOutput(const rotary_tensor& in, const Shape& shape,
                         ReadTensor* to, const TensorFailure& fail) {
  const rotary_dtype dtype =
      in.output_dtype == 0 ? in.input_dtype : in.output_dtype;
  const rotary_pairing pairing =
      in.output_pairing == 0 ? in.input_pairing : in.output_pairing;
  if (const rotary_status status =
          CheckSide(kOutput, in.output, dtype, pairing, fail)) {
    return status;
  }
  if (pairing != in.input_pairing) {
    return fail(kOutput.pairing, pairing, "must be the input's",
                ROTARY_ERROR_UNSUPPORTED);
  }
  Tensor& tensor = to->tensor;
  tensor.output = static_cast<char*>(in.output);
  tensor.output_size = sizeof(float);
  tensor.output_strides = DenseStrides(
      {in.output_batch_stride, in.output_token_stride, in.output_head_stride},
      shape.tokens, in.heads, in.head_dim);
  if (!MakeRegion(in.output, shape.batch, shape.tokens, in.heads, in.head_dim,
                  tensor.output_strides, tensor.output_size, &to->output)) {
    return FailSize(kOutput, tensor.output_strides, shape, in, fail);
  }
  to->in_place = in.input == in.output &&
                 Equal(UsedStrides(tensor.input_strides, shape, in.heads),
                       UsedStrides(tensor.output_strides, shape, in.heads));
  return ROTARY_OK;
}

void OutputIsInput(const rotary_tensor& in, ReadTensor* to) {
  to->in_place = true;
  to->tensor.output = static_cast<char*>(const_cast<void*>(in.input));
  to->tensor.output_size = to->tensor.input_size;
  to->tensor.output_strides = to->tensor.input_strides;
  to->output = to->input;
}

}  // namespace

rotary_status ReadTensorArg(const rotary_apply_args& args, int64_t index,
                            const ApplyCall& call, ReadTensor* to,
                            rotary_error* error) {
  const TensorFailure fail(index, error);
  // All tensors are of the first one's version.
  const size_t size = args.tensors[0].struct_size;
  const rotary_tensor* from = reinterpret_cast<const rotary_tensor*>(
      reinterpret_cast<const char*>(args.tensors) +
      static_cast<size_t>(index) * size);
  rotary_tensor copy;
  const rotary_tensor* in =
      from->struct_size == size ? ViewStruct(from, &copy) : nullptr;
  if (in == nullptr) {
    return fail("struct_size", static_cast<int64_t>(from->struct_size),
                "no known size, not the first tensor's, or a field is set that "
                "this version has not",
                ROTARY_ERROR_STRUCT_SIZE);
  }
  const Shape shape = {args.batch, args.tokens};
  if (const rotary_status status = CheckShape(*in, 2 * call.pairs, fail)) {
    return status;
  }
  if (const rotary_status status = ReadInput(*in, shape, call, to, fail)) {
    return status;
  }
  if (in->output == nullptr) {
    OutputIsInput(*in, to);
  } else if (const rotary_status status = ReadOutput(*in, shape, to, fail)) {
    return status;
  }
  if (const int dim = CoincidingDim(to->output)) {
    const Side& side = in->output == nullptr ? kInput : kOutput;
    const int source = to->output.source[dim - 1];
    return fail(side.strides[source],
                StrideOf(to->tensor.output_strides, source),
                "less than what it steps over: elements of the output coincide",
                ROTARY_ERROR_OVERLAP);
  }
  to->store = in->output_store;
  to->tensor.stream =
      !to->in_place && AlignedForStream(to->tensor, shape, call.pairs);
  return ROTARY_OK;
}

}  // namespace rotary
