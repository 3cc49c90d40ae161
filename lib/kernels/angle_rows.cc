// Rows from positions that need not be whole, on up to eight axes: angles in
// two f64, cos and sin and a power of two in f64, rounded once to f32.  For
// every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/angle_rows.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/round-inl.h"
#include "lib/kernels/sin_cos-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// What cos and sin are multiplied by: signs of sin alone; factors; factors and
// powers.
enum class Scale { kSign, kFactors, kPowers };

// Where an axis has its numbers.
struct AxisNumbers {
  double position;
  const double* inv_freq;
};

// Of the first axis of `axes`, its set bits.
HWY_INLINE AxisNumbers FirstAxis(const AngleRowsJob& job, uint32_t axes,
                                 int64_t row, int64_t pair) {
  const int64_t axis = __builtin_ctz(axes);
  return {job.positions[axis * job.position_stride + row],
          job.inv_freq + axis * job.axis_stride + pair};
}

// position * inv_freq on each pair's own axis of `axes`, which are some.
template <class D, class V = hn::Vec<D>>
HWY_INLINE Sum<V> OwnAngle(D d, const AngleRowsJob& job, uint32_t axes,
                           int64_t row, int64_t pair) {
  const AxisNumbers first = FirstAxis(job, axes, row, pair);
  V position = hn::Set(d, first.position);
  V inv_freq = hn::LoadU(d, first.inv_freq);
  while ((axes &= axes - 1) != 0) {
    const AxisNumbers next = FirstAxis(job, axes, row, pair);
    const V other = hn::LoadU(d, next.inv_freq);
    position = hn::IfThenElse(hn::Eq(other, hn::Zero(d)), position,
                              hn::Set(d, next.position));
    inv_freq = hn::Or(inv_freq, other);
  }
  return ExactProduct(d, position, inv_freq);
}

// The sum of position * inv_freq over all of `axes`, which are some.
template <class D, class V = hn::Vec<D>>
HWY_INLINE Sum<V> SummedAngle(D d, const AngleRowsJob& job, uint32_t axes,
                              int64_t row, int64_t pair) {
  const auto product = [&]() HWY_ATTR {
    const AxisNumbers axis = FirstAxis(job, axes, row, pair);
    return ExactProduct(d, hn::Set(d, axis.position),
                        hn::LoadU(d, axis.inv_freq));
  };
  Sum<V> angle = product();
  while ((axes &= axes - 1) != 0) {
    const Sum<V> next = product();
    const Sum<V> high = ExactSum(angle.high, next.high);
    angle.high = high.high;
    angle.low = hn::Add(angle.low, hn::Add(next.low, high.low));
  }
  return angle;
}

// 2^(a * b), |a * b| <= 130, with a relative error below 2^-50.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V PowerOfTwo(D d, V a, V b) {
  // (2^f - 1) / f, |f| <= 1/2, with an error of 2^f below 2^-51: minimax, by
  // Lawson's algorithm with 40 digits, then rounded.
  constexpr double kPower[] = {0x1.62e42fefa3a12p-1,  0x1.ebfbdff82c431p-3,
                               0x1.c6b08d703e179p-5,  0x1.3b2ab6fbd6d0ap-7,
                               0x1.5d87fe9b8f2b9p-10, 0x1.4309126c007e3p-13,
                               0x1.ffcb58c9ba952p-17, 0x1.62c147a4469fbp-20,
                               0x1.b671b356e2341p-24, 0x1.e3a9063ee9ac5p-28};
  const hn::RebindToUnsigned<D> du;
  const V to_whole = hn::Set(d, kToWhole);
  const Sum<V> power = ExactProduct(d, a, b);
  const V sum = hn::Add(power.high, to_whole);
  const V f = hn::Add(hn::Sub(power.high, hn::Sub(sum, to_whole)), power.low);
  const V p = hn::Add(hn::Set(d, 1.0),
                      hn::Mul(f, Polynomial(d, f, hn::Mul(f, f), kPower)));
  // The whole number is added to the exponent.
  return hn::BitCast(
      d, hn::Add(hn::BitCast(du, p), hn::ShiftLeft<52>(hn::BitCast(du, sum))));
}

