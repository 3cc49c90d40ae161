// Angles as other frameworks compute them, in f32, whose cos and sin
// cos_sin_rows.cc makes.  For every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/compatible_angles.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/round-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// As many f64 as fill a vector of f32, rounded to it.
template <class DF>
HWY_INLINE hn::Vec<DF> LoadRounded(DF df, const double* from) {
  const hn::ScalableTag<double> d;
  // Where a vector has one lane, it is the same twice.
  const size_t half = hn::Lanes(df) / 2;
  return Round(df, hn::LoadU(d, from), hn::LoadU(d, from + half));
}

HWY_INLINE void MakeHfRow(const HfAnglesJob& job, int64_t row) {
  const hn::ScalableTag<float> df;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(df));
  float* angles = job.angles + row * job.row_stride;
  for (int64_t group = 0; group < job.pair_count; group += kPairPadding) {
    const uint32_t some = job.group_axes[group / kPairPadding];
    for (int64_t i = group; i < group + kPairPadding; i += lanes) {
      auto angle = hn::Zero(df);
      for (uint32_t axes = some; axes != 0; axes &= axes - 1) {
        const int64_t axis = __builtin_ctz(axes);
        const auto position =
            hn::Set(df, static_cast<float>(
                            job.positions[axis * job.position_stride + row]));
        const auto inv_freq =
            LoadRounded(df, job.inv_freq + axis * job.axis_stride + i);
        angle = hn::IfThenElse(hn::Eq(inv_freq, hn::Zero(df)), angle,
                               hn::Mul(position, inv_freq));
      }
      hn::StoreU(angle, df, angles + i);
    }
  }
}

void HfAngles(const HfAnglesJob& job) {
  for (int64_t row = 0; row < job.count; ++row) MakeHfRow(job, row);
}

constexpr int64_t kTokens = kGgmlTokens;

// ggml's theta of one axis, of all tokens at the pair that is next.
struct Theta {
  float of_token[kTokens];
  float step;
};

HWY_INLINE void Begin(const GgmlAnglesJob& job, int64_t axis, int64_t pair,
                      Theta& theta) {
  const double* positions = job.positions + axis * job.position_stride;
  for (int64_t t = 0; t < kTokens; ++t) {
    theta.of_token[t] = t < job.count ? static_cast<float>(positions[t]) : 0.0f;
  }
  theta.step = job.steps[pair];
}

// One multiplication after the other for kPairPadding pairs.  Those of this
// axis are written to thetas, [kTokens / 4][kPairPadding][4].
HWY_INLINE void MultiplyOn(const GgmlAnglesJob& job, int64_t axis,
                           int64_t group, Theta& theta, float* thetas) {
  const hn::CappedTag<float, 4> d;
  constexpr int64_t kLanes = hn::MaxLanes(hn::CappedTag<float, 4>());
  hn::Vec<decltype(d)> v[kTokens / kLanes];
  for (int64_t t = 0; t < kTokens; t += kLanes) {
    v[t / kLanes] = hn::LoadU(d, theta.of_token + t);
  }
  for (int64_t i = 0; i < kPairPadding; ++i) {
    const bool begins = job.axes[group + i] == (axis | kGgmlBegins);
    if (begins && group + i > 0) {
      Begin(job, axis, group + i, theta);
      for (int64_t t = 0; t < kTokens; t += kLanes) {
        v[t / kLanes] = hn::LoadU(d, theta.of_token + t);
      }
    }
    if (begins || job.axes[group + i] == axis) {
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
HWY_INLINE V GgmlAngle(D d, const GgmlAnglesJob& job, int64_t pair, V theta) {
  const V extrapolated =
      job.divisors == nullptr
          ? theta
          : hn::Div(theta, hn::LoadU(d, job.divisors + pair));
  const V interpolated = hn::Mul(hn::Set(d, job.freq_scale), extrapolated);
  const V mix = hn::LoadU(d, job.mixes + pair);
  return hn::Add(hn::Mul(interpolated, hn::Sub(hn::Set(d, 1.0f), mix)),
                 hn::Mul(extrapolated, mix));
}

HWY_INLINE void MakeGroup(const GgmlAnglesJob& job, int64_t group,
                          const float* thetas) {
  const hn::ScalableTag<float> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t first = 0; first < job.count; first += 4) {
    for (int64_t i = 0; i < kPairPadding; i += lanes) {
      hn::Vec<decltype(d)> of_token[4];
      hn::LoadInterleaved4(d, thetas + first * kPairPadding + 4 * i,
                           of_token[0], of_token[1], of_token[2], of_token[3]);
      for (int64_t t = 0; t < 4 && first + t < job.count; ++t) {
        hn::StoreU(GgmlAngle(d, job, group + i, of_token[t]), d,
                   job.angles + (first + t) * job.row_stride + group + i -
                       job.pair_begin);
      }
    }
  }
}

void GgmlAngles(const GgmlAnglesJob& job) {
  Theta of_axis[kMostAxes];
  for (int64_t a = 0; a < job.num_axes; ++a) Begin(job, a, 0, of_axis[a]);
  for (int64_t group = 0; group < job.pair_begin + job.pair_count;
       group += kPairPadding) {
    float thetas[kTokens * kPairPadding] = {};
    for (int64_t a = 0; a < job.num_axes; ++a) {
      MultiplyOn(job, a, group, of_axis[a], thetas);
    }
    if (group >= job.pair_begin) MakeGroup(job, group, thetas);
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

const HfAnglesKernel kHfAngles[kNumTargets] = ROTARY_PER_TARGET(HfAngles);
const GgmlAnglesKernel kGgmlAngles[kNumTargets] = ROTARY_PER_TARGET(GgmlAngles);

}  // namespace rotary

#endif  // HWY_ONCE
