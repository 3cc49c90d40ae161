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
#include "lib/kernels/pairings-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

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
    const hn::RebindToUnsigned<D> du;
    const hn::RebindToSigned<D> di;
    const size_t N = hn::Lanes(d);
    const auto lane = hn::Iota(di, 0);
    const auto low = hn::IndicesFromVec(d, hn::ShiftRight<1>(lane));
    const auto high = hn::IndicesFromVec(
        d, hn::ShiftRight<1>(hn::Add(lane, hn::Set(di, static_cast<int>(N)))));
    // The sign bit in even lanes: lane + 1 shifted to the top.
    const auto even = hn::ShiftLeft<31>(hn::BitCast(du, hn::Iota(di, 1)));
    const V sign = hn::BitCast(d, hn::Xor(even, hn::Set(du, job.sin_sign)));

    // Of vector `line` of elements.
    const auto doubled = [=](const float* row, size_t line) ROTARY_LAMBDA {
      if (line >= 2 * kN) line = 0;
      return hn::TableLookupLanes(hn::LoadU(d, row + line / 2 * N),
                                  line % 2 == 0 ? low : high);
    };
    const auto signed_sin = [=](const float* row, size_t line) ROTARY_LAMBDA {
      return hn::Xor(doubled(row, line), sign);
    };
    // A unit is vectors i and kN + i: a single stream of loads and stores is
    // slower than two.
    const auto load = [=](const Lane* x, auto unit, V& a, V& b) ROTARY_LAMBDA {
      a = Dtype::Load(d, x + unit * N);
      b = Dtype::Load(d, x + (kN + unit) * N);
    };
    const auto turn = [=](V a, V c, V s) ROTARY_LAMBDA {
      return hn::Add(hn::Mul(a, c), hn::Mul(hn::Reverse2(d, a), s));
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
        Dtype::template Store<access()>(d, turn(a, ca, sa), y + unit * N);
        Dtype::template Store<access()>(d, turn(b, cb, sb),
                                        y + (kN + unit) * N);
      };
      const auto fetch = [=, &heads](const Lane* x) ROTARY_LAMBDA {
        FetchAhead<access()>(x, 2 * kN * N, heads);
      };
      ThroughHeads<kN, V>(heads, load, store, fetch);
    };
    using Side = Interleaved<Dtype>;
    ForEachToken<Side, Side>(d, job, tensor, tokens, each);
  }
};

// Pairs of half pairing whose elements are split into two vectors where they
// lie, in the order that Dtype has for that.
template <class Dtype>
struct RotateSplit {
  static constexpr size_t kVectors = kPairVectors / 2;
  static constexpr size_t kMinLanes = 4;
  static constexpr size_t kUnitVectors = 2;

  template <size_t kN, class D>
  static HWY_INLINE void Rotate(D d, const RotateJob& job, const Tensor& tensor,
                                const TokenRange& tokens) {
    using Lane = typename Dtype::Lane;
    using Side = Half<Dtype>;
    using V = hn::Vec<D>;
    static_assert(kN >= 1 && kN <= 2, "two units are written out");
    const typename Dtype::template TwiceTag<D> d16;
    using Raw = hn::Vec<decltype(d16)>;
    const size_t N = hn::Lanes(d16);
    const size_t o1 = kN > 1 ? N : 0;
    const V sign =
        hn::BitCast(d, hn::Set(hn::RebindToUnsigned<D>(), job.sin_sign));
    const int64_t half = job.pairs;
    const bool given = job.given_rows;
    const auto load = [=](const Lane* x, auto unit, Raw& a, Raw& b)
                          ROTARY_LAMBDA {
                            a = hn::LoadU(d16, x + unit * N);
                            b = hn::LoadU(d16, Side::At(x, half) + unit * N);
                          };
    const auto each = [=](auto access, const float* cos, const float* sin,
                          const auto& heads) ROTARY_LAMBDA {
      V c0, c1, c2, c3, s0, s1, s2, s3;
      Dtype::LoadRows(d, cos, given, c0, c1);
      Dtype::LoadRows(d, cos + o1, given, c2, c3);
      Dtype::LoadRows(d, sin, given, s0, s1);
      Dtype::LoadRows(d, sin + o1, given, s2, s3);
      s0 = hn::Xor(s0, sign), s1 = hn::Xor(s1, sign);
      s2 = hn::Xor(s2, sign), s3 = hn::Xor(s3, sign);
      const auto store = [=](Lane* y, auto unit, Raw a, Raw b) ROTARY_LAMBDA {
        const V ca = Choose(unit, c0, c2, c0, c2);
        const V cb = Choose(unit, c1, c3, c1, c3);
        const V sa = Choose(unit, s0, s2, s0, s2);
        const V sb = Choose(unit, s1, s3, s1, s3);
        V a0, a1, b0, b1;
        Dtype::Split(d, a, a0, a1);
        Dtype::Split(d, b, b0, b1);
        const Raw first =
            Dtype::Join(d, hn::Sub(hn::Mul(a0, ca), hn::Mul(b0, sa)),
                        hn::Sub(hn::Mul(a1, cb), hn::Mul(b1, sb)));
        const Raw second =
            Dtype::Join(d, hn::Add(hn::Mul(b0, ca), hn::Mul(a0, sa)),
                        hn::Add(hn::Mul(b1, cb), hn::Mul(a1, sb)));
        Write<access()>(d16, first, y + unit * N);
        Write<access()>(d16, second, Side::At(y, half) + unit * N);
      };
      const auto fetch = [=, &heads](const Lane* x) ROTARY_LAMBDA {
        Side::template Fetch<access()>(x, Side::At(x, half), kN * N, heads);
      };
      ThroughHeads<kN, Raw>(heads, load, store, fetch);
    };
    ForEachToken<Side, Side>(d, job, tensor, tokens, each);
  }
};

// How whole vectors go from one side to another.
template <class From, class To>
struct RotateVectors : RotatePairs<From, To> {};
template <>
struct RotateVectors<Interleaved<F32>, Interleaved<F32>>
    : RotateNeighbors<F32> {};
template <>
struct RotateVectors<Interleaved<F16>, Interleaved<F16>>
    : RotateNeighbors<F16> {};
template <>
struct RotateVectors<Half<BF16>, Half<BF16>> : RotateSplit<RotatedBF16> {};
template <>
struct RotateVectors<Interleaved<BF16>, Interleaved<BF16>>
    : RotatePairs<Interleaved<RotatedBF16>, Interleaved<RotatedBF16>> {};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_UNCHANGED_INL_H_
