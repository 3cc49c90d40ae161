// How kernels go through the heads of a tile, and add up their elements.
// Included by kernels/load_heads.cc and norm_gradients.cc.

#include <stdint.h>

#include "lib/kernels/tile.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_TILE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_TILE_INL_H_
#undef ROTARY_LIB_KERNELS_TILE_INL_H_
#else
#define ROTARY_LIB_KERNELS_TILE_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// Of every target, so that all add up in the same order.
constexpr size_t kPartialSums = 16;

// The sum of a vector's lanes, by halves.
template <class Tag>
HWY_INLINE float AddLanes(Tag d, hn::Vec<Tag> v) {
#if HWY_TARGET != HWY_SCALAR
  if constexpr (hn::MaxLanes(Tag()) > 1) {
    const hn::Half<Tag> half;
    return AddLanes(half,
                    hn::Add(hn::LowerHalf(half, v), hn::UpperHalf(half, v)));
  }
#endif
  (void)d;
  return hn::GetLane(v);
}

// Sums over a head of what terms(d, e, to) sets for its elements from e on, a
// vector of d for each sum: element e goes into partial sum e % 16, these are
// then added by halves.
template <size_t kSums, class Terms>
HWY_INLINE void SumElements(int64_t count, const Terms& terms, float* totals) {
  using D = hn::CappedTag<float, kPartialSums>;
  using V = hn::Vec<D>;
  constexpr size_t kLanes = hn::MaxLanes(D());
  constexpr size_t kSumVectors = kPartialSums / kLanes;
  constexpr int64_t kStep = kPartialSums;
  const D d;
  V sums[kSums][kSumVectors];
  for (size_t s = 0; s < kSums; ++s) {
    for (size_t i = 0; i < kSumVectors; ++i) sums[s][i] = hn::Zero(d);
  }
  int64_t e = 0;
  for (; e + kStep <= count; e += kStep) {
    for (size_t i = 0; i < kSumVectors; ++i) {
      V to[kSums];
      terms(d, e + static_cast<int64_t>(i * kLanes), to);
      for (size_t s = 0; s < kSums; ++s) {
        sums[s][i] = hn::Add(sums[s][i], to[s]);
      }
    }
  }
  if (e < count) {
    const hn::CappedTag<float, 1> one;
    float rest[kSums][kPartialSums] = {};
    for (int64_t i = 0; i < count - e; ++i) {
      hn::Vec<decltype(one)> to[kSums];
      terms(one, e + i, to);
      for (size_t s = 0; s < kSums; ++s) rest[s][i] = hn::GetLane(to[s]);
    }
    for (size_t s = 0; s < kSums; ++s) {
      for (size_t i = 0; i < kSumVectors; ++i) {
        sums[s][i] = hn::Add(sums[s][i], hn::LoadU(d, rest[s] + i * kLanes));
      }
    }
  }
  for (size_t s = 0; s < kSums; ++s) {
    for (size_t n = kSumVectors / 2; n > 0; n /= 2) {
      for (size_t i = 0; i < n; ++i) {
        sums[s][i] = hn::Add(sums[s][i], sums[s][i + n]);
      }
    }
    totals[s] = AddLanes(d, sums[s][0]);
  }
}

// Calls each(head of the tile, its elements).
template <class From, class Each>
HWY_INLINE void ForEachHead(const TileHeads& shape, const TileInput& input,
                            const Each& each) {
  using Lane = typename From::Lane;
  int64_t head = 0;
  for (int64_t t = 0; t < shape.tokens; ++t) {
    for (int64_t h = 0; h < shape.heads; ++h) {
      each(head++, static_cast<const Lane*>(input.data) +
                       t * input.token_stride + h * input.head_stride);
    }
  }
}

template <class Tag>
HWY_INLINE hn::Vec<Tag> LoadAs(Tag d, Dtype dtype, const void* from,
                               int64_t at) {
  return WithDtype(dtype, [&](auto as) HWY_ATTR {
    using As = decltype(as);
    return As::Load(d, static_cast<const typename As::Lane*>(from) + at);
  });
}

// The weights of a norm from element `at` on, nullptr: 1.
template <class Tag>
HWY_INLINE hn::Vec<Tag> LoadWeights(Tag d, Dtype dtype, const void* weights,
                                    int64_t at, float added) {
  if (weights == nullptr) return hn::Set(d, 1.0f);
  return hn::Add(hn::Set(d, added), LoadAs(d, dtype, weights, at));
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // per-target include guard
