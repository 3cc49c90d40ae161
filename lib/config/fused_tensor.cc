#include "lib/config/fused_tensor.h"

#include <math.h>

#include "lib/config/cache_arg.h"
#include "lib/config/common_args.h"
#include "lib/config/fused_output.h"
#include "lib/config/norm_arg.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// The shape that the tensor has, of the tokens that it takes.
rotary_status ReadRange(const FusedReader& r, Shape* shape) {
  const FusionFailure fail = r.OfFusion();
  const int64_t tokens = r.call.apply.tokens;
  const int64_t first = r.fusion.first_token;
  if (first < 0 || first > tokens) {
    return fail("first_token", first, "must be 0 to tokens");
  }
  int64_t count = r.fusion.num_tokens;
  if (count == ROTARY_DENSE) count = tokens - first;
  if (count < 0 || count > tokens - first) {
    return fail("num_tokens", count,
                "must not be negative, nor reach beyond tokens");
  }
  r.out->first_token = first;
  // Without heads there is nothing to do, nor an address.
  r.out->end_token = r.in.heads == 0 ? first : first + count;
  *shape = {r.call.apply.batch, count};
  return ROTARY_OK;
}

rotary_status ReadScale(const FusedReader& r) {
  const FusionFailure fail = r.OfFusion();
  const float scale = static_cast<float>(r.fusion.scale);
  if (!isfinite(scale)) {
    return fail.Real("scale", r.fusion.scale, "must be finite, also in f32");
  }
  r.out->scale = scale;
  r.out->token_scales = r.fusion.token_scales;
  if (r.fusion.token_scales == nullptr) return ROTARY_OK;
  const uintptr_t at = reinterpret_cast<uintptr_t>(r.fusion.token_scales);
  if (at % sizeof(float) != 0) {
    return fail("token_scales", static_cast<int64_t>(at),
                "must be aligned to its element");
  }
  const Shape shape = {r.call.apply.batch, r.call.apply.tokens};
  int64_t batch_stride = r.fusion.token_scales_batch_stride;
  int64_t token_stride = r.fusion.token_scales_token_stride;
  if (batch_stride == ROTARY_DENSE) batch_stride = shape.tokens;
  if (token_stride == ROTARY_DENSE) token_stride = 1;
  r.out->scales_batch_stride = batch_stride;
  r.out->scales_token_stride = token_stride;
  Use* use = r.uses->Add(r.index, "token_scales", r.fusion.token_scales, false);
  if (const int dim = MakeRegion(r.fusion.token_scales, shape, 1, 1,
                                 {batch_stride, token_stride, 0}, sizeof(float),
                                 &use->region)) {
    return fail(
        dim == 1 ? "token_scales_batch_stride" : "token_scales_token_stride",
        dim == 1 ? batch_stride : token_stride,
        "reaches further than memory can");
  }
  return ROTARY_OK;
}

rotary_status ReadHadamard(const FusedReader& r) {
  const int64_t columns = r.fusion.hadamard;
  r.out->hadamard = columns;
  if (columns == 0) return ROTARY_OK;
  constexpr int64_t kLeast = 64;
  if (columns >= kLeast && (columns & (columns - 1)) == 0 &&
      r.in.head_dim % columns == 0) {
    return ROTARY_OK;
  }
  return r.OfFusion()("hadamard", columns,
                      "must be 0, or a power of two from 64 on that divides "
                      "head_dim");
}

rotary_pairing PairingOf(const FusedReader& r, rotary_pairing pairing) {
  // Of what is not rotated it is not looked at.
  return r.out->rotates ? pairing : ROTARY_HALF;
}

rotary_status ReadSource(const FusedReader& r, Format* format) {
  if (r.in.input != nullptr) {
    return r.OfTensor()("input", reinterpret_cast<intptr_t>(r.in.input),
                        "must be NULL where its fusion has a source");
  }
  if (r.call.source_slots == nullptr) return FailNull(r.error, "source_slots");
  Cache& source = r.out->source;
  rotary_pairing pairing;
  int64_t* saturated;
  const rotary_status status =
      ReadCache(r.fusion.source, true, r.index, r.in.heads, r.in.head_dim,
                r.NumSlots(r.call.num_source_slots), &source, &pairing,
                &saturated, r.uses, r.error);
  if (status != ROTARY_OK) return status;
  if (pairing == 0) pairing = r.in.input_pairing;
  format->pairing = kHalf;
  if (r.out->rotates && !ReadPairing(pairing, &format->pairing)) {
    return r.OfFusion()("source.pairing", pairing,
                        "must be ROTARY_HALF or ROTARY_INTERLEAVED");
  }
  r.out->from_cache = true;
  r.out->gathers = source.storage > kStoredBF16 ||
                   source.strides.element != 1 || r.fusion.hadamard > 0;
  format->dtype = r.out->gathers ? kF32 : static_cast<Dtype>(source.storage);
  format->size = ElementSize(format->dtype);
  r.out->input_dtype = format->dtype;
  r.out->tensor.input_size = format->size;
  return ROTARY_OK;
}

