// The pairings: a block of pairs of one token, through all its heads, with cos
// and sin in registers.  Included by kernels/rotate-inl.h.

#include <stdint.h>

#include <type_traits>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_PAIRINGS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_PAIRINGS_INL_H_
#undef ROTARY_LIB_KERNELS_PAIRINGS_INL_H_
#else
#define ROTARY_LIB_KERNELS_PAIRINGS_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"
#include "lib/kernels/heads-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Lambdas as large as these are not always inlined by themselves.
#define ROTARY_LAMBDA HWY_ATTR __attribute__((always_inline))

// How many vectors of pairs go through the heads together: what fits into the
// registers with the next head's data.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr size_t kPairVectors = 4;
#else
constexpr size_t kPairVectors = 2;
#endif

// Where the two elements of pair i of d / 2 are.  In both, Load and Store take
// vectors a and b of the first and the second elements of the pairs from
// `pair` on; x is that of pair 0 of a block, z what At makes of it.
template <class DtypeT>
struct Half {  // i, and i + d / 2
  using Dtype = DtypeT;
  using Lane = typename Dtype::Lane;

  static constexpr int64_t Element(int64_t pair) { return pair; }

  template <class T>
  static HWY_INLINE T* At(T* x, int64_t half) {
    return Opaque(x + half);
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void Load(D d, const Lane* x, const Lane* z, size_t pair,
                              V& a, V& b) {
    a = Dtype::Load(d, x + pair), b = Dtype::Load(d, z + pair);
  }
  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void Store(D d, V a, V b, Lane* y, Lane* z, size_t pair) {
    Dtype::template Store<kAccess>(d, a, y + pair);
    Dtype::template Store<kAccess>(d, b, z + pair);
  }
  template <Access kAccess, class H>
  static HWY_INLINE void Fetch(const Lane* x, const Lane* z, size_t pairs,
                               const H& heads) {
    FetchAhead<kAccess>(x, pairs, heads);
    FetchAhead<kAccess>(z, pairs, heads);
  }
};

template <class DtypeT>
struct Interleaved {  // 2 i, and 2 i + 1
  using Dtype = DtypeT;
  using Lane = typename Dtype::Lane;

  static constexpr int64_t Element(int64_t pair) { return 2 * pair; }

  template <class T>
  static HWY_INLINE T* At(T* x, int64_t) {
    return x;
  }
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void Load(D d, const Lane* x, const Lane*, size_t pair,
                              V& a, V& b) {
    Dtype::LoadPairs(d, x + 2 * pair, a, b);
  }
  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void Store(D d, V a, V b, Lane* y, Lane*, size_t pair) {
    Dtype::template StorePairs<kAccess>(d, a, b, y + 2 * pair);
  }
  template <Access kAccess, class H>
  static HWY_INLINE void Fetch(const Lane* x, const Lane*, size_t pairs,
                               const H& heads) {
    FetchAhead<kAccess>(x, 2 * pairs, heads);
  }
};

// kVectors vectors of pairs through the heads.  Unused vectors of kVectors < 4
// are copies of the first, and fold away.
template <size_t kVectors, Access kAccess, class From, class To, class D,
          class V = hn::Vec<D>>
HWY_INLINE void RotateHeads(
    D d, V c0, V s0, V c1, V s1, V c2, V s2, V c3, V s3, int64_t half,
    const Heads<typename From::Lane, typename To::Lane>& heads) {
  using In = typename From::Lane;
  using Out = typename To::Lane;
  constexpr bool k1 = kVectors > 1, k2 = kVectors > 2, k3 = kVectors > 3;
  constexpr bool kAhead =
      std::is_same_v<In, float> && std::is_same_v<Out, float>;
  const size_t N = hn::Lanes(d);
  const auto load = [=](const In* x, V& a0, V& b0, V& a1, V& b1, V& a2, V& b2,
                        V& a3, V& b3) ROTARY_LAMBDA {
    const In* z = From::At(x, half);
    From::Load(d, x, z, 0, a0, b0);
    if (k1) From::Load(d, x, z, N, a1, b1);
    if (k2) From::Load(d, x, z, 2 * N, a2, b2);
    if (k3) From::Load(d, x, z, 3 * N, a3, b3);
    From::template Fetch<kAccess>(x, z, kVectors * N, heads);
  };
  const auto turn = [=](V a, V b, V c, V s, Out* y, Out* z,
                        size_t pair) ROTARY_LAMBDA {
    To::template Store<kAccess>(d, hn::Sub(hn::Mul(a, c), hn::Mul(b, s)),
                                hn::Add(hn::Mul(b, c), hn::Mul(a, s)), y, z,
                                pair);
  };
  const auto store = [=](Out* y, V a0, V b0, V a1, V b1, V a2, V b2, V a3, V b3)
                         ROTARY_LAMBDA {
                           Out* z = To::At(y, half);
                           turn(a0, b0, c0, s0, y, z, 0);
                           if (k1) turn(a1, b1, c1, s1, y, z, N);
                           if (k2) turn(a2, b2, c2, s2, y, z, 2 * N);
                           if (k3) turn(a3, b3, c3, s3, y, z, 3 * N);
                         };
  ThroughHeads<kAhead, V>(heads, load, store);
}

// A rotation from one side to another.  Rotate goes through a block
// of pairs, kN vectors from pair `pair` on, of every tensor of a token; not
// inline, so that each keeps the registers to itself.
template <class From, class To>
struct RotatePairs {
  // Less code for the many that change something.
  static constexpr bool kSame = std::is_same_v<From, To>;
  static constexpr size_t kVectors = kSame ? kPairVectors : 2;
  static constexpr size_t kMinLanes = kSame ? 1 : 4;

