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
  const V f[] = {
      hn::Add(hn::Sub(power.high, hn::Sub(sum, to_whole)), power.low)};
  const V square[] = {hn::Mul(f[0], f[0])};
  V rest[1];
  Polynomial(d, f, square, kPower, rest);
  const V p = hn::Add(hn::Set(d, 1.0), hn::Mul(f[0], rest[0]));
  // The whole number is added to the exponent.
  return hn::BitCast(
      d, hn::Add(hn::BitCast(du, p), hn::ShiftLeft<52>(hn::BitCast(du, sum))));
}

// cos and sin of kCount vectors of pairs from `pair` on, times what kScale says
// but a sign.
template <Scale kScale, size_t kCount, class D, class V = hn::Vec<D>>
HWY_INLINE void ScaledCosSin(D d, const AngleRowsJob& job, int64_t row,
                             int64_t pair, V power, V (&cos)[kCount],
                             V (&sin)[kCount]) {
  int64_t pairs[kCount];
  V high[kCount], low[kCount];
  for (size_t k = 0; k < kCount; ++k) {
    pairs[k] = pair + static_cast<int64_t>(k * hn::Lanes(d));
    // Pairs that no axis turns have an inv_freq of 0 on the first, too.
    const uint32_t some = job.group_axes[pairs[k] / kPairPadding];
    const uint32_t axes = some != 0 ? some : 1;
    const Sum<V> angle = job.summed ? SummedAngle(d, job, axes, row, pairs[k])
                                    : OwnAngle(d, job, axes, row, pairs[k]);
    high[k] = angle.high, low[k] = angle.low;
  }
  SinCos(d, high, low, cos, sin);
  if (kScale == Scale::kSign) return;
  for (size_t k = 0; k < kCount; ++k) {
    if (kScale == Scale::kPowers) {
      const V by = PowerOfTwo(d, power, hn::LoadU(d, job.powers + pairs[k]));
      cos[k] = hn::Mul(cos[k], by), sin[k] = hn::Mul(sin[k], by);
    }
    cos[k] = hn::Mul(cos[k], hn::Set(d, job.cos_factor));
    sin[k] = hn::Mul(sin[k], hn::Set(d, job.sin_factor));
  }
}

// kCount vectors of f32.
template <Scale kScale, size_t kCount, class D, class V = hn::Vec<D>>
HWY_INLINE void MakePairs(D d, const AngleRowsJob& job, int64_t row,
                          int64_t pair, V power) {
  const hn::ScalableTag<float> df;
  const auto sin_sign = hn::And(
      hn::Set(df, job.sin_factor < 0.0 ? -1.0f : 1.0f), hn::SignBit(df));
  V c[kCount * kParts], s[kCount * kParts];
  ScaledCosSin<kScale>(d, job, row, pair, power, c, s);
  for (size_t k = 0; k < kCount; ++k) {
    const int64_t at =
        row * job.row_stride + pair + static_cast<int64_t>(k * hn::Lanes(df));
    const auto sin = Round(df, s + k * kParts);
    hn::StoreU(Round(df, c + k * kParts), df, job.cos + at);
    hn::StoreU(kScale == Scale::kSign ? hn::Xor(sin, sin_sign) : sin, df,
               job.sin + at);
  }
}

template <Scale kScale>
HWY_INLINE void MakeRow(const AngleRowsJob& job, int64_t row) {
  const hn::ScalableTag<double> d;
  auto power = hn::Zero(d);
  if (kScale == Scale::kPowers) {
    power =
        hn::Set(d, (job.positions[row] - job.power_origin) * job.power_scale);
  }
  const int64_t lanes =
      static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  int64_t i = 0;
  for (; i + 2 * lanes <= job.pair_count; i += 2 * lanes) {
    MakePairs<kScale, 2>(d, job, row, i, power);
  }
  if (i < job.pair_count) MakePairs<kScale, 1>(d, job, row, i, power);
}

bool HasPosition(const AngleRowsJob& job, int64_t row) {
  for (int64_t axis = 0; axis < job.axes; ++axis) {
    const double position = job.positions[axis * job.position_stride + row];
    if (position != position) return false;
  }
  return true;
}

// Not inline: a frame for each, where one for all takes more stack.
template <Scale kScale>
HWY_NOINLINE void MakeRows(const AngleRowsJob& job) {
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
