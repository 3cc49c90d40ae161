// Rows from angles in f32, as frameworks compute them: cos and sin rounded to
// f32, multiplied there, and rounded to 16 bits if asked.  For every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/cos_sin_rows.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"
#include "lib/kernels/round-inl.h"
#include "lib/kernels/sin_cos-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// To a format of 16 bits, and back; or not.
template <class Format>
struct Rounding {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Round(D d, V v) {
    return Format::Widen(d, Format::Round(d, v));
  }
};
struct NoRounding {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Round(D, V v) {
    return v;
  }
};

// cos and sin, in f64, of as many angles as fill a vector of it.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void SinCosOf(D d, const float* angles, V& cos, V& sin) {
  const hn::Rebind<float, D> dh;
  SinCos(d, {hn::PromoteTo(d, hn::LoadU(dh, angles)), hn::Zero(d)}, cos, sin);
}

template <class To>
HWY_INLINE void MakeRow(const CosSinRowsJob& job, float* cos, float* sin) {
  const hn::ScalableTag<float> df;
  const hn::ScalableTag<double> d;
  using V = hn::Vec<decltype(df)>;
  // A product with 1 or -1 is exact.
  const V cos_factors = hn::Set(df, job.cos_factor);
  const V sin_factors = hn::Set(df, job.sin_factor);
  const int64_t step = static_cast<int64_t>(hn::Lanes(df));
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < job.pair_count; i += step) {
    hn::Vec<decltype(d)> c0, s0, c1, s1;
    SinCosOf(d, cos + i, c0, s0);
    if (step == lanes) {
      c1 = c0, s1 = s0;
    } else {
      SinCosOf(d, cos + i + lanes, c1, s1);
    }
    // Correctly rounded but where the f64 is within 2^-51 of the middle.
    const V c = Round(df, c0, c1);
    const V s = Round(df, s0, s1);
    hn::StoreU(To::Round(df, hn::Mul(c, cos_factors)), df, cos + i);
    hn::StoreU(To::Round(df, hn::Mul(s, sin_factors)), df, sin + i);
  }
}

template <class To>
void MakeRows(const CosSinRowsJob& job) {
  for (int64_t r = 0; r < job.count; ++r) {
    if (job.rotates[r] != kRotated) continue;
    const int64_t row = r * job.row_stride;
    MakeRow<To>(job, job.cos + row, job.sin + row);
  }
}

void CosSinRows(const CosSinRowsJob& job) {
  switch (job.rounding) {
    case kF16:
      return MakeRows<Rounding<F16Bits>>(job);
    case kBF16:
      return MakeRows<Rounding<BF16Bits>>(job);
    default:
      return MakeRows<NoRounding>(job);
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

const CosSinRowsKernel kCosSinRows[kNumTargets] = ROTARY_PER_TARGET(CosSinRows);

}  // namespace rotary

#endif  // HWY_ONCE
