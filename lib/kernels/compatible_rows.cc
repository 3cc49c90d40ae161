// Rows as other frameworks make them: angles in f32, and cos and sin of these
// rounded to f32, multiplied there, and rounded to 16 bits if asked.  For every
// target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/compatible_rows.cc"
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

namespace hn = hwy::HWY_NAMESPACE;

// To a dtype, and back.
struct ToF32 {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Round(D, V v) {
    return v;
  }
};
struct ToF16 {
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Round(D d, V v) {
    return F16Bits::Widen(d, F16Bits::Round(d, v));
  }
};
struct ToBF16 {
  // BF16Bits' costs more: it takes care of NaN, which no cos or sin is.
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Round(D d, V v) {
    const BitsTag<D> du;
    const Bits<D> bits = hn::BitCast(du, v);
    const Bits<D> odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const Bits<D> rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF)));
    return hn::BitCast(d, hn::And(rounded, hn::Set(du, 0xFFFF0000)));
  }
};

// Where a vector of a row's pairs is written.
struct Place {
  float* cos;
  float* sin;
};

HWY_INLINE Place PlaceOf(const CompatibleRowsJob& job, int64_t row,
                         int64_t pair) {
  const int64_t at = row * job.row_stride + pair;
  return {job.cos + at, job.sin + at};
}

// Writes kCount of them.
template <class To, size_t kCount, class DF, class V = hn::Vec<DF>>
HWY_INLINE void StoreCosSin(DF df, const CompatibleRowsJob& job,
                            const Place (&places)[kCount],
                            const V (&angles)[kCount]) {
  const hn::ScalableTag<double> d;
  hn::Vec<decltype(d)> a[kCount * kParts], c[kCount * kParts],
      s[kCount * kParts];
  for (size_t k = 0; k < kCount; ++k) Widen(d, angles[k], a + k * kParts);
  SinCos(d, a, c, s);
  // A product with 1 or -1 is exact.
  const V cos_factor = hn::Set(df, job.cos_factor);
  const V sin_factor = hn::Set(df, job.sin_factor);
  for (size_t k = 0; k < kCount; ++k) {
    const V cos = hn::Mul(Round(df, c + k * kParts), cos_factor);
    const V sin = hn::Mul(Round(df, s + k * kParts), sin_factor);
    hn::StoreU(To::Round(df, cos), df, places[k].cos);
    hn::StoreU(To::Round(df, sin), df, places[k].sin);
  }
}

// A row's positions on all axes, in f32.
struct HfPositions {
  float on_axis[kMostAxes];
};

// position * inv_freq of the pairs from `pair` on, both rounded to f32.
template <class DF, class V = hn::Vec<DF>>
HWY_INLINE void HfProduct(DF df, const CompatibleRowsJob& job, int64_t axis,
                          const HfPositions& positions, int64_t pair,
                          V& inv_freq, V& product) {
  const hn::ScalableTag<double> d;
  hn::Vec<decltype(d)> exact[kParts];
  const double* from = job.inv_freq + axis * job.axis_stride + pair;
  for (size_t k = 0; k < kParts; ++k) {
    exact[k] = hn::LoadU(d, from + k * hn::Lanes(d));
  }
  inv_freq = Round(df, exact);
  product = hn::Mul(hn::Set(df, positions.on_axis[axis]), inv_freq);
}

// On each pair's own axis.
template <class DF, class V = hn::Vec<DF>>
HWY_INLINE V HfAngle(DF df, const CompatibleRowsJob& job,
                     const HfPositions& positions, int64_t pair) {
  // Pairs that no axis turns have an inv_freq of 0 on the first, too.
  const uint32_t some = job.group_axes[pair / kPairPadding];
  uint32_t axes = some != 0 ? some : 1;
  V inv_freq;
  V angle;
  HfProduct(df, job, __builtin_ctz(axes), positions, pair, inv_freq, angle);
  while ((axes &= axes - 1) != 0) {
    V product;
    HfProduct(df, job, __builtin_ctz(axes), positions, pair, inv_freq, product);
    angle = hn::IfThenElse(hn::Eq(inv_freq, hn::Zero(df)), angle, product);
  }
  return angle;
}

template <class To, size_t kCount>
HWY_INLINE void MakeHfPairs(const CompatibleRowsJob& job,
                            const HfPositions& positions, int64_t row,
                            int64_t pair) {
  const hn::ScalableTag<float> df;
  Place places[kCount];
  hn::Vec<decltype(df)> angles[kCount];
  for (size_t k = 0; k < kCount; ++k) {
    const int64_t at = pair + static_cast<int64_t>(k * hn::Lanes(df));
    places[k] = PlaceOf(job, row, at);
    angles[k] = HfAngle(df, job, positions, at);
  }
  StoreCosSin<To>(df, job, places, angles);
}

// Not inline, as ggml's: a frame for each, where one for all takes more stack.
template <class To>
HWY_NOINLINE void MakeHfRows(const CompatibleRowsJob& job) {
  const int64_t lanes =
      static_cast<int64_t>(hn::Lanes(hn::ScalableTag<float>()));
  for (int64_t row = 0; row < job.count; ++row) {
    if (job.rotates[row] != kRotated) continue;
    HfPositions positions;
    for (int64_t a = 0; a < job.axes; ++a) {
      positions.on_axis[a] =
          static_cast<float>(job.positions[a * job.position_stride + row]);
    }
    int64_t i = 0;
    for (; i + 2 * lanes <= job.pair_count; i += 2 * lanes) {
      MakeHfPairs<To, 2>(job, positions, row, i);
    }
    if (i < job.pair_count) MakeHfPairs<To, 1>(job, positions, row, i);
  }
}