  template <size_t kN, class D>
  static HWY_NOINLINE void Rotate(D d, const RotateJob& job, int64_t token,
                                  int64_t pair) {
    using V = hn::Vec<D>;
    static_assert(kN >= 1 && kN <= 4, "four vectors are written out");
    const size_t N = hn::Lanes(d);
    const size_t o1 = kN > 1 ? N : 0;
    const size_t o2 = kN > 2 ? 2 * N : 0;
    const size_t o3 = kN > 3 ? 3 * N : 0;
    const V sign =
        hn::BitCast(d, hn::Set(hn::RebindToUnsigned<D>(), job.sin_sign));
    const float* cos = job.cos + token * job.row_stride + pair;
    const float* sin = job.sin + token * job.row_stride + pair;
    const V c0 = hn::LoadU(d, cos);
    const V c1 = hn::LoadU(d, cos + o1);
    const V c2 = hn::LoadU(d, cos + o2);
    const V c3 = hn::LoadU(d, cos + o3);
    const V s0 = hn::Xor(hn::LoadU(d, sin), sign);
    const V s1 = hn::Xor(hn::LoadU(d, sin + o1), sign);
    const V s2 = hn::Xor(hn::LoadU(d, sin + o2), sign);
    const V s3 = hn::Xor(hn::LoadU(d, sin + o3), sign);
    for (const Tensor* t = job.tensors; t < job.tensors_end; ++t) {
      const auto heads = HeadsOf<typename From::Lane, typename To::Lane>(
          job, *t, job.token + token, From::Element(job.pair_begin + pair),
          To::Element(job.pair_begin + pair));
      WithAccess<kSame>(d, *t, [&](auto access) HWY_ATTR {
        RotateHeads<kN, access(), From, To>(d, c0, s0, c1, s1, c2, s2, c3, s3,
                                            job.pairs, heads);
      });
    }
  }
};

// Interleaved f32 that stay so: vectors of whole pairs, each times cos doubled
// (c0 c0 c1 c1 ..) plus its neighbors swapped, times sin doubled with
// alternating signs
// (-s0 s0 -s1 s1 ..).  Here kVectors counts vectors of pairs, two of elements.
template <size_t kVectors, Access kAccess, class D, class V = hn::Vec<D>>
HWY_INLINE void RotateHeadsInterleaved(D d, V c0, V s0, V c1, V s1, V c2, V s2,
                                       V c3, V s3,
                                       const Heads<float, float>& heads) {
  constexpr bool k1 = kVectors > 1;
  const size_t N = hn::Lanes(d);
  const size_t o2 = k1 ? 2 * N : 0;
  const auto load = [=](const float* x, V& a0, V& a1, V& a2, V& a3, V&, V&, V&,
                        V&) ROTARY_LAMBDA {
    a0 = hn::LoadU(d, x), a1 = hn::LoadU(d, x + N);
    a2 = hn::LoadU(d, x + o2), a3 = hn::LoadU(d, x + o2 + N);
    FetchAhead<kAccess>(x, 2 * kVectors * N, heads);
  };
  const auto turn = [=](V a, V c, V s, float* y) ROTARY_LAMBDA {
    const V swapped = hn::Reverse2(d, a);
    Write<kAccess>(d, hn::Add(hn::Mul(a, c), hn::Mul(swapped, s)), y);
  };
  const auto store = [=](float* y, V a0, V a1, V a2, V a3, V, V, V, V)
                         ROTARY_LAMBDA {
                           turn(a0, c0, s0, y);
                           turn(a1, c1, s1, y + N);
                           if (k1) turn(a2, c2, s2, y + o2);
                           if (k1) turn(a3, c3, s3, y + o2 + N);
                         };
  ThroughHeads<true, V>(heads, load, store);
}

// The same without taking the pairs apart.
struct RotateInterleavedF32 {
  static constexpr size_t kVectors = kPairVectors / 2;
  static constexpr size_t kMinLanes = 2;

