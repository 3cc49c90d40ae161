// Heads from a tile to memory, of any storage.  For every target.

#include <algorithm>

#include "lib/kernels/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/store_heads.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/bytes-inl.h"
#include "lib/kernels/dtypes-inl.h"
#include "lib/kernels/scales-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// Elements that are converted together; those that do not lie side by side go
// by way of a copy.
constexpr int64_t kRun = 256;

template <class Lane>
HWY_INLINE void Scatter(const Lane* from, int64_t count, Lane* to,
                        int64_t stride) {
  for (int64_t i = 0; i < count; ++i) to[i * stride] = from[i];
}

// Calls each(the first element, their count, where they go to) for runs of a
// head's elements.
template <class Lane, class Each>
HWY_INLINE void ForEachRun(int64_t head_dim, Lane* to, int64_t stride,
                           const Each& each) {
  if (stride == 1) return each(int64_t{0}, head_dim, to);
  Lane copy[kRun];
  for (int64_t e = 0; e < head_dim; e += kRun) {
    const int64_t count = std::min(kRun, head_dim - e);
    each(e, count, copy);
    Scatter(copy, count, to + e * stride, stride);
  }
}

// Calls each(d, i) for vectors of `count` elements, at the end of one.
template <class Each>
HWY_INLINE void ForEachVector(int64_t count, const Each& each) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) each(d, i);
  for (; i < count; ++i) each(one, i);
}

template <class To, Access kAccess>
HWY_INLINE void StoreElements(const float* from, int64_t count,
                              typename To::Lane* to) {
  ForEachVector(count, [&](auto d, int64_t i) HWY_ATTR {
    To::template Store<kAccess>(d, hn::LoadU(d, from + i), to + i);
  });
}

template <class To>
void StoreHeadsAs(const StoreHeadsJob& job) {
  using Lane = typename To::Lane;
  const TileOutput& output = job.output;
  const int64_t head_dim = job.shape.head_dim;
  const float* from = job.tile;
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    for (int64_t h = 0; h < job.shape.heads; ++h, from += head_dim) {
      Lane* to = static_cast<Lane*>(output.data) + t * output.token_stride +
                 h * output.head_stride;
      if (output.stream) {
        StoreElements<To, Access::kStream>(from, head_dim, to);
        continue;
      }
      const auto store = [&](int64_t e, int64_t count, Lane* run) HWY_ATTR {
        StoreElements<To, Access::kPlain>(from + e, count, run);
      };
      ForEachRun(head_dim, to, output.element_stride, store);
    }
  }
}

// How many lanes are out of range: seldom any.
template <class To, class D>
HWY_NOINLINE int64_t CountBeyond(D d, hn::Vec<D> v) {
  float lanes[hn::MaxLanes(d)];
  hn::StoreU(hn::Abs(v), d, lanes);
  int64_t beyond = 0;
  for (const float lane : lanes) beyond += lane >= To::kBeyond ? 1 : 0;
  return beyond;
}

// Elements times inverse(d, i), to bytes; how many were out of range.
template <class To, class InverseOf>
HWY_INLINE int64_t StoreBytes(const float* from, int64_t count, uint8_t* to,
                              const InverseOf& inverse) {
  int64_t beyond = 0;
  ForEachVector(count, [&](auto d, int64_t i) HWY_ATTR {
    using D = decltype(d);
    const auto v = hn::Mul(hn::LoadU(d, from + i), inverse(d, i));
    const auto out = hn::Ge(hn::Abs(v), hn::Set(d, To::kBeyond));
    if (HWY_UNLIKELY(!hn::AllFalse(d, out))) beyond += CountBeyond<To>(d, v);
    const auto bits = hn::And(To::Round(d, v), hn::Set(BitsTag<D>(), 0xFF));
    const hn::Rebind<uint8_t, D> d8;
    hn::StoreU(hn::TruncateTo(d8, bits), d8, to + i);
  });
  return beyond;
}

