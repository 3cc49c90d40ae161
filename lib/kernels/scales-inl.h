// Scales of heads that are stored as bytes: made, stored, read, inverted.
// Included by kernels/store_heads.cc, once per target.

#include <stdint.h>
#include <string.h>

#include <algorithm>
#include <limits>

#include "lib/kernels/tile.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_SCALES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_SCALES_INL_H_
#undef ROTARY_LIB_KERNELS_SCALES_INL_H_
#else
#define ROTARY_LIB_KERNELS_SCALES_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// The largest magnitude, a NaN being larger than any number.
HWY_INLINE float Largest(const float* from, int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::RebindToSigned<decltype(d)> di;
  const hn::CappedTag<float, 1> one;
  const auto no_sign = hn::Set(di, 0x7FFFFFFF);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto largest = hn::Zero(di);
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    const auto bits = hn::BitCast(di, hn::LoadU(d, from + i));
    largest = hn::Max(largest, hn::And(bits, no_sign));
  }
  int32_t most = hn::GetLane(hn::MaxOfLanes(di, largest));
  for (; i < count; ++i) {
    const hn::RebindToSigned<decltype(one)> one_i;
    const auto bits = hn::BitCast(one_i, hn::LoadU(one, from + i));
    most = std::max(most, hn::GetLane(bits) & 0x7FFFFFFF);
  }
  float value;
  memcpy(&value, &most, sizeof(value));
  return value;
}

template <class To>
HWY_INLINE float StoreScaleAs(float scale, void* to, int64_t at) {
  const hn::CappedTag<float, 1> one;
  auto* place = static_cast<typename To::Lane*>(to) + at;
  To::template Store<Access::kPlain>(one, hn::Set(one, scale), place);
  return hn::GetLane(To::Load(one, place));
}

// As it is read back; raised where it was rounded so far down that elements up
// to `largest` would be out of range.
HWY_INLINE float StoreScale(float scale, float largest, float beyond,
                            Dtype dtype, void* to, int64_t at) {
  if (dtype == kF32) return StoreScaleAs<F32>(scale, to, at);
  if (dtype == kBF16) return StoreScaleAs<BF16>(scale, to, at);
  constexpr float kMost = 65504.0f;  // of f16
  // A NaN and an infinity stay.
  if (scale > kMost && largest <= std::numeric_limits<float>::max()) {
    scale = kMost;
  }
  float stored = StoreScaleAs<F16>(scale, to, at);
  if (stored < kMost && stored * beyond < largest) {
    uint16_t* bits = static_cast<uint16_t*>(to) + at;
    ++*bits;
    stored = hn::GetLane(F16::Load(hn::CappedTag<float, 1>(), bits));
  }
  return stored;
}

// For elements up to `largest` in magnitude.
template <class To>
HWY_INLINE float ScaleFor(float largest) {
  const float scale = largest / To::kLimit;
  // Its inverse must be finite.
  constexpr float kLeast = std::numeric_limits<float>::min();
  return largest != 0.0f && scale < kLeast ? kLeast : scale;
}

// What elements are multiplied by.
template <class D>
HWY_INLINE hn::Vec<D> Inverse(D d, hn::Vec<D> scale) {
  const auto inverse = hn::Div(hn::Set(d, 1.0f), scale);
  const auto most = hn::Set(d, std::numeric_limits<float>::max());
  return hn::IfThenElse(hn::Gt(inverse, most), most, inverse);
}
HWY_INLINE float Inverse(float scale) {
  const hn::CappedTag<float, 1> one;
  return hn::GetLane(Inverse(one, hn::Set(one, scale)));
}

// The scale of one element of one head.
HWY_INLINE float ReadScale(const TileScales& scales, int64_t at) {
  const hn::CappedTag<float, 1> one;
  switch (scales.dtype) {
    case kF16:
      return hn::GetLane(
          F16::Load(one, static_cast<const uint16_t*>(scales.data) + at));
    case kBF16:
      return hn::GetLane(
          BF16::Load(one, static_cast<const uint16_t*>(scales.data) + at));
    default:
      return static_cast<const float*>(scales.data)[at];
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_SCALES_INL_H_
