// Scales of heads that are stored as bytes: made, stored, read, inverted.
// Included by kernels/store_heads.cc and load_stored.cc, once per target.

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

// The scales of some groups of elements.
constexpr int64_t kGroups = kTileHeads;
struct GroupScales {
  alignas(64) float largest[kGroups];
  alignas(64) float scales[kGroups];
  alignas(64) float inverses[kGroups];
  bool near;  // no element is out of range, NaN or infinite
};

// Finds what they should be for groups of `count` elements, one behind the
// other.  In passes, as StoreScale and FindInverses are, so that no group waits
// for the divisions of another.
template <class To>
HWY_INLINE void FindScales(const float* from, int64_t groups, int64_t count,
                           GroupScales* found) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < groups; ++i) {
    found->largest[i] = Largest(from + i * count, count);
  }
  for (int64_t i = groups; i % lanes != 0; ++i) found->largest[i] = 0.0f;
  const auto limit = hn::Set(d, To::kLimit);
  const auto most = hn::Set(d, std::numeric_limits<float>::max());
  // Of what is not 0, so that its inverse is finite.
  const auto least = hn::Set(d, std::numeric_limits<float>::min());
  found->near = true;
  for (int64_t i = 0; i < groups; i += lanes) {
    const auto largest = hn::Load(d, found->largest + i);
    auto scale = hn::Div(largest, limit);
    scale = hn::IfThenElse(hn::Lt(scale, least), least, scale);
    scale = hn::IfThenZeroElse(hn::Eq(largest, hn::Zero(d)), scale);
    hn::Store(scale, d, found->scales + i);
    found->near &= hn::AllTrue(d, hn::Le(largest, most));
  }
}

// Stores the scale of a group, which becomes what is read back.  It is raised
// where it was rounded so far down that the group's largest would be rounded to
// more than the largest number.
template <class To>
HWY_INLINE void StoreScale(int64_t group, Dtype dtype, void* to, int64_t at,
                           GroupScales* found) {
  float& scale = found->scales[group];
  if (HWY_LIKELY(dtype == kF32)) {
    static_cast<float*>(to)[at] = scale;
    return;
  }
  if (dtype == kBF16) {
    scale = StoreScaleAs<BF16>(scale, to, at);
    return;
  }
  constexpr float kMost = 65504.0f;  // of f16
  const float largest = found->largest[group];
  // A NaN and an infinity stay.
  if (scale > kMost && largest <= std::numeric_limits<float>::max()) {
    scale = kMost;
    found->near = false;
  }
  scale = StoreScaleAs<F16>(scale, to, at);
  // More than f16 is rounded by, and less than half of a step.
  constexpr float kSlack = 0x1.008p0f;
  if (scale < kMost && scale * To::kLimit * kSlack < largest) {
    uint16_t* bits = static_cast<uint16_t*>(to) + at;
    ++*bits;
    scale = hn::GetLane(F16::Load(hn::CappedTag<float, 1>(), bits));
  }
}

HWY_INLINE void FindInverses(int64_t groups, GroupScales* found) {
  const hn::ScalableTag<float> d;
  for (int64_t i = 0; i < groups; i += static_cast<int64_t>(hn::Lanes(d))) {
    hn::Store(Inverse(d, hn::Load(d, found->scales + i)), d,
              found->inverses + i);
  }
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
