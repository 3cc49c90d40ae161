// Gradients of heads, led back through their norm.  For every target.

#include "lib/kernels/gradients.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/norm_gradients.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"
#include "lib/kernels/heads-inl.h"
#include "lib/kernels/round-inl.h"
#include "lib/kernels/tile-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// n: elements from x on, without the mean, times the factor.
template <class From, bool kCentered, class Tag>
HWY_INLINE hn::Vec<Tag> Normed(Tag d, const NormedHeads& heads, int64_t head,
                               const typename From::Lane* x) {
  auto v = From::Load(d, x);
  if (kCentered) v = hn::Sub(v, hn::Set(d, heads.means[head]));
  return hn::Mul(v, hn::Set(d, heads.factors[head]));
}

template <class Tag>
HWY_INLINE hn::Vec<Tag> WeightsOf(Tag d, const NormedHeads& heads, int64_t head,
                                  int64_t e) {
  const int64_t skipped = head % heads.shape.heads * heads.weight_head_stride;
  return LoadWeights(d, heads.weight_dtype, heads.weight, skipped + e,
                     heads.weight_added);
}

template <class From, bool kCentered>
void SumGradientsBy(const SumGradientsJob& job) {
  using Lane = typename From::Lane;
  const NormedHeads& heads = job.heads;
  const int64_t head_dim = heads.shape.head_dim;
  const float* g = heads.gradients;
  const auto sum = [&](int64_t i, const Lane* x) ROTARY_LAMBDA {
    const auto terms = [&](auto d, int64_t e, auto* to) ROTARY_LAMBDA {
      const auto v = hn::Mul(hn::LoadU(d, g + e), WeightsOf(d, heads, i, e));
      to[0] = hn::Mul(v, Normed<From, kCentered>(d, heads, i, x + e));
      if (kCentered) to[kCentered ? 1 : 0] = v;
    };
    constexpr size_t kSums = kCentered ? 2 : 1;
    float sums[kSums];
    SumElements<kSums>(head_dim, terms, sums);
    job.products[i] = sums[0];
    if (kCentered) job.sums[i] = sums[kSums - 1];
    g += head_dim;
  };
  ForEachHead<From>(heads.shape, heads.input, sum);
}

// Sums of a vector's lanes over several heads, in f64.
template <class Tag>
class Columns {
  static constexpr bool kWhole = hn::MaxLanes(Tag()) > 1;
  static constexpr size_t kVectors = kWhole ? kParts : 1;
  using Wide =
      hn::CappedTag<double, kWhole ? hn::MaxLanes(Tag()) / kVectors : 1>;

 public:
  HWY_INLINE Columns() {
    for (auto& sum : sums_) sum = hn::Zero(Wide());
  }

  HWY_INLINE void Load(const double* from) {
    for (size_t i = 0; i < kVectors; ++i) {
      sums_[i] = hn::LoadU(Wide(), from + i * hn::MaxLanes(Wide()));
    }
  }

  HWY_INLINE void Store(double* to) const {
    for (size_t i = 0; i < kVectors; ++i) {
      hn::StoreU(sums_[i], Wide(), to + i * hn::MaxLanes(Wide()));
    }
  }

  HWY_INLINE void Add(hn::Vec<Tag> v) {
    hn::Vec<Wide> parts[kVectors];
    if constexpr (kWhole) {
      Widen(Wide(), v, parts);
    } else {
      // Not every target promotes a single lane.
      parts[0] = hn::Set(Wide(), static_cast<double>(hn::GetLane(v)));
    }
    for (size_t i = 0; i < kVectors; ++i) {
      sums_[i] = hn::Add(sums_[i], parts[i]);
    }
  }

 private:
  hn::Vec<Wide> sums_[kVectors];
};

