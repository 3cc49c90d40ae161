// Inputs and outputs of drawn_fused.h.
#include "tests/fuzz/drawn_fused.h"

#include <cstring>

#include "tests/fuzz/drawn_tensor.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

// No byte of fp8 that is finite has all of these.
constexpr uint8_t kFinite = 0xF7;

// The memory of a layout; `filled` with numbers that a cache may hold.
void TakeCache(Input* input, Arena* arena, const CacheLayout& layout,
               bool filled, rotary_cache* cache) {
  *cache = layout.cache();
  const size_t bytes = layout.DataBytes();
  uint8_t* const data = arena->Take(bytes, layout.HasBytes() ? 3 : 4);
  cache->data = data;
  if (layout.cache().dtype <= ROTARY_BF16) {
    Fill(input, layout.cache().dtype, data, bytes, true);
  } else {
    FillBytes(input, data, bytes);
    for (size_t i = 0; filled && i < bytes; ++i) data[i] &= kFinite;
    if (layout.cache().dtype == ROTARY_Q8_0) {
      for (size_t i = 0; i < bytes; i += 34) {
        StoreBits(ROTARY_F16, data + i, 0, 0x2000u + data[i]);
      }
    }
  }
  if (layout.ScalesBytes() == 0) return;
  uint8_t* const scales = arena->Take(layout.ScalesBytes());
  cache->scales = scales;
  layout.FillScales(scales, input);
}

int64_t HeadBytes(rotary_dtype dtype, int64_t head_dim) {
  if (dtype == ROTARY_Q8_0) return head_dim / 32 * 34;
  return dtype <= ROTARY_BF16
             ? head_dim * static_cast<int64_t>(ElementBytes(dtype))
             : head_dim;
}

}  // namespace

void DrawnFused::Draw(Input* input, Arena* arena, const SharedFused& shared,
                      bool from_cache) {
  rotary_tensor_init(&tensor, sizeof(tensor));
  steps_.Draw(input, arena, shared, true);
  const Shape& shape = steps_.shape;
  has_source_ = from_cache;
  rotary_fusion& fusion = steps_.fusion;
  const int64_t offset =
      fusion.rotates == 1
          ? input->Integer(0, shape.head_dim - shared.model->rotary_dim)
          : 0;
  const rotary_pairing pairing = input->Of(kPairings);
  if (from_cache) {
    tensor.heads = shape.heads;
    tensor.head_dim = shape.head_dim;
    tensor.rotary_offset = offset;
    DrawSource(input, arena, shared);
  } else {
    // In place, as far as that may be; else what is given is not written.
    to_ = input->Once(3) ? To::kInPlace : To::kTensor;
    input_ = TakeTensor(input, arena, input->Of(kTensorDtypes), shape,
                        DrawStrides(input, shape, to_ != To::kInPlace),
                        shared.is_plain);
    tensor = InPlace(input_, pairing, offset);
    HideDense(input, shape, &tensor.input_batch_stride,
              &tensor.input_token_stride, &tensor.input_head_stride);
  }
  DrawOutput(input, arena, shared);
}

void DrawnFused::DrawSource(Input* input, Arena* arena,
                            const SharedFused& shared) {
  source_layout_ = CacheLayout(shared.num_slots, steps_.shape.heads,
                               steps_.shape.head_dim, input);
  TakeCache(input, arena, source_layout_, true, &source_);
  tensor.input_pairing = source_.pairing;
  steps_.fusion.source = &source_;
  to_ = To::kTensor;
}

