// Rotation of a run of tokens, pair blocks outside, heads inside: the cos and
// sin of a block of pairs stay in registers while it goes through the heads
// (where there are registers enough).
// Included by kernels/rotate_<dtype>.cc, once per target.

#include <type_traits>

#include "lib/kernels/kernels.h"
#include "lib/kernels/target.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_ROTATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_ROTATE_INL_H_
#undef ROTARY_LIB_KERNELS_ROTATE_INL_H_
#else
#define ROTARY_LIB_KERNELS_ROTATE_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/copy-inl.h"
#include "lib/kernels/pairings-inl.h"
#include "lib/kernels/unchanged-inl.h"
#include "lib/kernels/whole_heads-inl.h"

// Whether there is a scalar target beside this one: its bits are the same.
#undef ROTARY_HAS_SCALAR
#if (HWY_TARGETS & (HWY_SCALAR | HWY_EMU128)) && HWY_TARGET != HWY_SCALAR && \
    HWY_TARGET != HWY_EMU128
#define ROTARY_HAS_SCALAR 1
#else
#define ROTARY_HAS_SCALAR 0
#endif

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// A block of pairs of tokens; not inline, so that each keeps the registers to
// itself.
template <class Vectors, size_t kN, class D>
HWY_NOINLINE void RotateBlock(D d, const RotateJob& job,
                              const TokenRange& tokens) {
  for (const Tensor* t = job.tensors; t < job.tensors_end; ++t) {
    Vectors::template Rotate<kN>(d, job, *t, tokens);
  }
}

// The pairs of tokens: whole heads, or ever smaller blocks.  Several tokens
// only if one pass through the heads takes all of their pairs.
template <class From, class To>
class Tokens {
 public:
  HWY_INLINE Tokens(const RotateJob& job, int64_t begin, int64_t end)
      : job_(job), begin_(begin), end_(end) {}

  // Whether one pass through the heads takes all pairs of several tokens along.
  static bool AreOnePass(const RotateJob& job) {
    const int64_t pairs = job.pair_count;
    if (AreOneBlock(pairs) || GoInOrder(job)) return true;
    if (!Whole::kExists) return false;
    if (AreRagged(pairs)) return pairs % kNarrowLanes == 0;
    return ROTARY_FEW_REGISTERS && pairs % WholeUnit(kDMax) == 0;
  }

  HWY_INLINE void Rotate() {
    constexpr size_t kLanes = hn::MaxLanes(kDMax);
    if constexpr (Whole::kExists) {
      const int64_t pairs = job_.pair_count;
      const bool prefers_whole = Whole::kHalf || end_ - begin_ > 1;
      if (GoInOrder(job_) || AreRagged(pairs)) {
        AllWhole(hn::CappedTag<float, kNarrowLanes>());
      } else if (ROTARY_FEW_REGISTERS && prefers_whole && !AreOneBlock(pairs)) {
        AllWhole(kDMax);
      }
    }
    Blocks<Vectors::kVectors>(kDMax);
    if (HWY_LIKELY(done_ == job_.pair_count)) return;
    if constexpr (kLanes > 8) Block<1>(hn::CappedTag<float, 8>());
    if constexpr (kLanes > 4) Block<1>(hn::CappedTag<float, 4>());
    if constexpr (kLanes > 2) Block<1>(hn::CappedTag<float, 2>());
    if (HWY_UNLIKELY(done_ < job_.pair_count)) Rest();
  }

 private:
  using Vectors = RotateVectors<From, To>;
  using Whole = WholeHeads<From, To>;
  static constexpr hn::ScalableTag<float> kDMax{};
  static constexpr int64_t kNarrowLanes = 8;
  static constexpr bool kHasNarrow =
      static_cast<int64_t>(hn::MaxLanes(kDMax)) > kNarrowLanes;

  template <size_t kN, class D>
  static HWY_INLINE int64_t Pairs(D d) {
    return static_cast<int64_t>(kN * Vectors::kUnitVectors * hn::Lanes(d));
  }

  template <class D>
  static HWY_INLINE int64_t WholeUnit(D d) {
    return Whole::kStepVectors * static_cast<int64_t>(hn::Lanes(d));
  }

  static HWY_INLINE bool AreOneBlock(int64_t pairs) {
    return pairs % Pairs<1>(kDMax) == 0 &&
           pairs <= Pairs<Vectors::kVectors>(kDMax);
  }

