// Rows from the trig table, for positions of one axis.  For every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/make_rows.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/digits-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

template <bool kScale>
void MakeScaledRows(const MakeRowsJob& job) {
  for (int64_t r = 0; r < job.count; ++r) {
    const int32_t position = job.positions[r];
    job.rotates[r] = position != kNoPosition ? kRotated : kCopied;
    if (position == kNoPosition) continue;
    const Entries entries = Choose(job, position);
    const double sin_factor = position < 0 ? -job.sin_factor : job.sin_factor;
    float* cos = job.cos + r * job.row_stride;
    float* sin = job.sin + r * job.row_stride;
    switch (entries.count) {
      case 1:
        MakeRow<1, kScale>(job, entries, sin_factor, cos, sin);
        break;
      case 2:
        MakeRow<2, kScale>(job, entries, sin_factor, cos, sin);
        break;
      case 3:
        MakeRow<3, kScale>(job, entries, sin_factor, cos, sin);
        break;
      default:
        MakeRow<4, kScale>(job, entries, sin_factor, cos, sin);
        break;
    }
  }
}

void MakeRows(const MakeRowsJob& job) {
  const double sin_factor =
      job.sin_factor < 0.0 ? -job.sin_factor : job.sin_factor;
  if (job.cos_factor == 1.0 && sin_factor == 1.0) {
    MakeScaledRows<false>(job);
  } else {
    MakeScaledRows<true>(job);
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

const MakeRowsKernel kMakeRows[kNumTargets] = ROTARY_PER_TARGET(MakeRows);

}  // namespace rotary

#endif  // HWY_ONCE