void DrawnFused::DrawOutput(Input* input, Arena* arena,
                            const SharedFused& shared) {
  tensor.output_pairing = input->Integer32(0, 2);
  output_ = input_;
  if (to_ == To::kInPlace) {
    if (input_.dtype != ROTARY_F32 && input->Once(3)) {
      tensor.output_dtype = input->Flag() ? ROTARY_F16 : ROTARY_BF16;
      output_ = input_.As(tensor.output_dtype);
    }
    return;
  }
  // Bytes of what is infinite or no number are not told.
  const int64_t kind = shared.is_plain ? input->Integer(0, 5) : 0;
  if (kind > 2) {
    to_ = To::kCache;
    DrawCache(input, arena, shared);
    return;
  }
  if (kind == 2) {
    to_ = To::kTiles;
    DrawTiles(input, arena, shared);
    return;
  }
  const Shape& shape = steps_.shape;
  output_ = TakeTensor(input, arena, input->Of(kTensorDtypes), shape,
                       DrawStrides(input, shape, false), true);
  tensor.output = output_.data;
  tensor.output_dtype = output_.dtype;
  tensor.output_batch_stride = output_.strides.batch;
  tensor.output_token_stride = output_.strides.token;
  tensor.output_head_stride = output_.strides.head;
  HideDense(input, shape, &tensor.output_batch_stride,
            &tensor.output_token_stride, &tensor.output_head_stride);
  tensor.output_store = input->Integer32(0, 2);
}

void DrawnFused::DrawCache(Input* input, Arena* arena,
                           const SharedFused& shared) {
  steps_.fusion.cache = &cache_;
  if (has_source_ && input->Flag()) {
    // In the same cache.
    cache_layout_ = source_layout_;
    cache_ = source_;
    if (input->Once(3)) cache_.pairing = input->Integer32(1, 2);
    cache_layout_.mutable_cache()->pairing = cache_.pairing;
  } else {
    cache_layout_ = CacheLayout(shared.num_slots, steps_.shape.heads,
                                steps_.shape.head_dim, input);
    TakeCache(input, arena, cache_layout_, false, &cache_);
  }
  if (cache_layout_.cache().dtype > ROTARY_BF16 && input->Flag()) {
    uint8_t* const saturated = arena->Take(8);
    std::memset(saturated, 0, 8);
    cache_.saturated = reinterpret_cast<int64_t*>(saturated);
  }
}

// Tiles are gathered in memory, each head in its place.
void DrawnFused::DrawTiles(Input* input, Arena* arena,
                           const SharedFused& shared) {
  constexpr rotary_dtype kDtypes[] = {ROTARY_F32,     ROTARY_F16,
                                      ROTARY_BF16,    ROTARY_I8,
                                      ROTARY_F8_E4M3, ROTARY_F8_E5M2};
  const Shape& shape = steps_.shape;
  tensor.output_dtype = input->Of(kDtypes);
  if (shape.head_dim % 32 == 0 && input->Once(6)) {
    tensor.output_dtype = ROTARY_Q8_0;
  }
  tile_bytes_ = HeadBytes(tensor.output_dtype, shape.head_dim);
  tile_tokens_ = shared.tokens;
  const auto heads =
      static_cast<size_t>(shape.batch * shared.tokens * shape.heads);
  tiles_ = arena->Take(heads * static_cast<size_t>(tile_bytes_));
  tile_scales_ = reinterpret_cast<float*>(arena->Take(4 * heads));
  steps_.fusion.on_tile = OnTile;
  steps_.fusion.user = this;
}

void DrawnFused::OnTile(void* user, const rotary_tile* tile) {
  const auto& self = *static_cast<const DrawnFused*>(user);
  const int64_t bytes = HeadBytes(self.tensor.output_dtype, tile->head_dim);
  const auto* from = static_cast<const uint8_t*>(tile->data);
  const float* scale = tile->scales;
  for (int64_t t = 0; t < tile->tokens; ++t) {
    for (int64_t h = 0; h < tile->heads; ++h) {
      const int64_t at = (tile->batch * self.tile_tokens_ + tile->token + t) *
                             self.steps_.shape.heads +
                         tile->head + h;
      std::memcpy(self.tiles_ + at * self.tile_bytes_, from,
                  static_cast<size_t>(bytes));
      from += bytes;
      if (scale != nullptr) self.tile_scales_[at] = *scale++;
    }
  }
}