  // Whether smaller vectors take more pairs than the largest, which with the
  // rest would take two passes.
  static HWY_INLINE bool AreRagged(int64_t pairs) {
    return Whole::kHalf && kHasNarrow && pairs % WholeUnit(kDMax) != 0;
  }

  // Whether the largest vectors, or blocks of pairs, are a bad way from memory.
  static HWY_INLINE bool GoInOrder(const RotateJob& job) {
    return Whole::kInOrder && kHasNarrow && job.tensors->in_order &&
           job.pair_count % kNarrowLanes == 0;
  }

  // As many pairs as there are, head by head.
  template <class D>
  HWY_INLINE void AllWhole(D d) {
    const int64_t unit = WholeUnit(d);
    done_ = job_.pair_count / unit * unit;
    if (done_ == 0) return;
    RotateBlock<Whole, 1>(d, job_, {begin_, end_, 0, done_});
  }

  // Whole vectors of pairs, kN at a time, then fewer.
  template <size_t kN, class D>
  HWY_INLINE void Blocks(D d) {
    while (Block<kN>(d)) {
    }
    if constexpr (kN > 3) Block<3>(d);
    if constexpr (kN > 2) Block<2>(d);
    if constexpr (kN > 1) Block<1>(d);
  }

  // kN vectors of pairs, if there are as many left.
  template <size_t kN, class D>
  HWY_INLINE bool Block(D d) {
    if constexpr (hn::MaxLanes(D()) >= Vectors::kMinLanes) {
      const int64_t block = Pairs<kN>(d);
      if (job_.pair_count - done_ < block) return false;
      RotateBlock<Vectors, kN>(d, job_, {begin_, end_, done_, block});
      done_ += block;
      return true;
    }
    return false;
  }

  // Fewer pairs than vectors of any size have.
  HWY_INLINE void Rest() {
#if ROTARY_HAS_SCALAR
    RotateRest(job_, begin_, end_, done_,
               FindRotate(kTargetScalar, From::Dtype::kDtype, From::kPairing,
                          To::Dtype::kDtype, To::kPairing));
#else
    for (; done_ < job_.pair_count; ++done_) {
      const hn::CappedTag<float, 1> d;
      RotateBlock<RotatePairs<From, To>, 1>(d, job_, {begin_, end_, done_, 1});
    }
#endif
  }

  const RotateJob& job_;
  const int64_t begin_;
  const int64_t end_;
  int64_t done_ = 0;
};

template <class From, class To>
void RotateRun(const RotateJob& job) {
  // The first block of pairs takes the rest of the head along.
  const bool copies = job.copies && job.pair_begin == 0;
  const bool rest = copies && HaveRest(job);
  const bool together = !rest && Tokens<From, To>::AreOnePass(job);
  const auto state = [&job](int64_t token) {
    return job.rotates[token * job.rotates_stride];
  };
  for (int64_t token = 0, end; token < job.count; token = end) {
    end = token + 1;
    if (state(token) == kUntouched) continue;
    const bool rotates = state(token) == kRotated;
    if (rest || (copies && !rotates)) {
      CopyRest<From, To>(job, job.token + token, rotates);
    }
    if (!rotates) continue;
    if (together) {
      while (end < job.count && state(end) == kRotated) ++end;
    }
    Tokens<From, To>(job, token, end).Rotate();
  }
}

// Whether conversions are left to the scalar target, for less code: only on
// processors before 2008.
constexpr bool kOnlySame = ROTARY_HAS_SCALAR && HWY_TARGET == HWY_SSSE3;

template <class From, class To>
constexpr RotateKernel OneKernel() {
  if constexpr (kOnlySame && !std::is_same_v<From, To>) {
    return nullptr;
  } else {
    return &RotateRun<From, To>;
  }
}

// The kernels of one input dtype.
template <class D>
constexpr RotateKernels RotateFrom() {
  using H = Half<D>;
  using I = Interleaved<D>;
  return {{{{OneKernel<H, Half<F32>>(), OneKernel<H, Interleaved<F32>>()},
            {OneKernel<H, Half<F16>>(), OneKernel<H, Interleaved<F16>>()},
            {OneKernel<H, Half<BF16>>(), OneKernel<H, Interleaved<BF16>>()}},
           {{OneKernel<I, Half<F32>>(), OneKernel<I, Interleaved<F32>>()},
            {OneKernel<I, Half<F16>>(), OneKernel<I, Interleaved<F16>>()},
            {OneKernel<I, Half<BF16>>(), OneKernel<I, Interleaved<BF16>>()}}}};
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_ROTATE_INL_H_
