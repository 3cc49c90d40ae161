// Heads one after the other, each with all its pairs and with cos and sin from
// the cache, where registers hold but a few of these: a pass through the heads
// for every few pairs is a bad order for memory.  Nothing but the values
// changes.  Included by kernels/rotate-inl.h.

#include <stddef.h>
#include <stdint.h>

#include <cstdlib>
#include <type_traits>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_WHOLE_HEADS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_WHOLE_HEADS_INL_H_
#undef ROTARY_LIB_KERNELS_WHOLE_HEADS_INL_H_
#else
#define ROTARY_LIB_KERNELS_WHOLE_HEADS_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/in_register-inl.h"
#include "lib/kernels/pairings-inl.h"
#include "lib/kernels/unchanged-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// A head: where its elements begin.
template <class Lane>
struct HeadAt {
  const Lane* x;
  Lane* y;
};

// A step of a head, of kVectors vectors of pairs: LoadRow gives it cos and sin,
// Turn rotates it.  What is needed for all steps is made once.  Heads that are
// kApartBytes apart go one by one, others two by each load of the row.
// kInOrder: from memory one by one is the best way for all.

template <class Dtype, class D>
class HalfStep {
 public:
  using V = hn::Vec<D>;
  static constexpr size_t kVectors = 1;
  static constexpr int64_t kApartBytes = INT64_MAX;
  static constexpr bool kInOrder = std::is_same_v<Dtype, F32>;

  HWY_INLINE HalfStep(D d, const RotateJob& job)
      : sign_(SinSign(d, job)), half_(job.pairs) {}

  struct Row {
    V cos, sin;
  };
  HWY_INLINE Row LoadRow(const float* cos, const float* sin) const {
    return {InRegister(hn::LoadU(D(), cos)),
            hn::Xor(hn::LoadU(D(), sin), sign_)};
  }

  template <Access kAccess, class Head>
  HWY_INLINE void Turn(const Row& row, size_t pair, const Head& head) const {
    const auto* x = head.x + pair;
    auto* y = head.y + pair;
    const V a = InRegister(Dtype::Load(D(), x));
    const V b = InRegister(Dtype::Load(D(), Half<Dtype>::At(x, half_)));
    Dtype::template Store<kAccess>(D(), FirstOf(a, b, row.cos, row.sin), y);
    Dtype::template Store<kAccess>(D(), SecondOf(a, b, row.cos, row.sin),
                                   Half<Dtype>::At(y, half_));
  }

 private:
  V sign_;
  int64_t half_;
};

// Interleaved elements, not taken apart: as RotateNeighbors.
template <class Dtype, class D>
class NeighborsStep {
 public:
  using V = hn::Vec<D>;
  static constexpr size_t kVectors = 1;
  // As measured on an AMD Zen 4, whose prefetchers lose two such heads.
  static constexpr int64_t kApartBytes = 512;
  static constexpr bool kInOrder = std::is_same_v<Dtype, F32>;

  HWY_INLINE NeighborsStep(D d, const RotateJob& job)
      : doubling_(d, job.sin_sign) {}

  struct Row {
    V cos_low, cos_high, sin_low, sin_high;
  };
  HWY_INLINE Row LoadRow(const float* cos, const float* sin) const {
    const V c = hn::LoadU(D(), cos);
    const V s = hn::LoadU(D(), sin);
    return {doubling_.Low(c), doubling_.High(c),
            doubling_.Signed(doubling_.Low(s)),
            doubling_.Signed(doubling_.High(s))};
  }

  template <Access kAccess, class Head>
  HWY_INLINE void Turn(const Row& row, size_t pair, const Head& head) const {
    const auto* x = head.x + 2 * pair;
    auto* y = head.y + 2 * pair;
    const size_t N = hn::Lanes(D());
    const V a = InRegister(Dtype::Load(D(), x));
    const V b = InRegister(Dtype::Load(D(), x + N));
    const V low = TurnedNeighbors(D(), a, row.cos_low, row.sin_low);
    const V high = TurnedNeighbors(D(), b, row.cos_high, row.sin_high);
    Dtype::template Store<kAccess>(D(), low, y);
    Dtype::template Store<kAccess>(D(), high, y + N);
  }

 private:
  Doubling<D> doubling_;
};

// Interleaved elements that are split where they lie: as RotateSplit.
template <class Dtype, class D>
class SplitStep {
 public:
  using V = hn::Vec<D>;
  static constexpr size_t kVectors = 2;
  static constexpr int64_t kApartBytes = INT64_MAX;
  static constexpr bool kInOrder = false;

  HWY_INLINE SplitStep(D d, const RotateJob& job)
      : sign_(SinSign(d, job)), given_(job.given_rows) {}

