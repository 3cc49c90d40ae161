// The Walsh-Hadamard transform of heads in a tile, and the factors of norms.
// For every target.

#include "lib/kernels/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/hadamard.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/round-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// x[i] + x[i + step], x[i] - x[i + step] for one i of every two steps.
template <class D>
HWY_INLINE void Butterflies(D d, float* x, int64_t columns, int64_t step) {
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < columns; i += 2 * step) {
    for (int64_t j = i; j < i + step; j += lanes) {
      const auto a = hn::LoadU(d, x + j);
      const auto b = hn::LoadU(d, x + j + step);
      hn::StoreU(hn::Add(a, b), d, x + j);
      hn::StoreU(hn::Sub(a, b), d, x + j + step);
    }
  }
}

// Steps of 1 and 2.
HWY_INLINE void FirstButterflies(float* x, int64_t columns) {
#if HWY_TARGET == HWY_SCALAR
  const hn::CappedTag<float, 1> one;
  Butterflies(one, x, columns, 1);
  Butterflies(one, x, columns, 2);
#else
  const hn::ScalableTag<float> d;
  const int64_t step = 4 * static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < columns; i += step) {
    hn::Vec<decltype(d)> v0, v1, v2, v3;
    hn::LoadInterleaved4(d, x + i, v0, v1, v2, v3);
    const auto a = hn::Add(v0, v1);
    const auto b = hn::Sub(v0, v1);
    const auto e = hn::Add(v2, v3);
    const auto f = hn::Sub(v2, v3);
    hn::StoreInterleaved4(hn::Add(a, e), hn::Add(b, f), hn::Sub(a, e),
                          hn::Sub(b, f), d, x + i);
  }
#endif
}

HWY_INLINE void Transform(float* x, int64_t columns, float factor) {
  const hn::ScalableTag<float> d;
  FirstButterflies(x, columns);
  Butterflies(hn::CappedTag<float, 4>(), x, columns, 4);
  Butterflies(hn::CappedTag<float, 8>(), x, columns, 8);
  for (int64_t step = 16; step < columns; step *= 2) {
    Butterflies(d, x, columns, step);
  }
  const auto f = hn::Set(d, factor);
  for (int64_t i = 0; i < columns; i += static_cast<int64_t>(hn::Lanes(d))) {
    hn::StoreU(hn::Mul(hn::LoadU(d, x + i), f), d, x + i);
  }
}

void Hadamard(const HadamardJob& job) {
  const float factor = static_cast<float>(
      1.0 / __builtin_sqrt(static_cast<double>(job.columns)));
  for (int64_t i = 0; i < job.floats; i += job.columns) {
    Transform(job.tile + i, job.columns, factor);
  }
}

void NormFactors(const NormFactorsJob& job) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> df;
  const auto inv_count = hn::Set(d, job.inv_count);
  const auto epsilon = hn::Set(d, job.epsilon);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < job.count; i += lanes) {
    const auto sum = hn::PromoteTo(d, hn::LoadU(df, job.sums + i));
    const auto scale = hn::PromoteTo(d, hn::LoadU(df, job.scales + i));
    const auto variance = hn::Add(hn::Mul(sum, inv_count), epsilon);
    hn::StoreU(Demote(df, hn::Div(scale, hn::Sqrt(variance))), df,
               job.factors + i);
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

const HadamardKernel kHadamard[kNumTargets] = ROTARY_PER_TARGET(Hadamard);
const NormFactorsKernel kNormFactors[kNumTargets] =
    ROTARY_PER_TARGET(NormFactors);

}  // namespace rotary

#endif  // HWY_ONCE
