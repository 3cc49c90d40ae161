// Rotations that change neither dtype nor pairing, in fewer instructions than
// those of pairings-inl.h, and which of both whole vectors take.  Included by
// kernels/rotate-inl.h.

#include <stdint.h>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_UNCHANGED_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_UNCHANGED_INL_H_
#undef ROTARY_LIB_KERNELS_UNCHANGED_INL_H_
#else
#define ROTARY_LIB_KERNELS_UNCHANGED_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/in_register-inl.h"
#include "lib/kernels/pairings-inl.h"
#include "lib/kernels/rotated_bf16-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// How a vector of a row becomes two, and the signs of sin in these.
template <class D>
class Doubling {
 public:
  using V = hn::Vec<D>;

  HWY_INLINE Doubling(D d, uint32_t sin_sign) {
    const hn::RebindToUnsigned<D> du;
    const hn::RebindToSigned<D> di;
    const int lanes = static_cast<int>(hn::Lanes(d));
    const auto lane = hn::Iota(di, 0);
    low_ = hn::IndicesFromVec(d, hn::ShiftRight<1>(lane));
    high_ = hn::IndicesFromVec(
        d, hn::ShiftRight<1>(hn::Add(lane, hn::Set(di, lanes))));
    // The sign bit in even lanes: lane + 1 shifted to the top.
    const auto even = hn::ShiftLeft<31>(hn::BitCast(du, hn::Iota(di, 1)));
    sign_ = hn::BitCast(d, hn::Xor(even, hn::Set(du, sin_sign)));
  }

  HWY_INLINE V Low(V v) const { return hn::TableLookupLanes(v, low_); }
  HWY_INLINE V High(V v) const { return hn::TableLookupLanes(v, high_); }
  HWY_INLINE V Signed(V sin) const { return hn::Xor(sin, sign_); }

 private:
  decltype(hn::IndicesFromVec(D(), hn::Zero(hn::RebindToSigned<D>()))) low_;
  decltype(low_) high_;
  V sign_;
};

// Interleaved pairs times cos doubled, plus their neighbors swapped times sin
// doubled.
template <class D, class V = hn::Vec<D>>
HWY_INLINE V TurnedNeighbors(D d, V v, V cos, V sin) {
  return hn::Add(hn::Mul(v, cos), hn::Mul(hn::Reverse2(d, v), sin));
}

// Interleaved elements that stay so, without taking the pairs apart: each
// vector of whole pairs times cos doubled (c0 c0 c1 c1 ..) plus its neighbors
// swapped, times sin doubled with alternating signs (-s0 s0 -s1 s1 ..).
template <class Dtype>
struct RotateNeighbors {
  static constexpr size_t kVectors = kPairVectors;
  static constexpr size_t kMinLanes = 2;
  static constexpr size_t kUnitVectors = 1;

  template <size_t kN, class D>
  static HWY_INLINE void Rotate(D d, const RotateJob& job, const Tensor& tensor,
                                const TokenRange& tokens) {
    using Lane = typename Dtype::Lane;
    using V = hn::Vec<D>;
    static_assert(kN >= 1 && kN <= 4, "four vectors are written out");
    const size_t N = hn::Lanes(d);
    const Doubling<D> doubling(d, job.sin_sign);

    // Of vector `line` of elements.
    const auto doubled = [=](const float* row, size_t line) ROTARY_LAMBDA {
      if (line >= 2 * kN) line = 0;
      const V v = hn::LoadU(d, row + line / 2 * N);
      return line % 2 == 0 ? doubling.Low(v) : doubling.High(v);
    };
    const auto signed_sin = [=](const float* row, size_t line) ROTARY_LAMBDA {
      return doubling.Signed(doubled(row, line));
    };
    // A unit is vectors i and kN + i: a single stream of loads and stores is
    // slower than two.
    const auto load = [=](const Lane* x, auto unit, V& a, V& b) ROTARY_LAMBDA {
      a = Dtype::Load(d, x + unit * N);
      b = Dtype::Load(d, x + (kN + unit) * N);
    };
    const auto each = [=](auto access, const float* cos, const float* sin,
                          const auto& heads) ROTARY_LAMBDA {
      const V ca0 = doubled(cos, 0), cb0 = doubled(cos, kN);
      const V ca1 = doubled(cos, 1), cb1 = doubled(cos, kN + 1);
      const V ca2 = doubled(cos, 2), cb2 = doubled(cos, kN + 2);
      const V ca3 = doubled(cos, 3), cb3 = doubled(cos, kN + 3);
      const V sa0 = signed_sin(sin, 0), sb0 = signed_sin(sin, kN);
      const V sa1 = signed_sin(sin, 1), sb1 = signed_sin(sin, kN + 1);
      const V sa2 = signed_sin(sin, 2), sb2 = signed_sin(sin, kN + 2);
      const V sa3 = signed_sin(sin, 3), sb3 = signed_sin(sin, kN + 3);
      const auto store = [=](Lane* y, auto unit, V a, V b) ROTARY_LAMBDA {
        const V ca = Choose(unit, ca0, ca1, ca2, ca3);
        const V cb = Choose(unit, cb0, cb1, cb2, cb3);
        const V sa = Choose(unit, sa0, sa1, sa2, sa3);
        const V sb = Choose(unit, sb0, sb1, sb2, sb3);
        Dtype::template Store<access()>(d, TurnedNeighbors(d, a, ca, sa),
                                        y + unit * N);
        Dtype::template Store<access()>(d, TurnedNeighbors(d, b, cb, sb),
                                        y + (kN + unit) * N);
      };
      const auto fetch = [=, &heads](const Lane* x) ROTARY_LAMBDA {
        FetchAhead<access()>(x, 2 * kN * N, heads);
      };
      ThroughHeads<kN, V>(heads, load, store, fetch);
    };
    using Side = Interleaved<Dtype>;
    ForEachToken<Side, Side, IsWhole(D())>(job, tensor, tokens, each);
  }
};