  template <size_t kN, class D>
  static HWY_NOINLINE void Rotate(D d, const RotateJob& job, int64_t token,
                                  int64_t pair) {
    using V = hn::Vec<D>;
    static_assert(kN >= 1 && kN <= 2, "two vectors are written out");
    const hn::RebindToUnsigned<D> du;
    const hn::RebindToSigned<D> di;
    const size_t N = hn::Lanes(d);
    const size_t o1 = kN > 1 ? N : 0;
    const auto lane = hn::Iota(di, 0);
    const auto low = hn::IndicesFromVec(d, hn::ShiftRight<1>(lane));
    const auto high = hn::IndicesFromVec(
        d, hn::ShiftRight<1>(hn::Add(lane, hn::Set(di, static_cast<int>(N)))));
    // The sign bit in even lanes: lane + 1 shifted to the top.
    const auto even = hn::ShiftLeft<31>(hn::BitCast(du, hn::Iota(di, 1)));
    const V sign = hn::BitCast(d, hn::Xor(even, hn::Set(du, job.sin_sign)));

    const float* cos = job.cos + token * job.row_stride + pair;
    const float* sin = job.sin + token * job.row_stride + pair;
    const V cos0 = hn::LoadU(d, cos), sin0 = hn::LoadU(d, sin);
    const V cos1 = hn::LoadU(d, cos + o1), sin1 = hn::LoadU(d, sin + o1);
    const V c0 = hn::TableLookupLanes(cos0, low);
    const V c1 = hn::TableLookupLanes(cos0, high);
    const V c2 = hn::TableLookupLanes(cos1, low);
    const V c3 = hn::TableLookupLanes(cos1, high);
    const V s0 = hn::Xor(hn::TableLookupLanes(sin0, low), sign);
    const V s1 = hn::Xor(hn::TableLookupLanes(sin0, high), sign);
    const V s2 = hn::Xor(hn::TableLookupLanes(sin1, low), sign);
    const V s3 = hn::Xor(hn::TableLookupLanes(sin1, high), sign);
    for (const Tensor* t = job.tensors; t < job.tensors_end; ++t) {
      const int64_t element = 2 * (job.pair_begin + pair);
      const auto heads =
          HeadsOf<float, float>(job, *t, job.token + token, element, element);
      WithAccess<true>(d, *t, [&](auto access) HWY_ATTR {
        RotateHeadsInterleaved<kN, access()>(d, c0, s0, c1, s1, c2, s2, c3, s3,
                                             heads);
      });
    }
  }
};

// How whole vectors go from one side to another.
template <class From, class To>
struct RotateVectors : RotatePairs<From, To> {};
template <>
struct RotateVectors<Interleaved<F32>, Interleaved<F32>>
    : RotateInterleavedF32 {};

#undef ROTARY_LAMBDA

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_PAIRINGS_INL_H_
