// Heads that are normed and rotated on one way from memory, by factors that are
// there.  For every target.

#include <algorithm>

#include "lib/kernels/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/rotate_normed.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/native_bf16-inl.h"
#include "lib/kernels/pairings-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// Of one vector of a token's pairs.
template <class V>
struct NormedPairs {
  V cos, sin;
  V first_weight, second_weight;
};

template <class From, class To>
struct NormedHead {
  const typename From::Lane* x;
  typename To::Lane* y;
  float factor;
};

// The heads of a token; two by each load of its row and of the weights.
template <class From, class To>
class NormedToken {
 public:
  using Head = NormedHead<From, To>;

  HWY_INLINE NormedToken(const RotateNormedJob& job, const float* weights,
                         int64_t token)
      : job_(job),
        half_(job.shape.head_dim / 2),
        turns_(job.rotates[token * job.rotates_stride] == kRotated),
        weights_(weights),
        cos_(job.cos + token * job.row_stride),
        sin_(job.sin + token * job.row_stride),
        x_(static_cast<const typename From::Lane*>(job.input.data) +
           token * job.input.token_stride),
        y_(static_cast<typename To::Lane*>(job.output.data) +
           token * job.output.token_stride),
        factors_(job.factors + token * job.shape.heads) {}

  HWY_INLINE void Run() {
    const hn::ScalableTag<float> d;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    const int64_t whole = half_ / lanes * lanes;
    int64_t left = job_.shape.heads;
    for (; left >= 2; left -= 2) {
      const Head first = Next();
      const Head second = Next();
      for (int64_t i = 0; i < whole; i += lanes) TurnPairs(d, i, first, second);
      if (whole < half_) TurnRest(whole, first), TurnRest(whole, second);
    }
    if (left == 0) return;
    const Head last = Next();
    for (int64_t i = 0; i < whole; i += lanes) TurnPairs(d, i, last);
    if (whole < half_) TurnRest(whole, last);
  }

 private:
  HWY_INLINE Head Next() {
    const Head head = {x_, y_, *factors_++};
    if (job_.ahead != 0) {
      FetchLines<kToL2>(x_, static_cast<uintptr_t>(job_.ahead),
                        static_cast<size_t>(2 * half_));
    }
    x_ += job_.input.head_stride;
    y_ += job_.output.head_stride;
    return head;
  }

  // What is less than the largest vector.
  HWY_NOINLINE void TurnRest(int64_t i, const Head& head) const {
    const hn::CappedTag<float, 4> d;
    const hn::CappedTag<float, 1> one;
    const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
    for (; i + lanes <= half_; i += lanes) TurnPairs(d, i, head);
    for (; i < half_; ++i) TurnPairs(one, i, head);
  }

  template <class D, class... Some>
  HWY_INLINE void TurnPairs(D d, int64_t i, const Some&... heads) const {
    using V = hn::Vec<D>;
    V cos = hn::Zero(d);
    V sin = hn::Zero(d);
    if (HWY_LIKELY(turns_)) {
      cos = hn::LoadU(d, cos_ + i);
      sin = hn::Xor(hn::LoadU(d, sin_ + i), SinSign(d, job_));
    }
    const NormedPairs<V> pairs = {cos, sin, hn::LoadU(d, weights_ + i),
                                  hn::LoadU(d, weights_ + half_ + i)};
    (TurnHead(d, static_cast<size_t>(i), pairs, heads), ...);
  }

  template <class D, class V>
  HWY_INLINE void TurnHead(D d, size_t i, const NormedPairs<V>& pairs,
                           const Head& head) const {
    const V factor = hn::Set(d, head.factor);
    V a, b;
    From::Load(d, head.x, From::At(head.x, half_), i, a, b);
    a = hn::Mul(hn::Mul(a, factor), pairs.first_weight);
    b = hn::Mul(hn::Mul(b, factor), pairs.second_weight);
    V first = a, second = b;
    if (HWY_LIKELY(turns_)) {
      first = FirstOf(a, b, pairs.cos, pairs.sin);
      second = SecondOf(a, b, pairs.cos, pairs.sin);
    }
    auto* z = To::At(head.y, half_);
    if (HWY_UNLIKELY(job_.output.stream)) {
      To::template Store<Access::kStream>(d, first, second, head.y, z, i);
    } else {
      To::template Store<Access::kPlain>(d, first, second, head.y, z, i);
    }
  }

