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
#include "lib/kernels/in_register-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// How many vectors of pairs go through the heads together: what fits into the
// registers with the next head's data.
#undef ROTARY_FEW_REGISTERS
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
#define ROTARY_FEW_REGISTERS 0
#else
#define ROTARY_FEW_REGISTERS 1
#endif
constexpr size_t kPairVectors = ROTARY_FEW_REGISTERS ? 2 : 4;

// Where the two elements of pair i of d / 2 are.  In both, Load and Store take
// vectors a and b of the first and the second elements of the pairs from
// `pair` on; x is that of pair 0 of a block, z what At makes of it.
template <class DtypeT>
struct Half {  // i, and i + d / 2
  static constexpr Pairing kPairing = kHalf;
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
    Dtype::template StoreTwo<kAccess>(d, a, y + pair, b, z + pair);
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
  static constexpr Pairing kPairing = kInterleaved;
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

// One of up to four vectors.
template <class V>
HWY_INLINE V Choose(Unit<0>, V v0, V, V, V) {
  return v0;
}
template <class V>
HWY_INLINE V Choose(Unit<1>, V, V v1, V, V) {
  return v1;
}
template <class V>
HWY_INLINE V Choose(Unit<2>, V, V, V v2, V) {
  return v2;
}
template <class V>
HWY_INLINE V Choose(Unit<3>, V, V, V, V v3) {
  return v3;
}

// What a pair (a, b) becomes.  Not fused: the same bits on every target.
template <class V>
HWY_INLINE V FirstOf(V a, V b, V cos, V sin) {
  return hn::Sub(hn::Mul(a, cos), hn::Mul(b, sin));
}
template <class V>
HWY_INLINE V SecondOf(V a, V b, V cos, V sin) {
  return hn::Add(hn::Mul(b, cos), hn::Mul(a, sin));
}

// To be XORed into sin.
template <class D, class Job>
HWY_INLINE hn::Vec<D> SinSign(D d, const Job& job) {
  return hn::BitCast(d, hn::Set(hn::RebindToUnsigned<D>(), job.sin_sign));
}

// Targets before AVX2, for which there is less code where it takes as long or
// little longer.
constexpr bool kIsOld = HWY_TARGET == HWY_SSSE3 || HWY_TARGET == HWY_SSE4 ||
                        HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128;

// Whether a rotation takes the longer by conversions: most of the many kinds of
// rotations, which all have less code.
template <class From, class To>
constexpr bool kConverts =
    !std::is_same_v<From, To> ||
    (!ROTARY_NATIVE_F16 && std::is_same_v<typename From::Dtype, F16>);

// How many vectors of pairs go through the heads together.
template <class From, class To>
constexpr size_t VectorsTogether() {
  if (!kConverts<From, To>) return kPairVectors;
  if (kIsOld) return 1;
  const bool halves = From::kPairing == kHalf && To::kPairing == kHalf;
  return halves ? kPairVectors : 2;
}

// Whether a head's elements are loaded before those of the one before are
// stored.
template <class From, class To>
constexpr bool kLoadsAhead =
    !kConverts<From, To> || (!kIsOld && From::kPairing == To::kPairing);

// A rotation from one side to another.  Rotate goes through a block of pairs,
// kN units of vectors, of tokens of a tensor.
template <class From, class To>
struct RotatePairs {
  static constexpr size_t kVectors = VectorsTogether<From, To>();
  // For what changes, no code for the smallest.
  static constexpr size_t kMinLanes =
      std::is_same_v<From, To>                      ? 1
      : hn::MaxLanes(hn::ScalableTag<float>()) >= 8 ? 8
                                                    : 4;
  static constexpr size_t kUnitVectors = 1;

  template <size_t kN, class D>
  static HWY_INLINE void Rotate(D d, const RotateJob& job, const Tensor& tensor,
                                const TokenRange& tokens) {
    using In = typename From::Lane;
    using Out = typename To::Lane;
    using V = hn::Vec<D>;
    static_assert(kN >= 1 && kN <= 4, "four vectors are written out");
    const size_t N = hn::Lanes(d);
    // Unused vectors are copies of the first, and fold away.
    const size_t o1 = kN > 1 ? N : 0;
    const size_t o2 = kN > 2 ? 2 * N : 0;
    const size_t o3 = kN > 3 ? 3 * N : 0;
    const V sign = SinSign(d, job);
    const int64_t half = job.pairs;
    const auto load = [=](const In* x, auto unit, V& a, V& b) ROTARY_LAMBDA {
      From::Load(d, x, From::At(x, half), unit * N, a, b);
      if constexpr (!std::is_same_v<From, To>) {
        a = InRegister(a), b = InRegister(b);
      }
    };
    const auto each = [=](auto access, const float* cos, const float* sin,
                          const auto& heads) ROTARY_LAMBDA {
      const V c0 = hn::LoadU(d, cos);
      const V c1 = hn::LoadU(d, cos + o1);
      const V c2 = hn::LoadU(d, cos + o2);
      const V c3 = hn::LoadU(d, cos + o3);
      const V s0 = hn::Xor(hn::LoadU(d, sin), sign);
      const V s1 = hn::Xor(hn::LoadU(d, sin + o1), sign);
      const V s2 = hn::Xor(hn::LoadU(d, sin + o2), sign);
      const V s3 = hn::Xor(hn::LoadU(d, sin + o3), sign);
      const auto store = [=](Out* y, auto unit, V a, V b) ROTARY_LAMBDA {
        const V c = Choose(unit, c0, c1, c2, c3);
        const V s = Choose(unit, s0, s1, s2, s3);
        To::template Store<access()>(d, FirstOf(a, b, c, s),
                                     SecondOf(a, b, c, s), y, To::At(y, half),
                                     unit * N);
      };
      const auto fetch = [=, &heads](const In* x) ROTARY_LAMBDA {
        From::template Fetch<access()>(x, From::At(x, half), kN * N, heads);
      };
      if constexpr (kLoadsAhead<From, To>) {
        ThroughHeads<kN, V>(heads, load, store, fetch);
      } else {
        HeadByHead<kN, V>(heads, load, store, fetch);
      }
    };
    ForEachToken<From, To, IsWhole(D())>(job, tensor, tokens, each);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_PAIRINGS_INL_H_
