// The layouts of cache_layout.h.
#include "tests/fused/cache_layout.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

int64_t Dense(int64_t stride, int64_t dense) {
  return stride == ROTARY_DENSE ? dense : stride;
}

bool AreBytes(rotary_dtype dtype) {
  return dtype == ROTARY_I8 || dtype == ROTARY_F8_E4M3 ||
         dtype == ROTARY_F8_E5M2;
}

}  // namespace

CacheLayout::CacheLayout(int64_t num_slots, int64_t heads, int64_t head_dim,
                         Random* random)
    : num_slots_(num_slots), heads_(heads), head_dim_(head_dim), cache_() {
  rotary_cache_init(&cache_, sizeof(cache_));
  constexpr rotary_dtype kDtypes[] = {
      ROTARY_F32,     ROTARY_F16,     ROTARY_BF16, ROTARY_I8,
      ROTARY_F8_E4M3, ROTARY_F8_E5M2, ROTARY_Q8_0};
  cache_.dtype = kDtypes[random->Integer(0, head_dim % 32 == 0 ? 6 : 5)];
  cache_.pairing =
      random->Integer(0, 1) == 0 ? ROTARY_HALF : ROTARY_INTERLEAVED;
  const int64_t size = random->Integer(1, 16);
  if (random->Integer(0, 1) == 0) cache_.block_size = size;
  DrawStrides(random);
  const bool needs = cache_.dtype == ROTARY_I8;
  if (needs || (HasBytes() && random->Integer(0, 2) != 0)) DrawScales(random);
}

void CacheLayout::DrawStrides(Random* random) {
  const int64_t units = Units();
  const int64_t size = BlockSize();
  const int64_t gap = random->Integer(0, 2);
  cache_.element_stride = 1;
  switch (random->Integer(0, cache_.dtype == ROTARY_Q8_0 ? 1 : 2)) {
    case 0:  // NHD
      cache_.head_stride = units;
      cache_.slot_stride = heads_ * units + gap;
      cache_.block_stride = size * cache_.slot_stride;
      break;
    case 1:  // HND
      cache_.slot_stride = units;
      cache_.head_stride = size * units + gap;
      cache_.block_stride = heads_ * cache_.head_stride;
      break;
    default:  // transposed
      cache_.slot_stride = 1;
      cache_.element_stride = size + gap;
      cache_.head_stride = units * cache_.element_stride;
      cache_.block_stride = heads_ * cache_.head_stride;
      break;
  }
}

void CacheLayout::DrawScales(Random* random) {
  const bool made = random->Integer(0, 1) == 0;
  cache_.scale_kind = made ? ROTARY_SCALES_MADE : ROTARY_SCALES_GIVEN;
  cache_.scales_dtype = random->Choose(Dtypes());
  const int64_t sharing = made ? 2 : random->Integer(0, 2);
  if (sharing < 2) {  // one for all, or one for each channel
    cache_.scales_block_stride = cache_.scales_slot_stride = 0;
    cache_.scales_head_stride = sharing * head_dim_;
    cache_.scales_element_stride = sharing;
  }
}

size_t CacheLayout::DataBytes() const {
  return static_cast<size_t>(Blocks() *
                             std::max(cache_.block_stride, cache_.head_stride) *
                             UnitBytes());
}

size_t CacheLayout::ScalesBytes() const {
  if (cache_.scale_kind == ROTARY_SCALES_NONE) return 0;
  const bool channels = cache_.scales_element_stride != 0;
  return static_cast<size_t>(Blocks() * BlockSize() * heads_ *
                             (channels ? head_dim_ : 1)) *
         ElementBytes(cache_.scales_dtype);
}

bool CacheLayout::HasBytes() const { return AreBytes(cache_.dtype); }

void CacheLayout::FillScales(uint8_t* scales, Random* random) const {
  const auto count =
      static_cast<int64_t>(ScalesBytes() / ElementBytes(cache_.scales_dtype));
  for (int64_t i = 0; i < count; ++i) {
    const double significand =
        1.0 + 0.25 * static_cast<double>(random->Integer(0, 3));
    const double largest =
        std::ldexp(significand, static_cast<int>(random->Integer(-6, 2)));
    StoreBits(
        cache_.scales_dtype, scales, i,
        Nearest(cache_.scales_dtype, largest / LargestByte(cache_.dtype)));
  }
}

int64_t CacheLayout::Units() const {
  return cache_.dtype == ROTARY_Q8_0 ? head_dim_ / 32 : head_dim_;
}

int64_t CacheLayout::UnitBytes() const {
  if (cache_.dtype == ROTARY_Q8_0) return 34;
  return AreBytes(cache_.dtype)
             ? 1
             : static_cast<int64_t>(ElementBytes(cache_.dtype));
}

int64_t CacheLayout::At(int64_t slot, int64_t h, int64_t element) const {
  return slot / BlockSize() * cache_.block_stride +
         slot % BlockSize() * cache_.slot_stride + h * cache_.head_stride +
         element * cache_.element_stride;
}

int64_t CacheLayout::ScaleAt(int64_t slot, int64_t h, int64_t element) const {
  return slot / BlockSize() *
             Dense(cache_.scales_block_stride, BlockSize() * heads_) +
         slot % BlockSize() * Dense(cache_.scales_slot_stride, heads_) +
         h * Dense(cache_.scales_head_stride, 1) +
         element * cache_.scales_element_stride;
}

StoredHead CacheLayout::Head(const uint8_t* data, const uint8_t* scales,
                             int64_t slot, int64_t h) const {
  StoredHead head = {};
  head.dtype = cache_.dtype;
  head.made = cache_.scale_kind == ROTARY_SCALES_MADE;
  head.scales_dtype = cache_.scales_dtype;
  if (cache_.dtype == ROTARY_Q8_0) {
    head.made = true;
    head.scales_dtype = ROTARY_F16;
    for (int64_t i = 0; i < Units(); ++i) {
      const uint8_t* block = data + At(slot, h, i) * 34;
      head.scales.push_back(
          ValueOf(ROTARY_F16, LoadBits(ROTARY_F16, block, 0)));
      for (int64_t e = 0; e < 32; ++e) {
        head.numbers.push_back(ByteValue(ROTARY_I8, block[2 + e]));
      }
    }
    return head;
  }
  for (int64_t e = 0; e < head_dim_; ++e) {
    const int64_t at = At(slot, h, e);
    head.numbers.push_back(
        AreBytes(cache_.dtype)
            ? ByteValue(cache_.dtype, data[at])
            : ValueOf(cache_.dtype, LoadBits(cache_.dtype, data, at)));
  }
  if (cache_.scale_kind == ROTARY_SCALES_NONE) return head;
  const bool channels = cache_.scales_element_stride != 0;
  for (int64_t e = 0; e < (channels ? head_dim_ : 1); ++e) {
    head.scales.push_back(
        ValueOf(cache_.scales_dtype,
                LoadBits(cache_.scales_dtype, scales, ScaleAt(slot, h, e))));
  }
  return head;
}

}  // namespace rotary_test