void DrawnFused::AddOutputs(const SharedFused& shared, Outputs* outputs) const {
  const Shape& shape = steps_.shape;
  if (to_ == To::kTiles) {
    const int64_t heads = shape.batch * shared.tokens * shape.heads;
    const rotary_dtype dtype =
        tensor.output_dtype <= ROTARY_BF16 ? tensor.output_dtype : 0;
    outputs->Add({tiles_, {1, 1, 1}, {0, 0, 0}, heads * tile_bytes_, dtype});
    outputs->Add({reinterpret_cast<uint8_t*>(tile_scales_),
                  {1, 1, 1},
                  {0, 0, 0},
                  4 * heads,
                  0});
  }
  if (to_ == To::kCache && cache_.saturated != nullptr) {
    outputs->Add({reinterpret_cast<uint8_t*>(cache_.saturated),
                  {1, 1, 1},
                  {0, 0, 0},
                  8,
                  0});
  }
  if (to_ == To::kInPlace || to_ == To::kTensor) {
    outputs->Add(WrittenOf(output_));
    return;
  }
  if (to_ != To::kCache) return;
  const int64_t unit = cache_layout_.UnitBytes();
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t t = 0; t < shape.tokens; ++t) {
      const int64_t token = steps_.Token(shared, b, t);
      if (IsLeftOut(shared, token)) continue;
      const int64_t slot = shared.slots[token];
      const int64_t at = cache_layout_.At(slot, 0, 0);
      outputs->Add({static_cast<uint8_t*>(cache_.data) + at * unit,
                    {1, shape.heads, cache_layout_.Units()},
                    {0, (cache_layout_.At(slot, 1, 0) - at) * unit,
                     (cache_layout_.At(slot, 0, 1) - at) * unit},
                    unit,
                    cache_.dtype <= ROTARY_BF16 ? cache_.dtype : 0});
      if (cache_.scale_kind != ROTARY_SCALES_MADE) continue;
      const auto bytes =
          static_cast<int64_t>(ElementBytes(cache_.scales_dtype));
      const int64_t scale = cache_layout_.ScaleAt(slot, 0, 0);
      outputs->Add({static_cast<uint8_t*>(cache_.scales) + scale * bytes,
                    {1, 1, shape.heads},
                    {0, 0, (cache_layout_.ScaleAt(slot, 1, 0) - scale) * bytes},
                    bytes,
                    0});
    }
  }
}

void DrawnFused::Expose(HostileFields* fields, Outputs* outputs) {
  if (steps_.fusion.norm != nullptr) fields->AddNorm(&steps_.norm.norm);
  if (has_source_) fields->AddCache(&source_);
  const bool to_cache = to_ == To::kCache;
  if (to_cache) fields->AddCache(&cache_);
  const bool to_tensor = to_ == To::kInPlace || to_ == To::kTensor;
  const Arena& arena = Arena::Get();
  // In place, if nothing says where it goes.
  if (!has_source_) outputs->AddBlock(arena, input_.data);
  for (void* const memory :
       {to_tensor ? output_.data : nullptr, to_cache ? cache_.data : nullptr,
        to_cache ? cache_.scales : nullptr,
        to_cache ? static_cast<void*>(cache_.saturated) : nullptr,
        to_ == To::kTiles ? static_cast<void*>(tiles_) : nullptr,
        to_ == To::kTiles ? static_cast<void*>(tile_scales_) : nullptr}) {
    outputs->AddBlock(arena, memory);
  }
}

bool DrawnFused::IsLeftOut(const SharedFused& shared, int64_t token) const {
  return (to_ == To::kCache && shared.slots[token] < 0) ||
         (has_source_ && shared.sources[token] < 0);
}

}  // namespace rotary_test
