#include "lib/config/fused_output.h"

#include "lib/config/cache_arg.h"

namespace rotary {
namespace {

// Of a cache or a function: the tensor has no output of its own.
rotary_status CheckNoOutput(const FusedReader& r) {
  if (r.in.output == nullptr) return ROTARY_OK;
  return r.OfTensor()("output", reinterpret_cast<intptr_t>(r.in.output),
                      "must be NULL where its fusion has a cache or on_tile");
}

rotary_status ReadCacheOutput(const FusedReader& r, rotary_pairing* pairing) {
  rotary_status status = CheckNoOutput(r);
  if (status != ROTARY_OK) return status;
  if (r.fusion.on_tile != nullptr) {
    return r.OfFusion().None("on_tile", "is given together with a cache");
  }
  if (r.call.slots == nullptr) {
    return FailNull(r.error, "slots");
  }
  status = ReadCache(r.fusion.cache, false, r.index, r.in.heads, r.in.head_dim,
                     r.NumSlots(r.call.num_slots), &r.out->cache, pairing,
                     &r.out->saturated, r.uses, r.error);
  if (status != ROTARY_OK) return status;
  r.out->to_cache = true;
  r.out->storage = r.out->cache.storage;
  return ROTARY_OK;
}

rotary_status ReadTileOutput(const FusedReader& r, rotary_pairing* pairing) {
  const rotary_status status = CheckNoOutput(r);
  if (status != ROTARY_OK) return status;
  r.out->on_tile = r.fusion.on_tile;
  r.out->user = r.fusion.user;
  *pairing = r.in.output_pairing;
  const rotary_dtype dtype =
      r.in.output_dtype == 0 ? r.in.input_dtype : r.in.output_dtype;
  if (!ReadStorage(dtype, &r.out->storage)) {
    return r.OfTensor()(
        "output_dtype", dtype,
        "must be ROTARY_F32, F16, BF16, I8, F8_E4M3, F8_E5M2 or Q8_0");
  }
  if (r.out->storage == kStoredQ8_0 && r.in.head_dim % kBlockElements != 0) {
    return r.OfTensor()("output_dtype", dtype,
                        "needs a head_dim of whole blocks");
  }
  return ROTARY_OK;
}

rotary_status ReadTensorOutput(const FusedReader& r, const Shape& shape,
                               const Format& input, rotary_pairing* pairing,
                               bool* in_place) {
  rotary_tensor copy;
  const rotary_tensor& in =
      r.in.output == nullptr ? WithOutput(r.in, &copy) : r.in;
  const bool empty = Empty(shape) || in.heads == 0;
  *pairing = in.output_pairing;
  Format output = {};
  const rotary_dtype dtype =
      in.output_dtype == 0 ? in.input_dtype : in.output_dtype;
  // In place, what is wrong with the output is the input's.
  const Side& side = r.in.output == nullptr ? kInput : kOutput;
  rotary_status status = ReadFormat(kOutput, in.output, empty, dtype,
                                    ROTARY_HALF, r.OfTensor(), &output);
  if (status != ROTARY_OK) return status;
  r.out->storage = static_cast<Storage>(output.dtype);
  Tensor& tensor = r.out->tensor;
  tensor.output = in.output;
  tensor.output_size = output.size;
  Strides& strides = tensor.output_strides;
  ReadStrides(in.output_batch_stride, in.output_token_stride,
              in.output_head_stride, shape, in.heads, in.head_dim, &strides);
  *in_place = in.input == in.output && input.size == output.size &&
              Equal(tensor.input_strides, strides);
  return AddSide(r, side, in.output, output.size, shape, strides, true);
}

}  // namespace

rotary_status AddSide(const FusedReader& r, const Side& side, const void* data,
                      int64_t element_size, const Shape& shape,
                      const Strides& strides, bool writes) {
  Use* use = r.uses->Add(r.index, side.data, data, writes);
  use->list = "tensors";
  use->is_side = true;
  if (const int dim = MakeRegion(data, shape, r.in.heads, r.in.head_dim,
                                 strides, element_size, &use->region)) {
    return r.OfTensor().Stride(side, dim, strides,
                               "reaches further than memory can",
                               ROTARY_ERROR_ARGUMENT);
  }
  const int dim = writes ? CoincidingDim(use->region) : 0;
  if (dim == 0) return ROTARY_OK;
  return r.OfTensor().Stride(
      side, dim, strides,
      "less than what it steps over: elements of the output coincide",
      ROTARY_ERROR_OVERLAP);
}

rotary_status ReadFusedOutput(const FusedReader& r, const Shape& shape,
                              const Format& input, rotary_pairing* pairing,
                              bool* in_place) {
  *in_place = false;
  if (r.fusion.cache != nullptr) return ReadCacheOutput(r, pairing);
  if (r.fusion.on_tile != nullptr) return ReadTileOutput(r, pairing);
  return ReadTensorOutput(r, shape, input, pairing, in_place);
}

}  // namespace rotary
