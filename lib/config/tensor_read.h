// One tensor of an apply call: the caller's struct to an internal one, and
// every rule that it must obey by itself.  Inline: a short call is as fast as
// this.  Used by config/tensor_arg.cc and, in part, config/fused_*.cc.

#ifndef ROTARY_LIB_CONFIG_TENSOR_READ_H_
#define ROTARY_LIB_CONFIG_TENSOR_READ_H_

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"
#include "lib/config/common_args.h"
#include "lib/config/region.h"
#include "lib/config/structs.h"
#include "lib/config/tensor_failure.h"

namespace rotary {

// The memory that a tensor takes; in place the two spans are the same.
struct Memory {
  Span input;
  Span output;
  bool in_place;
  bool copies;  // also what is not rotated
  rotary_store store;
};

// Tensor `index` as the caller gave it.  All tensors are of the first one's
// version.
inline const rotary_tensor* GivenTensor(const rotary_apply_args& args,
                                        int64_t index) {
  return reinterpret_cast<const rotary_tensor*>(
      reinterpret_cast<const char*>(args.tensors) +
      static_cast<size_t>(index) * args.tensors[0].struct_size);
}

// As this version's struct, or nullptr: then FailTensorSize says why.
inline const rotary_tensor* ViewTensor(const rotary_apply_args& args,
                                       int64_t index, rotary_tensor* copy) {
  const rotary_tensor* from = GivenTensor(args, index);
  return from->struct_size == args.tensors[0].struct_size
             ? ViewStruct(from, copy)
             : nullptr;
}

[[gnu::cold]] inline rotary_status FailTensorSize(const rotary_apply_args& args,
                                                  int64_t index,
                                                  rotary_error* error) {
  const TensorFailure fail = {index, error};
  return fail("struct_size",
              static_cast<int64_t>(GivenTensor(args, index)->struct_size),
              "no known size (was its init function called?), not the first "
              "tensor's, or a field is set that this version has not",
              ROTARY_ERROR_STRUCT_SIZE);
}

inline rotary_status CheckFields(const rotary_tensor& in, int64_t rotary_dim,
                                 TensorFailure fail) {
  if (in.heads < 0) return fail("heads", in.heads, "must not be negative");
  if (in.rotary_offset < 0) {
    return fail("rotary_offset", in.rotary_offset, "must not be negative");
  }
  if (in.head_dim < rotary_dim) {
    return fail("head_dim", in.head_dim, "less than rotary_dim");
  }
  if (in.rotary_offset > in.head_dim - rotary_dim) {
    return fail("rotary_offset", in.rotary_offset,
                "plus rotary_dim that is more than head_dim");
  }
  if (in.reserved != 0) return fail("reserved", in.reserved, "must be 0");
  return ROTARY_OK;
}

// Of one side.
struct Format {
  Dtype dtype;
  Pairing pairing;
  int32_t size;
};

inline rotary_status ReadFormat(const Side& side, const void* data, bool empty,
                                rotary_dtype dtype, rotary_pairing pairing,
                                TensorFailure fail, Format* format) {
  if (!ReadDtype(dtype, &format->dtype)) {
    return fail(side.dtype, dtype, "must be ROTARY_F32, F16 or BF16");
  }
  format->size = ElementSize(format->dtype);
  if (!ReadPairing(pairing, &format->pairing)) {
    return fail(side.pairing, pairing,
                "must be ROTARY_HALF or ROTARY_INTERLEAVED");
  }
  if (empty) return ROTARY_OK;
  if (data == nullptr) return TensorFailure::Null(fail, side.data);
  // A power of two.
  const uintptr_t size = static_cast<uintptr_t>(format->size);
  if ((reinterpret_cast<uintptr_t>(data) & (size - 1)) != 0) {
    return fail(side.data, reinterpret_cast<intptr_t>(data),
                "must be aligned to its element");
  }
  return ROTARY_OK;
}

// ROTARY_DENSE replaced by what it stands for, what is not used by 0.
inline void ReadStrides(int64_t batch_stride, int64_t token_stride,
                        int64_t head_stride, const Shape& shape, int64_t heads,
                        int64_t head_dim, Strides* strides) {
  // Wrapping: a stride that does not fit is of dimensions that are refused.
  const uint64_t head = static_cast<uint64_t>(head_dim);
  const uint64_t token = static_cast<uint64_t>(heads) * head;
  const uint64_t batch = static_cast<uint64_t>(shape.tokens) * token;
  strides->batch = ReadStride(batch_stride, shape.batch, batch);
  strides->token = ReadStride(token_stride, shape.tokens, token);
  strides->head = ReadStride(head_stride, heads, head);
}

// The span of a side in any layout, and for an output that its elements do not
// coincide.
[[gnu::noinline]] inline rotary_status SpanOfAny(
    const Side& side, const void* data, int64_t element_size,
    const Shape& shape, const rotary_tensor& in, const Strides& strides,
    bool is_output, TensorFailure fail, Span* span) {
  Region region;
  if (const int dim = MakeRegion(data, shape, in.heads, in.head_dim, strides,
                                 element_size, &region)) {
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
                            int64_t element_size, const Shape& shape,
                            const rotary_tensor& in, const Strides& strides,
                            bool is_output, TensorFailure fail, Span* span) {
  const uintptr_t low = reinterpret_cast<uintptr_t>(data);
  const int64_t elements = NestedSpan(shape, in.heads, in.head_dim, strides);
  const uintptr_t end = low + static_cast<uintptr_t>(elements * element_size);
  if (end <= low) {
    return SpanOfAny(side, data, element_size, shape, in, strides, is_output,
                     fail, span);
  }
  *span = {low, end};
  return ROTARY_OK;
}

inline bool Equal(const Strides& a, const Strides& b) {
  return a.batch == b.batch && a.token == b.token && a.head == b.head;
}

// Whether stores past the caches find what they need: everything aligned to the
// largest vector.
inline bool AlignedForStream(const Tensor& tensor, int64_t pairs) {
  constexpr int64_t kAlignment = 64;
  const Strides& strides = tensor.output_strides;
  const int64_t elements = strides.batch | strides.token | strides.head |
                           tensor.rotary_offset | pairs;
  const int64_t bytes =
      static_cast<int64_t>(static_cast<uint64_t>(elements) *
                           static_cast<uint64_t>(tensor.output_size));
  return ((bytes | reinterpret_cast<intptr_t>(tensor.output)) &
          (kAlignment - 1)) == 0;
}

// Whether the output, which is the input, is of another dtype or pairing.
inline bool ChangesInPlace(const rotary_tensor& in) {
  return (in.output_dtype != 0 && in.output_dtype != in.input_dtype) ||
         (in.output_pairing != 0 && in.output_pairing != in.input_pairing);
}

// That input given as the output too.  `copy` may be where `in` is.
[[gnu::noinline]] inline const rotary_tensor& WithOutput(
    const rotary_tensor& in, rotary_tensor* copy) {
  *copy = in;
  copy->output = const_cast<void*>(in.input);
  copy->output_batch_stride = in.input_batch_stride;
  copy->output_token_stride = in.input_token_stride;
  copy->output_head_stride = in.input_head_stride;
  copy->output_store = ROTARY_STORE_AUTO;
  return *copy;
}

inline rotary_status ReadOutput(const rotary_tensor& in, const Shape& shape,
                                int64_t pairs, const Format& input,
                                Format* output, TensorFailure fail,
                                Tensor* tensor, Memory* memory) {
  const rotary_dtype dtype =
      in.output_dtype == 0 ? in.input_dtype : in.output_dtype;
  const rotary_pairing pairing =
      in.output_pairing == 0 ? in.input_pairing : in.output_pairing;
  const bool empty = Empty(shape) | (in.heads == 0);
  if (static_cast<uint32_t>(in.output_store) > ROTARY_STORE_STREAM) {
    return fail("output_store", in.output_store,
                "must be ROTARY_STORE_AUTO, KEEP or STREAM");
  }
  memory->store = in.output_store;
  rotary_status status =
      ReadFormat(kOutput, in.output, empty, dtype, pairing, fail, output);
  if (status != ROTARY_OK) return status;
  tensor->output = static_cast<char*>(in.output);
  tensor->output_size = output->size;
  Strides& strides = tensor->output_strides;
  ReadStrides(in.output_batch_stride, in.output_token_stride,
              in.output_head_stride, shape, in.heads, in.head_dim, &strides);
  status = SpanOf(kOutput, in.output, tensor->output_size, shape, in, strides,
                  true, fail, &memory->output);
  if (status != ROTARY_OK) return status;
  memory->in_place = in.input == in.output &&
                     tensor->input_size == tensor->output_size &&
                     Equal(tensor->input_strides, strides);
  memory->copies = !memory->in_place || input.dtype != output->dtype ||
                   input.pairing != output->pairing;
  if (memory->in_place && input.pairing != output->pairing) {
    tensor->tile = input.dtype == output->dtype ? Tile::kRotated : Tile::kHead;
    // What a tile of 16 KB holds.
    if (in.head_dim > 4096) {
      return fail("head_dim", in.head_dim,
                  "a change of pairing in place needs one of at most 4096",
                  ROTARY_ERROR_UNSUPPORTED);
    }
  }
  if (!memory->in_place && AlignedForStream(*tensor, pairs)) {
    tensor->access = Access::kStream;
  }
  return ROTARY_OK;
}

// Reads and checks a tensor by itself.  tensor->access becomes kStream if its
// alignment allows it.
[[gnu::always_inline]] inline rotary_status ReadTensor(
    const rotary_apply_args& args, const Shape& shape, int64_t index,
    const ApplyCall& call, Tensor* tensor, Memory* memory,
    rotary_error* error) {
  const TensorFailure fail = {index, error};
  rotary_tensor copy;
  const rotary_tensor* view = ViewTensor(args, index, &copy);
  if (view == nullptr) return FailTensorSize(args, index, error);
  const rotary_tensor& in = *view;
  rotary_status status = CheckFields(in, 2 * call.pairs, fail);
  if (status != ROTARY_OK) return status;
  const bool empty = Empty(shape) | (in.heads == 0);
  Format input;
  status = ReadFormat(kInput, in.input, empty, in.input_dtype, in.input_pairing,
                      fail, &input);
  if (status != ROTARY_OK) return status;

  const bool in_place = in.output == nullptr && !ChangesInPlace(in);
  tensor->heads = in.heads;
  tensor->head_dim = in.head_dim;
  tensor->rotary_offset = in.rotary_offset;
  tensor->input = in.input;
  tensor->input_size = input.size;
  tensor->output_size = input.size;
  tensor->access = Access::kPlain;
  tensor->tile = Tile::kNone;
  tensor->in_order = false;
  ReadStrides(in.input_batch_stride, in.input_token_stride,
              in.input_head_stride, shape, in.heads, in.head_dim,
              &tensor->input_strides);
  const Strides& strides = tensor->input_strides;
  status = SpanOf(kInput, in.input, tensor->input_size, shape, in, strides,
                  in_place, fail, &memory->input);
  if (status != ROTARY_OK) return status;
  memory->store = ROTARY_STORE_AUTO;
  memory->in_place = in_place;
  memory->copies = false;
  if (!in_place) {
    Format output;
    status =
        ReadOutput(in.output == nullptr ? WithOutput(in, &copy) : in, shape,
                   call.pairs, input, &output, fail, tensor, memory);
    if (status != ROTARY_OK) return status;
    tensor->rotate = FindRotate(call.target, input.dtype, input.pairing,
                                output.dtype, output.pairing);
    return ROTARY_OK;
  }
  tensor->rotate = FindRotate(call.target, input.dtype, input.pairing,
                              input.dtype, input.pairing);
  tensor->output = const_cast<void*>(in.input);
  // Field by field: a copy in one go would wait for the single stores.
  tensor->output_strides.batch = strides.batch;
  tensor->output_strides.token = strides.token;
  tensor->output_strides.head = strides.head;
  memory->output.low = memory->input.low;
  memory->output.end = memory->input.end;
  return ROTARY_OK;
}

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_TENSOR_READ_H_