rotary_status ReadInput(const FusedReader& r, const Shape& shape,
                        Format* format) {
  if (r.fusion.source != nullptr) return ReadSource(r, format);
  const bool empty = Empty(shape) || r.in.heads == 0;
  const rotary_status status =
      ReadFormat(kInput, r.in.input, empty, r.in.input_dtype,
                 PairingOf(r, r.in.input_pairing), r.OfTensor(), format);
  if (status != ROTARY_OK) return status;
  Tensor& tensor = r.out->tensor;
  tensor.input = r.in.input;
  tensor.input_size = format->size;
  r.out->input_dtype = format->dtype;
  ReadStrides(r.in.input_batch_stride, r.in.input_token_stride,
              r.in.input_head_stride, shape, r.in.heads, r.in.head_dim,
              &tensor.input_strides);
  return AddSide(r, kInput, r.in.input, format->size, shape,
                 tensor.input_strides, false);
}

// Gradients are those of tensors.
rotary_status CheckNoCaches(const FusedReader& r) {
  constexpr char kReason[] = "must be NULL in a backward pass";
  const FusionFailure fail = r.OfFusion();
  if (r.fusion.cache != nullptr) return fail.None("cache", kReason);
  if (r.fusion.source != nullptr) return fail.None("source", kReason);
  if (r.fusion.on_tile != nullptr) return fail.None("on_tile", kReason);
  return ROTARY_OK;
}

rotary_status ReadBoth(const FusedReader& r, bool* in_place) {
  FusedTensor* out = r.out;
  if (r.fusion.rotates != 0 && r.fusion.rotates != 1) {
    return r.OfFusion()("rotates", r.fusion.rotates, "must be 0 or 1");
  }
  out->rotates = r.fusion.rotates == 1;
  if (out->rotates && !r.call.has_rows) {
    return r.OfFusion()("rotates", 1,
                        "must be 0 without rows, embedding or cos_sin");
  }
  if (out->rotates && r.call.needs_kept_rows) {
    Failure failure = {ROTARY_ERROR_UNSUPPORTED, "rows"};
    failure.type = Failure::kNone;
    return Fail(r.error, failure,
                "must be given (kept rows) for a rotary_dim of more than 768");
  }
  Shape shape = {};
  rotary_status status = ReadRange(r, &shape);
  if (status != ROTARY_OK) return status;
  if (r.call.backward != nullptr) {
    status = CheckNoCaches(r);
    if (status != ROTARY_OK) return status;
  }
  if (r.in.head_dim < 1) {
    return r.OfTensor()("head_dim", r.in.head_dim, "must be positive");
  }
  const int64_t pairs = out->rotates ? r.call.apply.pairs : 0;
  rotary_tensor fields = r.in;
  if (!out->rotates) fields.rotary_offset = 0;
  status = CheckFields(fields, 2 * pairs, r.OfTensor());
  if (status != ROTARY_OK) return status;
  if (static_cast<uint32_t>(r.in.output_store) > ROTARY_STORE_STREAM) {
    return r.OfTensor()("output_store", r.in.output_store,
                        "must be ROTARY_STORE_AUTO, KEEP or STREAM");
  }
  Tensor& tensor = out->tensor;
  tensor.heads = r.in.heads;
  tensor.head_dim = r.in.head_dim;
  tensor.rotary_offset = fields.rotary_offset;
  tensor.access = Access::kPlain;
  tensor.tile = Tile::kNone;
  Format input = {};
  status = ReadInput(r, shape, &input);
  if (status != ROTARY_OK) return status;
  rotary_pairing pairing;
  status = ReadFusedOutput(r, shape, input, &pairing, in_place);
  if (status != ROTARY_OK) return status;
  Pairing to = input.pairing;
  if (out->rotates && pairing != 0 && !ReadPairing(pairing, &to)) {
    constexpr char kReason[] = "must be ROTARY_HALF or ROTARY_INTERLEAVED";
    return out->to_cache ? r.OfFusion()("cache.pairing", pairing, kReason)
                         : r.OfTensor()(kOutput.pairing, pairing, kReason);
  }
  status = ReadScale(r);
  if (status == ROTARY_OK) status = ReadHadamard(r);
  if (status == ROTARY_OK) {
    status = ReadNorm(r.fusion.norm, r.index, r.in.heads, r.in.head_dim,
                      &out->norm, r.uses, r.error);
  }
  if (status != ROTARY_OK) return status;
  out->from = input.pairing;
  out->to = to;
  return ROTARY_OK;
}

}  // namespace

rotary_status ReadFusedTensor(const rotary_fused_args& args, int64_t index,
                              FusedCall* call, FusedReading* reading,
                              rotary_error* error) {
  rotary_tensor tensor_copy;
  const rotary_tensor* tensor = ViewTensor(*args.apply, index, &tensor_copy);
  if (tensor == nullptr) return FailTensorSize(*args.apply, index, error);
  rotary_fusion fusion_copy;
  size_t size;
  const rotary_fusion* fusion =
      ViewElement(args.fusions, index, &fusion_copy, &size);
  if (fusion == nullptr) {
    return FusionFailure{index, error}(
        "struct_size", static_cast<int64_t>(size),
        "no known size (was its init function called?), not the first "
        "fusion's, or a field is set that this version has not",
        ROTARY_ERROR_STRUCT_SIZE);
  }
  FusedTensor* out = &call->tensors[index];
  *out = {};
  reading->stores[index] = tensor->output_store;
  return ReadBoth({*tensor, *fusion, *call, index, out, &reading->uses, error},
                  &reading->in_place[index]);
}

}  // namespace rotary
