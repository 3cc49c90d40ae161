#include "lib/config/gradient_arg.h"

#include "lib/config/common_args.h"
#include "lib/config/structs.h"
#include "lib/config/tensor_read.h"

namespace rotary {
namespace {

struct GradientReader {
  const rotary_fusion_gradient& in;
  const FusedCall& call;
  const FusedTensor& fused;
  int64_t index;
  Backward* backward;
  BackwardTensor* out;
  Uses* uses;
  rotary_error* error;

  FusionFailure Fails() const { return {index, error, "gradients"}; }
  Use* AddUse(const char* field, const void* data, bool writes) const {
    Use* use = uses->Add(index, field, data, writes);
    use->list = "gradients";
    return use;
  }
};

rotary_status CheckAligned(const GradientReader& r, const char* field,
                           const void* data, int64_t size) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(data);
  if (at % static_cast<uintptr_t>(size) == 0) return ROTARY_OK;
  return r.Fails()(field, static_cast<int64_t>(at),
                   "must be aligned to its element");
}

// What the forward pass took.
rotary_status ReadInput(const GradientReader& r) {
  const FusionFailure fail = r.Fails();
  BackwardTensor* out = r.out;
  if (!ReadDtype(r.in.input_dtype, &out->dtype)) {
    return fail(kInput.dtype, r.in.input_dtype,
                "must be ROTARY_F32, F16 or BF16");
  }
  const Tensor& tensor = r.fused.tensor;
  const Shape shape = {r.call.apply.batch,
                       r.fused.end_token - r.fused.first_token};
  const int64_t size = ElementSize(out->dtype);
  out->input = r.in.input;
  ReadStrides(r.in.input_batch_stride, r.in.input_token_stride,
              r.in.input_head_stride, shape, tensor.heads, tensor.head_dim,
              &out->strides);
  if (!Empty(shape) && tensor.heads > 0) {
    if (r.in.input == nullptr) return fail.Null(kInput.data);
    const rotary_status status = CheckAligned(r, kInput.data, r.in.input, size);
    if (status != ROTARY_OK) return status;
  }
  Use* use = r.AddUse(kInput.data, r.in.input, false);
  const int dim = MakeRegion(r.in.input, shape, tensor.heads, tensor.head_dim,
                             out->strides, size, &use->region);
  if (dim == 0) return ROTARY_OK;
  const int64_t strides[] = {out->strides.batch, out->strides.token,
                             out->strides.head};
  // The elements of a head alone: the tensor's own would not fit either.
  const int named = dim > 3 ? 2 : dim - 1;
  return fail(kInput.strides[named], strides[named],
              "reaches further than memory can");
}

// Gradients of weights or biases.
rotary_status ReadSums(const GradientReader& r, const char* field, float* data,
                       WeightGradient* gradient) {
  if (data == nullptr) return ROTARY_OK;
  rotary_status status = CheckAligned(r, field, data, sizeof(float));
  if (status != ROTARY_OK) return status;
  const Tensor& tensor = r.fused.tensor;
  const int64_t heads = r.fused.norm.all_heads ? tensor.heads : 1;
  Use* use = r.AddUse(field, data, true);
  if (MakeRegion(data, {1, 1}, heads, tensor.head_dim, {0, 0, tensor.head_dim},
                 sizeof(float), &use->region) != 0) {
    return r.Fails()(field, reinterpret_cast<intptr_t>(data),
                     "with the heads this reaches further than memory can");
  }
  // At most 2^56 each of 16.
  gradient->to = data;
  gradient->at = r.backward->leaf_sums;
  gradient->count = heads * tensor.head_dim;
  r.backward->leaf_sums += gradient->count;
  return ROTARY_OK;
}

rotary_status CheckNoNorm(const GradientReader& r) {
  constexpr char kReason[] = "must be NULL where its fusion has no norm";
  if (r.in.weight != nullptr) return r.Fails().None("weight", kReason);
  if (r.in.bias != nullptr) return r.Fails().None("bias", kReason);
  return ROTARY_OK;
}

rotary_status Read(const GradientReader& r) {
  if (r.in.reserved != 0) {
    return r.Fails()("reserved", r.in.reserved, "must be 0");
  }
  if (r.fused.norm.kind == Norm::kNone) return CheckNoNorm(r);
  rotary_status status = ReadInput(r);
  if (status == ROTARY_OK) {
    status = ReadSums(r, "weight", r.in.weight, &r.out->weight);
  }
  if (status != ROTARY_OK) return status;
  if (r.in.bias != nullptr && r.fused.norm.kind == Norm::kRms) {
    return r.Fails().None("bias", "must be NULL for ROTARY_NORM_RMS");
  }
  status = ReadSums(r, "bias", r.in.bias, &r.out->bias);
  if (status != ROTARY_OK) return status;
  // To where the gradients are: from the forward pass' input to its output.
  r.out->rotate = FindRotate(r.call.apply.target, r.out->dtype, r.fused.to,
                             kF32, r.fused.from);
  return ROTARY_OK;
}

}  // namespace

rotary_status ReadGradient(const rotary_fusion_gradient* gradients,
                           int64_t index, const FusedCall& call,
                           Backward* backward, Uses* uses,
                           rotary_error* error) {
  BackwardTensor* out = &backward->tensors[index];
  *out = {};
  const FusedTensor& fused = call.tensors[index];
  if (gradients == nullptr) {
    if (fused.norm.kind == Norm::kNone) return ROTARY_OK;
    return FailNull(error, "gradients");
  }
  rotary_fusion_gradient copy;
  size_t size;
  const rotary_fusion_gradient* view =
      ViewElement(gradients, index, &copy, &size);
  if (view == nullptr) {
    return FusionFailure{index, error, "gradients"}(
        "struct_size", static_cast<int64_t>(size),
        "no known size (was its init function called?), not the first "
        "gradient's, or a field is set that this version has not",
        ROTARY_ERROR_STRUCT_SIZE);
  }
  return Read({*view, call, fused, index, backward, out, uses, error});
}

}  // namespace rotary