// One head with scales that are given; its first is at `at`.
template <class To>
HWY_INLINE int64_t StoreGiven(const StoreHeadsJob& job, const float* from,
                              uint8_t* to, int64_t at) {
  const TileScales& scales = job.scales;
  const int64_t stride = scales.element_stride;
  int64_t beyond = 0;
  if (scales.data == nullptr || stride == 0) {
    const float inverse =
        scales.data == nullptr ? 1.0f : Inverse(ReadScale(scales, at));
    const auto store = [&](int64_t e, int64_t count, uint8_t* run) HWY_ATTR {
      beyond += StoreBytes<To>(from + e, count, run,
                               [&](auto d, int64_t)
                                   HWY_ATTR { return hn::Set(d, inverse); });
    };
    ForEachRun(job.shape.head_dim, to, job.output.element_stride, store);
    return beyond;
  }
  const auto store = [&](int64_t e, int64_t count, uint8_t* run) HWY_ATTR {
    float of_elements[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      const int64_t n = std::min(kRun, count - i);
      for (int64_t j = 0; j < n; ++j) {
        of_elements[j] = ReadScale(scales, at + (e + i + j) * stride);
      }
      beyond += StoreBytes<To>(
          from + e + i, n, run + i, [&](auto d, int64_t k) HWY_ATTR {
            return Inverse(d, hn::LoadU(d, of_elements + k));
          });
    }
  };
  ForEachRun(job.shape.head_dim, to, job.output.element_stride, store);
  return beyond;
}

// One head with a scale of its own.
template <class To>
HWY_INLINE void StoreMade(const StoreHeadsJob& job, const float* from,
                          uint8_t* to, int64_t at) {
  const float largest = Largest(from, job.shape.head_dim);
  const float scale = StoreScale(ScaleFor<To>(largest), largest, To::kBeyond,
                                 job.scales.dtype, job.scales.data, at);
  const float inverse = Inverse(scale);
  const auto store = [&](int64_t e, int64_t count, uint8_t* run) HWY_ATTR {
    StoreBytes<To>(from + e, count, run, [&](auto d, int64_t) HWY_ATTR {
      return hn::Set(d, inverse);
    });
  };
  ForEachRun(job.shape.head_dim, to, job.output.element_stride, store);
}

template <class To>
void StoreHeadsAsBytes(const StoreHeadsJob& job) {
  const TileOutput& output = job.output;
  const TileScales& scales = job.scales;
  const float* from = job.tile;
  int64_t beyond = 0;
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    for (int64_t h = 0; h < job.shape.heads; ++h, from += job.shape.head_dim) {
      uint8_t* to = static_cast<uint8_t*>(output.data) +
                    t * output.token_stride + h * output.head_stride;
      const int64_t at = t * scales.token_stride + h * scales.head_stride;
      if (scales.made) {
        StoreMade<To>(job, from, to, at);
      } else {
        beyond += StoreGiven<To>(job, from, to, at);
      }
    }
  }
  if (job.saturated != nullptr) *job.saturated += beyond;
}

void StoreHeadsAsBlocks(const StoreHeadsJob& job) {
  const TileOutput& output = job.output;
  const float* from = job.tile;
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    for (int64_t h = 0; h < job.shape.heads; ++h) {
      char* to =
          static_cast<char*>(output.data) +
          (t * output.token_stride + h * output.head_stride) * kBlockBytes;
      for (int64_t e = 0; e < job.shape.head_dim; e += kBlockElements) {
        const float largest = Largest(from, kBlockElements);
        const float scale = StoreScale(ScaleFor<I8>(largest), largest,
                                       I8::kBeyond, kF16, to, 0);
        const float inverse = Inverse(scale);
        StoreBytes<I8>(from, kBlockElements, reinterpret_cast<uint8_t*>(to) + 2,
                       [&](auto d, int64_t)
                           HWY_ATTR { return hn::Set(d, inverse); });
        from += kBlockElements;
        to += kBlockBytes;
      }
    }
  }
}

void StoreHeads(const StoreHeadsJob& job) {
  switch (job.output.storage) {
    case kStoredF32:
      return StoreHeadsAs<F32>(job);
    case kStoredF16:
      return StoreHeadsAs<F16>(job);
    case kStoredBF16:
      return StoreHeadsAs<BF16>(job);
    case kStoredI8:
      return StoreHeadsAsBytes<I8>(job);
    case kStoredE4M3:
      return StoreHeadsAsBytes<E4M3>(job);
    case kStoredE5M2:
      return StoreHeadsAsBytes<E5M2>(job);
    default:
      return StoreHeadsAsBlocks(job);
  }
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const StoreHeadsKernel kStoreHeads[kNumTargets] = ROTARY_PER_TARGET(StoreHeads);

}  // namespace rotary

#endif  // HWY_ONCE