// cos and sin of the pairs from `pair` on, times what kScale says but a sign.
template <Scale kScale, class D, class V = hn::Vec<D>>
HWY_INLINE void ScaledCosSin(D d, const AngleRowsJob& job, uint32_t axes,
                             int64_t row, int64_t pair, V power, V& cos,
                             V& sin) {
  const Sum<V> angle = job.summed ? SummedAngle(d, job, axes, row, pair)
                                  : OwnAngle(d, job, axes, row, pair);
  SinCos(d, angle, cos, sin);
  if (kScale == Scale::kPowers) {
    const V by = PowerOfTwo(d, power, hn::LoadU(d, job.powers + pair));
    cos = hn::Mul(cos, by), sin = hn::Mul(sin, by);
  }
  if (kScale != Scale::kSign) {
    cos = hn::Mul(cos, hn::Set(d, job.cos_factor));
    sin = hn::Mul(sin, hn::Set(d, job.sin_factor));
  }
}

template <Scale kScale>
HWY_INLINE void MakeRow(const AngleRowsJob& job, int64_t row) {
  const hn::ScalableTag<float> df;
  const hn::ScalableTag<double> d;
  using V = hn::Vec<decltype(d)>;
  const auto sin_sign = hn::And(
      hn::Set(df, job.sin_factor < 0.0 ? -1.0f : 1.0f), hn::SignBit(df));
  V power = hn::Zero(d);
  if (kScale == Scale::kPowers) {
    power =
        hn::Set(d, (job.positions[row] - job.power_origin) * job.power_scale);
  }
  const int64_t step = static_cast<int64_t>(hn::Lanes(df));
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  float* cos = job.cos + row * job.row_stride;
  float* sin = job.sin + row * job.row_stride;
  for (int64_t group = 0; group < job.pair_count; group += kPairPadding) {
    // Pairs that no axis turns have an inv_freq of 0 on the first, too.
    const uint32_t some = job.group_axes[group / kPairPadding];
    const uint32_t axes = some != 0 ? some : 1;
    for (int64_t i = group; i < group + kPairPadding; i += step) {
      V c0, s0, c1, s1;
      ScaledCosSin<kScale>(d, job, axes, row, i, power, c0, s0);
      if (step == lanes) {
        c1 = c0, s1 = s0;
      } else {
        ScaledCosSin<kScale>(d, job, axes, row, i + lanes, power, c1, s1);
      }
      const auto s = Round(df, s0, s1);
      hn::StoreU(Round(df, c0, c1), df, cos + i);
      hn::StoreU(kScale == Scale::kSign ? hn::Xor(s, sin_sign) : s, df,
                 sin + i);
    }
  }
}

bool HasPosition(const AngleRowsJob& job, int64_t row) {
  for (int64_t axis = 0; axis < job.axes; ++axis) {
    const double position = job.positions[axis * job.position_stride + row];
    if (position != position) return false;
  }
  return true;
}

template <Scale kScale>
void MakeRows(const AngleRowsJob& job) {
  for (int64_t row = 0; row < job.count; ++row) {
    const bool rotates = HasPosition(job, row);
    job.rotates[row] = rotates ? kRotated : kCopied;
    if (rotates) MakeRow<kScale>(job, row);
  }
}

void AngleRows(const AngleRowsJob& job) {
  const double sin_factor =
      job.sin_factor < 0.0 ? -job.sin_factor : job.sin_factor;
  if (job.powers != nullptr) {
    MakeRows<Scale::kPowers>(job);
  } else if (job.cos_factor == 1.0 && sin_factor == 1.0) {
    MakeRows<Scale::kSign>(job);
  } else {
    MakeRows<Scale::kFactors>(job);
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

const AngleRowsKernel kAngleRows[kNumTargets] = ROTARY_PER_TARGET(AngleRows);

}  // namespace rotary

#endif  // HWY_ONCE