// Two vectors of elements, of half pairing the first and the second of pairs,
// else pairs one behind the other.
template <class Side, class D, class Raw, class V = hn::Vec<D>>
HWY_INLINE void TurnSplit(D d, V ca, V cb, V sa, V sb, Raw& a, Raw& b) {
  using Dtype = typename Side::Dtype;
  V a0, a1, b0, b1;
  Dtype::Split(d, a, a0, a1);
  Dtype::Split(d, b, b0, b1);
  if constexpr (Side::Element(1) == 1) {
    Dtype::Join(d, FirstOf(a0, b0, ca, sa), FirstOf(a1, b1, cb, sb),
                SecondOf(a0, b0, ca, sa), SecondOf(a1, b1, cb, sb), a, b);
  } else {
    Dtype::Join(d, FirstOf(a0, a1, ca, sa), SecondOf(a0, a1, ca, sa),
                FirstOf(b0, b1, cb, sb), SecondOf(b0, b1, cb, sb), a, b);
  }
}

// Elements that are split into two vectors where they lie, even and odd ones:
// of interleaved pairs the first and the second.  A unit is two vectors of
// elements.
template <class Side>
struct RotateSplit {
  static constexpr size_t kVectors = kPairVectors / 2;
  static constexpr size_t kMinLanes = 4;
  static constexpr size_t kUnitVectors = 2;

  template <size_t kN, class D>
  static HWY_INLINE void Rotate(D d, const RotateJob& job, const Tensor& tensor,
                                const TokenRange& tokens) {
    using Dtype = typename Side::Dtype;
    using Lane = typename Dtype::Lane;
    using V = hn::Vec<D>;
    static_assert(kN >= 1 && kN <= 2, "two units are written out");
    constexpr bool kHalf = Side::Element(1) == 1;
    const typename Dtype::template TwiceTag<D> d16;
    using Raw = hn::Vec<decltype(d16)>;
    const size_t N = hn::Lanes(d);
    const V sign = SinSign(d, job);
    const int64_t half = job.pairs;
    const bool given = job.given_rows;
    // Where the second vectors of units are.
    const auto second = [=](auto* x) ROTARY_LAMBDA {
      return kHalf ? Side::At(x, half) : x + kN * 2 * N;
    };
    const auto load_rows = [=](const float* row, auto unit, V& a, V& b)
                               ROTARY_LAMBDA {
                                 constexpr size_t i = unit < kN ? unit : 0;
                                 if constexpr (kHalf) {
                                   Dtype::LoadRows(d, row + i * 2 * N, a, b);
                                 } else {
                                   a = hn::LoadU(d, row + i * N);
                                   b = hn::LoadU(d, row + (kN + i) * N);
                                 }
                                 a = Dtype::CleanRow(d, a, given);
                                 b = Dtype::CleanRow(d, b, given);
                               };
    const auto load = [=](const Lane* x, auto unit, Raw& a, Raw& b)
                          ROTARY_LAMBDA {
                            a = hn::LoadU(d16, x + unit * 2 * N);
                            b = hn::LoadU(d16, second(x) + unit * 2 * N);
                          };
    const auto each = [=](auto access, const float* cos, const float* sin,
                          const auto& heads) ROTARY_LAMBDA {
      V ca0, cb0, ca1, cb1, sa0, sb0, sa1, sb1;
      load_rows(cos, Unit<0>(), ca0, cb0);
      load_rows(cos, Unit<1>(), ca1, cb1);
      load_rows(sin, Unit<0>(), sa0, sb0);
      load_rows(sin, Unit<1>(), sa1, sb1);
      sa0 = hn::Xor(sa0, sign), sb0 = hn::Xor(sb0, sign);
      sa1 = hn::Xor(sa1, sign), sb1 = hn::Xor(sb1, sign);
      const auto store = [=](Lane* y, auto unit, Raw a, Raw b) ROTARY_LAMBDA {
        const V ca = Choose(unit, ca0, ca1, ca0, ca1);
        const V cb = Choose(unit, cb0, cb1, cb0, cb1);
        const V sa = Choose(unit, sa0, sa1, sa0, sa1);
        const V sb = Choose(unit, sb0, sb1, sb0, sb1);
        TurnSplit<Side>(d, ca, cb, sa, sb, a, b);
        Write<access()>(d16, a, y + unit * 2 * N);
        Write<access()>(d16, b, second(y) + unit * 2 * N);
      };
      const auto fetch = [=, &heads](const Lane* x) ROTARY_LAMBDA {
        Side::template Fetch<access()>(x, Side::At(x, half), kN * 2 * N, heads);
      };
      ThroughHeads<kN, Raw>(heads, load, store, fetch);
    };
    ForEachToken<Side, Side, IsWhole(D())>(job, tensor, tokens, each);
  }
};

// How whole vectors go from one side to another.
template <class From, class To>
struct RotateVectors : RotatePairs<From, To> {};
template <>
struct RotateVectors<Interleaved<F32>, Interleaved<F32>>
    : RotateNeighbors<F32> {};
#if ROTARY_NATIVE_F16
template <>
struct RotateVectors<Interleaved<F16>, Interleaved<F16>>
    : RotateNeighbors<F16> {};
#endif
template <>
struct RotateVectors<Half<BF16>, Half<BF16>> : RotateSplit<Half<RotatedBF16>> {
};
template <>
struct RotateVectors<Interleaved<BF16>, Interleaved<BF16>>
    : RotateSplit<Interleaved<RotatedBF16>> {};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_UNCHANGED_INL_H_