// Elements [e, e + lanes) of all heads, one after the other: they share their
// weights and their sums.
template <class From, bool kCentered, bool kSums, class Tag>
HWY_INLINE void GradientColumns(Tag d, const NormGradientsJob& job, int64_t e) {
  using Lane = typename From::Lane;
  const NormedHeads& heads = job.heads;
  const bool shared = heads.weight_head_stride == 0;
  const bool sums_bias = job.bias_sums != nullptr;
  const bool sums_weight = job.weight_sums != nullptr;
  const int64_t head_dim = heads.shape.head_dim;
  Columns<Tag> weight_sums;
  Columns<Tag> bias_sums;
  const auto load = [&](int64_t at) ROTARY_LAMBDA {
    if (!kSums) return;
    if (sums_weight) weight_sums.Load(job.weight_sums + at);
    if (sums_bias) bias_sums.Load(job.bias_sums + at);
  };
  const auto store = [&](int64_t at) ROTARY_LAMBDA {
    if (!kSums) return;
    if (sums_weight) weight_sums.Store(job.weight_sums + at);
    if (sums_bias) bias_sums.Store(job.bias_sums + at);
  };
  auto weights = WeightsOf(d, heads, 0, e);
  if (shared) load(e);
  float* gradients = heads.gradients + e;
  const auto lead = [&](int64_t i, const Lane* x) ROTARY_LAMBDA {
    const int64_t at = i % heads.shape.heads * heads.weight_head_stride + e;
    const auto g = hn::LoadU(d, gradients);
    const auto n = Normed<From, kCentered>(d, heads, i, x + e);
    if (!shared) {
      weights = WeightsOf(d, heads, i, e);
      load(at);
    }
    if (kSums && sums_weight) weight_sums.Add(hn::Mul(g, n));
    if (kSums && sums_bias) bias_sums.Add(g);
    if (!shared) store(at);
    auto v = hn::Mul(g, weights);
    if (kCentered) v = hn::Sub(v, hn::Set(d, job.mean_sums[i]));
    v = hn::Sub(v, hn::Mul(n, hn::Set(d, job.mean_products[i])));
    hn::StoreU(hn::Mul(v, hn::Set(d, heads.factors[i])), d, gradients);
    gradients += head_dim;
  };
  ForEachHead<From>(heads.shape, heads.input, lead);
  if (shared) store(e);
}

template <class From, bool kCentered, bool kSums>
void NormGradientsBy(const NormGradientsJob& job) {
  const int64_t head_dim = job.heads.shape.head_dim;
  ForEachVector(head_dim, [&](auto d, int64_t e) ROTARY_LAMBDA {
    GradientColumns<From, kCentered, kSums>(d, job, e);
  });
}

template <class From>
void SumGradientsFrom(const SumGradientsJob& job) {
  if (job.heads.means != nullptr) return SumGradientsBy<From, true>(job);
  SumGradientsBy<From, false>(job);
}

template <class From>
void NormGradientsFrom(const NormGradientsJob& job) {
  const bool sums = job.weight_sums != nullptr || job.bias_sums != nullptr;
  if (job.heads.means != nullptr) {
    if (sums) return NormGradientsBy<From, true, true>(job);
    return NormGradientsBy<From, true, false>(job);
  }
  if (sums) return NormGradientsBy<From, false, true>(job);
  NormGradientsBy<From, false, false>(job);
}

void SumGradients(const SumGradientsJob& job) {
  WithDtype(job.heads.input.dtype,
            [&](auto from) HWY_ATTR { SumGradientsFrom<decltype(from)>(job); });
}

void NormGradients(const NormGradientsJob& job) {
  WithDtype(job.heads.input.dtype, [&](auto from) HWY_ATTR {
    NormGradientsFrom<decltype(from)>(job);
  });
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const SumGradientsKernel kSumGradients[kNumTargets] =
    ROTARY_PER_TARGET(SumGradients);
const NormGradientsKernel kNormGradients[kNumTargets] =
    ROTARY_PER_TARGET(NormGradients);

}  // namespace rotary

#endif  // HWY_ONCE
