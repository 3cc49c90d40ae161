#include "lib/config/norm_arg.h"

#include <math.h>

#include "lib/config/common_args.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// What is multiplied or added: one for each element of a head, or of all.
rotary_status AddWeights(const void* data, const char* name, int64_t index,
                         int64_t heads, int64_t head_dim, const Norm& norm,
                         Uses* uses, rotary_error* error) {
  const FusionFailure fail = {index, error};
  const int64_t size = ElementSize(norm.dtype);
  if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(size) != 0) {
    return fail(name, reinterpret_cast<intptr_t>(data),
                "must be aligned to its element");
  }
  Use* use = uses->Add(index, name, data, false);
  const Strides strides = {0, 0, head_dim};
  if (MakeRegion(data, {1, 1}, norm.all_heads ? heads : 1, head_dim, strides,
                 size, &use->region) != 0) {
    return fail(name, reinterpret_cast<intptr_t>(data),
                "with the heads this reaches further than memory can");
  }
  return ROTARY_OK;
}

}  // namespace

rotary_status ReadNorm(const rotary_norm* from, int64_t index, int64_t heads,
                       int64_t head_dim, Norm* norm, Uses* uses,
                       rotary_error* error) {
  const FusionFailure fail = {index, error};
  *norm = {};
  if (from == nullptr) return ROTARY_OK;
  rotary_norm copy;
  const rotary_norm* view = ViewStruct(from, &copy);
  if (view == nullptr) {
    return fail("norm.struct_size", static_cast<int64_t>(from->struct_size),
                "no known size (was its init function called?), or a field is "
                "set that this version has not",
                ROTARY_ERROR_STRUCT_SIZE);
  }
  const rotary_norm& in = *view;
  if (in.kind != ROTARY_NORM_RMS && in.kind != ROTARY_NORM_LAYER) {
    return fail("norm.kind", in.kind, "must be ROTARY_NORM_RMS or LAYER");
  }
  const struct {
    const char* name;
    int32_t value;
  } flags[] = {{"norm.all_heads", in.all_heads},
               {"norm.after_rotation", in.after_rotation},
               {"norm.weight_plus_one", in.weight_plus_one}};
  for (const auto& flag : flags) {
    if (flag.value != 0 && flag.value != 1) {
      return fail(flag.name, flag.value, "must be 0 or 1");
    }
  }
  if (in.reserved != 0) {
    return fail("norm.reserved", in.reserved, "must be 0");
  }
  if (!(in.epsilon >= 0.0 && isfinite(in.epsilon))) {
    return fail.Real("norm.epsilon", in.epsilon,
                     "must be 0 or more, and finite");
  }
  if (!ReadDtype(in.weight_dtype, &norm->dtype)) {
    return fail("norm.weight_dtype", in.weight_dtype,
                "must be ROTARY_F32, F16 or BF16");
  }
  norm->kind = in.kind == ROTARY_NORM_RMS ? Norm::kRms : Norm::kLayer;
  norm->all_heads = in.all_heads == 1;
  norm->after = in.after_rotation == 1;
  norm->weight_added = in.weight_plus_one == 1 ? 1.0f : 0.0f;
  norm->epsilon = in.epsilon;
  norm->weight = in.weight;
  norm->bias = in.bias;
  if (in.weight_plus_one == 1 && in.weight == nullptr) {
    return fail.Null("norm.weight");
  }
  if (in.bias != nullptr && norm->kind == Norm::kRms) {
    return fail.None("norm.bias", "must be NULL for ROTARY_NORM_RMS");
  }
  rotary_status status = ROTARY_OK;
  if (in.weight != nullptr) {
    status = AddWeights(in.weight, "norm.weight", index, heads, head_dim, *norm,
                        uses, error);
  }
  if (status == ROTARY_OK && in.bias != nullptr) {
    status = AddWeights(in.bias, "norm.bias", index, heads, head_dim, *norm,
                        uses, error);
  }
  return status;
}

}  // namespace rotary