  struct Row {
    V cos_a, cos_b, sin_a, sin_b;
  };
  HWY_INLINE Row LoadRow(const float* cos, const float* sin) const {
    const size_t N = hn::Lanes(D());
    return {Clean(hn::LoadU(D(), cos)), Clean(hn::LoadU(D(), cos + N)),
            Clean(hn::Xor(hn::LoadU(D(), sin), sign_)),
            Clean(hn::Xor(hn::LoadU(D(), sin + N), sign_))};
  }

  template <Access kAccess, class Head>
  HWY_INLINE void Turn(const Row& row, size_t pair, const Head& head) const {
    const typename Dtype::template TwiceTag<D> d16;
    const auto* x = head.x + 2 * pair;
    auto* y = head.y + 2 * pair;
    auto a = hn::LoadU(d16, x);
    auto b = hn::LoadU(d16, x + hn::Lanes(d16));
    TurnSplit<Interleaved<Dtype>>(D(), row.cos_a, row.cos_b, row.sin_a,
                                  row.sin_b, a, b);
    Write<kAccess>(d16, a, y);
    Write<kAccess>(d16, b, y + hn::Lanes(d16));
  }

 private:
  HWY_INLINE V Clean(V v) const { return Dtype::CleanRow(D(), v, given_); }

  V sign_;
  bool given_;
};

template <class Side, template <class, class> class Step>
struct RotateWholeHeads {
  using Dtype = typename Side::Dtype;
  using Lane = typename Side::Lane;
  using Head = HeadAt<Lane>;
  using WidestStep = Step<Dtype, hn::ScalableTag<float>>;
  static constexpr bool kExists = true;
  static constexpr bool kHalf = Side::Element(1) == 1;
  static constexpr bool kInOrder = WidestStep::kInOrder;
  static constexpr int64_t kStepVectors = WidestStep::kVectors;

  template <size_t, class D>
  static HWY_INLINE void Rotate(D d, const RotateJob& job, const Tensor& tensor,
                                const TokenRange& tokens) {
    const Step<Dtype, D> step(d, job);
    const size_t pairs = static_cast<size_t>(tokens.pairs);
    const int64_t half = job.pairs;
    const int64_t apart = tensor.input_strides.head;
    const bool two_heads =
        !tensor.in_order &&
        std::abs(apart) <
            WidestStep::kApartBytes / static_cast<int64_t>(sizeof(Lane));
    const auto each = [=](auto access, const float* cos, const float* sin,
                          const auto& heads) ROTARY_LAMBDA {
      const Lane* x = heads.input;
      Lane* y = heads.output;
      const auto next = [&]() ROTARY_LAMBDA {
        const Head head = {x, y};
        Side::template Fetch<access()>(x, Side::At(x, half), pairs, heads);
        x += heads.input_stride;
        y += heads.output_stride;
        return head;
      };
      const auto turn = [=](const auto&... some) ROTARY_LAMBDA {
        for (size_t i = 0; i < pairs; i += kStepVectors * hn::Lanes(d)) {
          const auto row = step.LoadRow(cos + i, sin + i);
          (step.template Turn<access()>(row, i, some), ...);
        }
      };
      int64_t left = heads.count;
      for (; two_heads && left >= 2; left -= 2) {
        const Head first = next();
        const Head second = next();
        turn(first, second);
      }
      for (; left > 0; --left) turn(next());
    };
    ForEachToken<Side, Side, true>(job, tensor, tokens, each);
  }
};

// How heads go whole from one side to another, if they do.  Else they go by
// blocks of pairs, one pass through the heads for each.
template <class From, class To>
struct WholeHeads {
  static constexpr bool kExists = false;
  static constexpr bool kHalf = false;
  static constexpr bool kInOrder = false;
  static constexpr int64_t kStepVectors = 1;
};
#if HWY_TARGET != HWY_NEON
template <>
struct WholeHeads<Half<F32>, Half<F32>>
    : RotateWholeHeads<Half<F32>, HalfStep> {};
#if ROTARY_NATIVE_F16
template <>
struct WholeHeads<Half<F16>, Half<F16>>
    : RotateWholeHeads<Half<F16>, HalfStep> {};
#endif
#endif
#if HWY_TARGET != HWY_NEON && HWY_TARGET != HWY_SCALAR
template <>
struct WholeHeads<Interleaved<F32>, Interleaved<F32>>
    : RotateWholeHeads<Interleaved<F32>, NeighborsStep> {};
#endif
#if ROTARY_FEW_REGISTERS && HWY_TARGET != HWY_SCALAR
#if ROTARY_NATIVE_F16
template <>
struct WholeHeads<Interleaved<F16>, Interleaved<F16>>
    : RotateWholeHeads<Interleaved<F16>, NeighborsStep> {};
#endif
template <>
struct WholeHeads<Interleaved<BF16>, Interleaved<BF16>>
    : RotateWholeHeads<Interleaved<RotatedBF16>, SplitStep> {};
#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_WHOLE_HEADS_INL_H_