constexpr int64_t kTokens = kCompatibleRows;
static_assert(kTokens % 4 == 0, "four at a time are taken apart");

// ggml's theta of one axis, of all tokens at the pair that is next.
struct Theta {
  float of_token[kTokens];
  float step;
};

HWY_INLINE void Begin(const CompatibleRowsJob& job, int64_t axis, int64_t pair,
                      Theta& theta) {
  const double* positions = job.positions + axis * job.position_stride;
  for (int64_t t = 0; t < kTokens; ++t) {
    theta.of_token[t] = t < job.count ? static_cast<float>(positions[t]) : 0.0f;
  }
  theta.step = job.ggml->steps[pair];
}

// One multiplication after the other for kPairPadding pairs.  Those of this
// axis are written to thetas, [kTokens / 4][kPairPadding][4].
HWY_INLINE void MultiplyOn(const CompatibleRowsJob& job, int64_t axis,
                           int64_t group, Theta& theta, float* thetas) {
  const hn::CappedTag<float, 4> d;
  constexpr int64_t kLanes = hn::MaxLanes(hn::CappedTag<float, 4>());
  hn::Vec<decltype(d)> v[kTokens / kLanes];
  for (int64_t t = 0; t < kTokens; t += kLanes) {
    v[t / kLanes] = hn::LoadU(d, theta.of_token + t);
  }
  for (int64_t i = 0; i < kPairPadding; ++i) {
    const bool begins = job.ggml->axes[group + i] == (axis | kGgmlBegins);
    if (begins && group + i > 0) {
      Begin(job, axis, group + i, theta);
      for (int64_t t = 0; t < kTokens; t += kLanes) {
        v[t / kLanes] = hn::LoadU(d, theta.of_token + t);
      }
    }
    if (begins || job.ggml->axes[group + i] == axis) {
      for (int64_t t = 0; t < kTokens; t += kLanes) {
        hn::StoreU(v[t / kLanes], d,
                   thetas + (t / 4 * kPairPadding + i) * 4 + t % 4);
      }
    }
    for (auto& tokens : v) tokens = hn::Mul(tokens, hn::Set(d, theta.step));
  }
  for (int64_t t = 0; t < kTokens; t += kLanes) {
    hn::StoreU(v[t / kLanes], d, theta.of_token + t);
  }
}

// ggml's rope_yarn: theta divided, interpolated, and mixed with what it is
// without the interpolation.  A mix of 0 leaves the interpolation's bits.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V GgmlAngle(D d, const GgmlPairs& ggml, int64_t pair, V theta) {
  const V extrapolated =
      ggml.divides ? hn::Div(theta, hn::LoadU(d, ggml.divisors + pair)) : theta;
  const V interpolated = hn::Mul(hn::Set(d, ggml.freq_scale), extrapolated);
  const V mix = hn::LoadU(d, ggml.mixes + pair);
  return hn::Add(hn::Mul(interpolated, hn::Sub(hn::Set(d, 1.0f), mix)),
                 hn::Mul(extrapolated, mix));
}

template <class To>
HWY_INLINE void MakeGgmlGroup(const CompatibleRowsJob& job, int64_t group,
                              const float* thetas) {
  const hn::ScalableTag<float> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  // Two rows at a time, of which one may not be there.
  float nowhere[hn::MaxLanes(d)];
  const auto place = [&](int64_t row, int64_t pair) HWY_ATTR {
    return row < job.count && job.rotates[row] == kRotated
               ? PlaceOf(job, row, pair - job.pair_begin)
               : Place{nowhere, nowhere};
  };
  for (int64_t first = 0; first < job.count; first += 4) {
    for (int64_t pair = group; pair < group + kPairPadding; pair += lanes) {
      V theta[4];
      hn::LoadInterleaved4(d,
                           thetas + first * kPairPadding + 4 * (pair - group),
                           theta[0], theta[1], theta[2], theta[3]);
      for (int64_t t = 0; t < 4 && first + t < job.count; t += 2) {
        const Place places[] = {place(first + t, pair),
                                place(first + t + 1, pair)};
        const V angles[] = {GgmlAngle(d, *job.ggml, pair, theta[t]),
                            GgmlAngle(d, *job.ggml, pair, theta[t + 1])};
        StoreCosSin<To>(d, job, places, angles);
      }
    }
  }
}

template <class To>
HWY_NOINLINE void MakeGgmlRows(const CompatibleRowsJob& job) {
  Theta of_axis[kMostAxes];
  for (int64_t a = 0; a < job.axes; ++a) Begin(job, a, 0, of_axis[a]);
  for (int64_t group = 0; group < job.pair_begin + job.pair_count;
       group += kPairPadding) {
    float thetas[kTokens * kPairPadding] = {};
    for (int64_t a = 0; a < job.axes; ++a) {
      MultiplyOn(job, a, group, of_axis[a], thetas);
    }
    if (group >= job.pair_begin) MakeGgmlGroup<To>(job, group, thetas);
  }
}

template <class To>
void MakeRows(const CompatibleRowsJob& job) {
  return job.ggml != nullptr ? MakeGgmlRows<To>(job) : MakeHfRows<To>(job);
}

void MakeCompatibleRows(const CompatibleRowsJob& job) {
  switch (job.rounding) {
    case kF16:
      return MakeRows<ToF16>(job);
    case kBF16:
      return MakeRows<ToBF16>(job);
    default:
      return MakeRows<ToF32>(job);
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

const CompatibleRowsKernel kMakeCompatibleRows[kNumTargets] =
    ROTARY_PER_TARGET(MakeCompatibleRows);

}  // namespace rotary

#endif  // HWY_ONCE
