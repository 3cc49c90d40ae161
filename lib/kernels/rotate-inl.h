// Rotation of a run of tokens, pair blocks outside, heads inside: the cos and
// sin of a block of pairs stay in registers while it goes through the heads
// (where there are registers enough).
// Included by kernels/rotate_<dtype>.cc, once per target.

#include <string.h>

#include <type_traits>

#include "hwy/cache_control.h"
#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_ROTATE_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_ROTATE_INL_H_
#undef ROTARY_LIB_KERNELS_ROTATE_INL_H_
#else
#define ROTARY_LIB_KERNELS_ROTATE_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/pairings-inl.h"
#include "lib/kernels/unchanged-inl.h"
#include "lib/kernels/whole_heads-inl.h"

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
    if constexpr (kLanes > 8) Blocks<1>(hn::CappedTag<float, 8>());
    if constexpr (kLanes > 4) Blocks<1>(hn::CappedTag<float, 4>());
    if constexpr (kLanes > 2) Blocks<1>(hn::CappedTag<float, 2>());
    for (; done_ < job_.pair_count; ++done_) {
      const hn::CappedTag<float, 1> d;
      RotateBlock<RotatePairs<From, To>, 1>(d, job_, {begin_, end_, done_, 1});
    }
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
    if constexpr (hn::MaxLanes(D()) >= Vectors::kMinLanes) {
      const int64_t block = Pairs<kN>(d);
      for (; job_.pair_count - done_ >= block; done_ += block) {
        RotateBlock<Vectors, kN>(d, job_, {begin_, end_, done_, block});
      }
      if constexpr (kN > 1) Blocks<kN - 1>(d);
    }
  }

  const RotateJob& job_;
  const int64_t begin_;
  const int64_t end_;
  int64_t done_ = 0;
};

// A run of elements as they are, past the caches.
template <class Lane>
void StreamRun(const Lane* from, Lane* to, int64_t count) {
  const hn::ScalableTag<Lane> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    hn::Stream(hn::LoadU(d, from + i), d, to + i);
  }
  memcpy(to + i, from + i, static_cast<size_t>(count - i) * sizeof(*to));
}

// A run of elements from one dtype to another.
template <class From, class To, Access kAccess>
void ConvertRun(const typename From::Lane* from, typename To::Lane* to,
                int64_t count) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    To::template StoreBoth<kAccess>(d, From::Load(d, from + i),
                                    From::Load(d, from + i + lanes), to + i);
  }
  for (; i + lanes <= count; i += lanes) {
    To::template Store<Access::kPlain>(d, From::Load(d, from + i), to + i);
  }
  for (; i < count; ++i) {
    To::template Store<Access::kPlain>(one, From::Load(one, from + i), to + i);
  }
}

template <class From, class To>
void CopyRun(Access access, const typename From::Lane* from,
             typename To::Lane* to, int64_t count) {
  if (count == 0) return;
  const bool stream = access == Access::kStream;
  if constexpr (!std::is_same_v<From, To>) {
    stream ? ConvertRun<From, To, Access::kStream>(from, to, count)
           : ConvertRun<From, To, Access::kPlain>(from, to, count);
  } else if (stream) {
    StreamRun(from, to, count);
  } else {
    memcpy(to, from, static_cast<size_t>(count) * sizeof(*to));
  }
}

// A head's pairs that are not rotated, from one pairing to the other.
template <class From, class To>
void CopyPairs(const typename From::Lane* from, typename To::Lane* to,
               int64_t pairs) {
  const hn::CappedTag<float, 1> d;
  for (int64_t pair = 0; pair < pairs; ++pair) {
    hn::Vec<decltype(d)> a, b;
    const auto* x = from + From::Element(pair);
    auto* y = to + To::Element(pair);
    From::Load(d, x, From::At(x, pairs), 0, a, b);
    To::template Store<Access::kPlain>(d, a, b, y, To::At(y, pairs), 0);
  }
}

// What of a token is not rotated: the rest of its heads, or all of them.
template <class From, class To>
void CopyRest(const RotateJob& job, int64_t token, bool rotates) {
  using FromDtype = typename From::Dtype;
  using ToDtype = typename To::Dtype;
  constexpr bool kSamePairing = From::Element(1) == To::Element(1);
  for (const Tensor* t = job.tensors; t < job.tensors_end; ++t) {
    if (std::is_same_v<From, To> && t->input == t->output) continue;
    const auto* x = Input<typename From::Lane>(job, *t, token, 0);
    auto* y = Output<typename To::Lane>(job, *t, token, 0);
    const int64_t begin = t->rotary_offset;
    const int64_t end = begin + 2 * job.pairs;
    if (rotates && begin == 0 && end == t->head_dim) continue;
    // Heads side by side are one run.
    if (!rotates && kSamePairing && t->input_strides.head == t->head_dim &&
        t->output_strides.head == t->head_dim) {
      CopyRun<FromDtype, ToDtype>(t->access, x, y, t->heads * t->head_dim);
      continue;
    }
    for (int64_t h = 0; h < t->heads; ++h) {
      CopyRun<FromDtype, ToDtype>(t->access, x, y, begin);
      CopyRun<FromDtype, ToDtype>(t->access, x + end, y + end,
                                  t->head_dim - end);
      if (!rotates) {
        if constexpr (kSamePairing) {
          CopyRun<FromDtype, ToDtype>(t->access, x + begin, y + begin,
                                      end - begin);
        } else {
          CopyPairs<From, To>(x + begin, y + begin, job.pairs);
        }
      }
      x += t->input_strides.head;
      y += t->output_strides.head;
    }
  }
}

// Whether heads have more than what is rotated, and it is to be copied.
inline bool HaveRest(const RotateJob& job) {
  for (const Tensor* t = job.tensors; t < job.tensors_end; ++t) {
    if (t->head_dim > 2 * job.pairs) return true;
  }
  return false;
}

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

// The kernels of one input dtype.
template <class D>
constexpr RotateKernels RotateFrom() {
  using H = Half<D>;
  using I = Interleaved<D>;
  return {{{{&RotateRun<H, Half<F32>>, &RotateRun<H, Interleaved<F32>>},
            {&RotateRun<H, Half<F16>>, &RotateRun<H, Interleaved<F16>>},
            {&RotateRun<H, Half<BF16>>, &RotateRun<H, Interleaved<BF16>>}},
           {{&RotateRun<I, Half<F32>>, &RotateRun<I, Interleaved<F32>>},
            {&RotateRun<I, Half<F16>>, &RotateRun<I, Interleaved<F16>>},
            {&RotateRun<I, Half<BF16>>, &RotateRun<I, Interleaved<BF16>>}}}};
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_ROTATE_INL_H_