  const RotateNormedJob& job_;
  const int64_t half_;
  const bool turns_;
  const float* const weights_;
  const float* const cos_;
  const float* const sin_;
  const typename From::Lane* x_;
  typename To::Lane* y_;
  const float* factors_;
};

// The weights as they are multiplied by: those of first elements, then those of
// second ones.
template <class Side>
void FillWeights(const RotateNormedJob& job, float* weights) {
  const int64_t half = job.shape.head_dim / 2;
  if (job.weight == nullptr) {
    std::fill_n(weights, 2 * half, 1.0f);
    return;
  }
  const auto* from = static_cast<const typename Side::Lane*>(job.weight);
  ForEachVector(half, [&](auto d, int64_t i) ROTARY_LAMBDA {
    const auto added = hn::Set(d, job.weight_added);
    hn::Vec<decltype(d)> a, b;
    Side::Load(d, from, Side::At(from, half), static_cast<size_t>(i), a, b);
    hn::StoreU(hn::Add(added, a), d, weights + i);
    hn::StoreU(hn::Add(added, b), d, weights + half + i);
  });
}

template <template <class> class Pairing>
HWY_NOINLINE void FillWeightsOf(const RotateNormedJob& job, float* weights) {
  WithDtype(job.weight_dtype, [&](auto weight) HWY_ATTR {
    FillWeights<Pairing<decltype(weight)>>(job, weights);
  });
}

template <class From, class To>
void RotateNormed(const RotateNormedJob& job) {
  alignas(64) float weights[kMostNormedDim];
  if constexpr (From::Element(1) == 1) {
    FillWeightsOf<Half>(job, weights);
  } else {
    FillWeightsOf<Interleaved>(job, weights);
  }
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    NormedToken<From, To>(job, weights, t).Run();
  }
}

template <template <class> class Pairing>
constexpr RotateNormedKernels OfPairing(RotateNormedKernels kernels,
                                        int pairing) {
  const RotateNormedKernel all[kNumDtypes][kNumDtypes] = {
      {&RotateNormed<Pairing<F32>, Pairing<F32>>,
       &RotateNormed<Pairing<F32>, Pairing<F16>>,
       &RotateNormed<Pairing<F32>, Pairing<BF16>>},
      {&RotateNormed<Pairing<F16>, Pairing<F32>>,
       &RotateNormed<Pairing<F16>, Pairing<F16>>,
       &RotateNormed<Pairing<F16>, Pairing<BF16>>},
      {&RotateNormed<Pairing<BF16>, Pairing<F32>>,
       &RotateNormed<Pairing<BF16>, Pairing<F16>>,
       &RotateNormed<Pairing<BF16>, Pairing<BF16>>}};
  for (int i = 0; i < kNumDtypes; ++i) {
    for (int o = 0; o < kNumDtypes; ++o) {
      kernels.kernels[i][pairing][o] = all[i][o];
    }
  }
  return kernels;
}

// The others take the longer way through a tile, for which no code is needed.
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128 || \
    HWY_TARGET == HWY_SSSE3
constexpr RotateNormedKernels kKernels = {};
#else
constexpr RotateNormedKernels kKernels =
    OfPairing<Interleaved>(OfPairing<Half>({}, kHalf), kInterleaved);
#endif

#if HWY_TARGET == HWY_AVX3
constexpr RotateNormedKernels NativeKernels() {
  RotateNormedKernels kernels = kKernels;
  kernels.kernels[kF32][kHalf][kBF16] =
      &RotateNormed<Half<F32>, Half<StoredBF16>>;
  kernels.kernels[kBF16][kHalf][kBF16] =
      &RotateNormed<Half<BF16>, Half<StoredBF16>>;
  return kernels;
}
constexpr RotateNormedKernels kNativeKernels = NativeKernels();
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const RotateNormedKernels* const kRotateNormed[kNumTargets] =
    ROTARY_PER_TARGET_AND(kKernels, ROTARY_ON_AVX3(kNativeKernels));

}  // namespace rotary

#endif  // HWY_ONCE
