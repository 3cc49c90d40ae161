// Heads of any storage to a tile.  For every target.

#include <algorithm>

#include "lib/kernels/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/load_stored.cc"
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

// Elements that are widened together; those that do not lie side by side are
// brought together before.
constexpr int64_t kRun = 64;

// Calls each(head of the tile, where it is in memory, where its scale is, the
// tile's floats).
template <class Each>
HWY_INLINE void ForEachStored(const LoadStoredJob& job, const Each& each) {
  const TileSource& from = job.source;
  float* to = job.tile;
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    for (int64_t h = 0; h < job.shape.heads; ++h, to += job.shape.head_dim) {
      each(t * from.token_stride + h * from.head_stride,
           t * job.scales.token_stride + h * job.scales.head_stride, to);
    }
  }
}

template <class From>
void LoadElements(const LoadStoredJob& job) {
  using Lane = typename From::Lane;
  const int64_t stride = job.source.element_stride;
  ForEachStored(job, [&](int64_t at, int64_t, float* to) HWY_ATTR {
    const Lane* from = static_cast<const Lane*>(job.source.data) + at;
    const int64_t head_dim = job.shape.head_dim;
    if (stride == 1) {
      ForEachVector(head_dim, [&](auto d, int64_t i) HWY_ATTR {
        hn::StoreU(From::Load(d, from + i), d, to + i);
      });
      return;
    }
    const hn::CappedTag<float, 1> one;
    for (int64_t i = 0; i < head_dim; ++i) {
      hn::StoreU(From::Load(one, from + i * stride), one, to + i);
    }
  });
}

// Bytes that lie side by side, times scale(i).
template <class From, class ScaleOf>
HWY_INLINE void LoadBytes(const uint8_t* from, int64_t count, float* to,
                          const ScaleOf& scale) {
  ForEachVector(count, [&](auto d, int64_t i) HWY_ATTR {
    const hn::Rebind<uint8_t, decltype(d)> d8;
    const auto wide = From::Widen(d, hn::LoadU(d8, from + i));
    hn::StoreU(hn::Mul(wide, scale(d, i)), d, to + i);
  });
}

template <class From>
void LoadHeadsOfBytes(const LoadStoredJob& job) {
  const int64_t stride = job.source.element_stride;
  const int64_t scales_stride = job.scales.element_stride;
  ForEachStored(job, [&](int64_t at, int64_t scales_at, float* to) HWY_ATTR {
    const uint8_t* from = static_cast<const uint8_t*>(job.source.data) + at;
    for (int64_t e = 0; e < job.shape.head_dim; e += kRun) {
      const int64_t count = std::min(kRun, job.shape.head_dim - e);
      uint8_t together[kRun];
      const uint8_t* run = from + e;
      if (stride != 1) {
        for (int64_t i = 0; i < count; ++i) {
          together[i] = from[(e + i) * stride];
        }
        run = together;
      }
      if (scales_stride == 0) {
        const float scale = job.scales.data == nullptr
                                ? 1.0f
                                : ReadScale(job.scales, scales_at);
        LoadBytes<From>(run, count, to + e, [&](auto d, int64_t) HWY_ATTR {
          return hn::Set(d, scale);
        });
        continue;
      }
      float scales[kRun];
      for (int64_t i = 0; i < count; ++i) {
        scales[i] = ReadScale(job.scales, scales_at + (e + i) * scales_stride);
      }
      LoadBytes<From>(run, count, to + e, [&](auto d, int64_t i) HWY_ATTR {
        return hn::LoadU(d, scales + i);
      });
    }
  });
}

void LoadBlocks(const LoadStoredJob& job) {
  ForEachStored(job, [&](int64_t at, int64_t, float* to) HWY_ATTR {
    const uint8_t* from =
        static_cast<const uint8_t*>(job.source.data) + at * kBlockBytes;
    for (int64_t e = 0; e < job.shape.head_dim; e += kBlockElements) {
      const TileScales scales = {
          const_cast<uint8_t*>(from), kF16, false, 0, 0, 0};
      const float scale = ReadScale(scales, 0);
      LoadBytes<I8>(from + sizeof(uint16_t), kBlockElements, to + e,
                    [&](auto d, int64_t)
                        HWY_ATTR { return hn::Set(d, scale); });
      from += kBlockBytes;
    }
  });
}

void LoadStored(const LoadStoredJob& job) {
  switch (job.source.storage) {
    case kStoredF32:
      return LoadElements<F32>(job);
    case kStoredF16:
      return LoadElements<F16>(job);
    case kStoredBF16:
      return LoadElements<BF16>(job);
    case kStoredI8:
      return LoadHeadsOfBytes<I8>(job);
    case kStoredE4M3:
      return LoadHeadsOfBytes<E4M3>(job);
    case kStoredE5M2:
      return LoadHeadsOfBytes<E5M2>(job);
    default:
      return LoadBlocks(job);
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

const LoadStoredKernel kLoadStored[kNumTargets] = ROTARY_PER_TARGET(LoadStored);

}  // namespace rotary

#endif  // HWY_ONCE
