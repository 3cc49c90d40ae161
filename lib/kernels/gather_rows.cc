// Rows from a caller's cos and sin, widened to f32.  For every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/gather_rows.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// One value in every `stride` elements.
template <class From>
void GatherRow(const typename From::Lane* from, int64_t stride, int64_t count,
               float* to) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  if (stride == 1) {
    for (; i + lanes <= count; i += lanes) {
      hn::StoreU(From::Load(d, from + i), d, to + i);
    }
  } else if (stride == 2 && lanes > 1) {
    // Not the last value: what stands behind it may be out of memory.
    for (; i + lanes < count; i += lanes) {
      hn::Vec<decltype(d)> value, other;
      From::LoadPairs(d, from + 2 * i, value, other);
      hn::StoreU(value, d, to + i);
    }
  }
  for (; i < count; ++i) {
    hn::StoreU(From::Load(one, from + i * stride), one, to + i);
  }
}

template <class From>
void GatherFrom(const GatherRowsJob& job) {
  using Lane = typename From::Lane;
  for (int64_t r = 0; r < job.count; ++r) {
    const int64_t index = job.indices == nullptr ? r : job.indices[r];
    if (index < 0) continue;
    const int64_t from = index * job.from_row_stride;
    const int64_t to = r * job.to_row_stride;
    GatherRow<From>(static_cast<const Lane*>(job.cos) + from,
                    job.from_pair_stride, job.pair_count, job.to_cos + to);
    GatherRow<From>(static_cast<const Lane*>(job.sin) + from,
                    job.from_pair_stride, job.pair_count, job.to_sin + to);
  }
}

void GatherRows(const GatherRowsJob& job) {
  switch (job.dtype) {
    case kF16:
      return GatherFrom<F16>(job);
    case kBF16:
      return GatherFrom<BF16>(job);
    default:
      return GatherFrom<F32>(job);
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

const GatherRowsKernel kGatherRows[kNumTargets] = ROTARY_PER_TARGET(GatherRows);

}  // namespace rotary

#endif  // HWY_ONCE
