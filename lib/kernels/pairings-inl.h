// The two pairings: a block of pairs of one token, through all its heads, with
// cos and sin in registers.  Included by kernels/rotate-inl.h.

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

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// How many vectors of pairs go through the heads together: what fits into the
// registers with the next head's data.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
constexpr size_t kHalfVectors = 4;
constexpr size_t kInterleavedVectors = 2;
#else
constexpr size_t kHalfVectors = 2;
constexpr size_t kInterleavedVectors = 1;
#endif

// Tokens from the one that is rotated to the one whose row is fetched.
constexpr int64_t kRowsAhead = 4;

// The heads of one token of a tensor, from the first pair of a block on.
struct Heads {
  const float* input;
  float* output;
  int64_t input_stride;
  int64_t output_stride;
  int64_t count;
  uintptr_t near;
  uintptr_t far;
};

// A token's elements from `element` of head 0 on.
HWY_INLINE const float* Input(const RotateJob& job, const Tensor& tensor,
                              int64_t token, int64_t element) {
  return static_cast<const float*>(tensor.input) +
         job.b * tensor.input_strides.batch +
         token * tensor.input_strides.token + element;
}

HWY_INLINE float* Output(const RotateJob& job, const Tensor& tensor,
                         int64_t token, int64_t element) {
  return static_cast<float*>(tensor.output) +
         job.b * tensor.output_strides.batch +
         token * tensor.output_strides.token + element;
}

HWY_INLINE Heads HeadsOf(const RotateJob& job, const Tensor& tensor,
                         int64_t token, int64_t element) {
  element += tensor.rotary_offset;
  return {Input(job, tensor, token, element),
          Output(job, tensor, token, element),
          tensor.input_strides.head,
          tensor.output_strides.head,
          tensor.heads,
          tensor.near,
          tensor.far};
}

template <Access kAccess, class D, class V>
HWY_INLINE void Write(D d, V v, float* to) {
  if (kAccess == Access::kStream) {
    hn::Stream(v, d, to);
  } else {
    hn::StoreU(v, d, to);
  }
}

// Elements of a cache line.
constexpr size_t kLine = 64 / sizeof(float);

// Of __builtin_prefetch.
constexpr int kToL1 = 3;
constexpr int kToL2 = 2;

// x, of which the compiler does not know what it is: g++ would keep a register,
// or a place on the stack, for each sum of it and another constant.
template <class T>
HWY_INLINE T Opaque(T x) {
  __asm__("" : "+r"(x));
  return x;
}

// Fetches `count` elements from `bytes`, modulo 2^64, behind x on: addresses
// that may be outside of everything.
template <int kLocality>
HWY_INLINE void FetchLines(const float* x, uintptr_t bytes, size_t count) {
  const uintptr_t from = Opaque(reinterpret_cast<uintptr_t>(x) + bytes);
  for (size_t i = 0; i < count; i += kLine) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    __builtin_prefetch(reinterpret_cast<const void*>(from + i * sizeof(float)),
                       0, kLocality);
  }
}

// Fetches what comes later than `count` elements at x.
template <Access kAccess>
HWY_INLINE void Fetch(const float* x, size_t count, const Heads& heads) {
  if (kAccess == Access::kPlain) return;
  if (kAccess == Access::kPrefetch) FetchLines<kToL1>(x, heads.near, count);
  FetchLines<kToL2>(x, heads.far, count);
}

// Goes through the heads with a block of up to eight vectors: load(x, block..)
// and store(y, block..).  The next head is loaded before this one is stored:
// g++ otherwise folds each load into two arithmetic operands, and loads
// everything twice.
template <class V, class Load, class Store>
HWY_INLINE void ThroughHeads(const Heads& heads, const Load& load,
                             const Store& store) {
  if (heads.count == 0) return;
  const float* x = heads.input;
  float* y = heads.output;
  V a0, a1, a2, a3, a4, a5, a6, a7;
  V b0, b1, b2, b3, b4, b5, b6, b7;
  load(x, a0, a1, a2, a3, a4, a5, a6, a7);
  for (int64_t left = heads.count;; left -= 2) {
    if (left == 1) {
      store(y, a0, a1, a2, a3, a4, a5, a6, a7);
      return;
    }
    x += heads.input_stride;
    load(x, b0, b1, b2, b3, b4, b5, b6, b7);
    store(y, a0, a1, a2, a3, a4, a5, a6, a7);
    y += heads.output_stride;
    if (left == 2) {
      store(y, b0, b1, b2, b3, b4, b5, b6, b7);
      return;
    }
    x += heads.input_stride;
    load(x, a0, a1, a2, a3, a4, a5, a6, a7);
    store(y, b0, b1, b2, b3, b4, b5, b6, b7);
    y += heads.output_stride;
  }
}

// Lambdas as large as these are not always inlined by themselves.
#define ROTARY_LAMBDA HWY_ATTR __attribute__((always_inline))

// Pairing half: elements a of a block of pairs, and elements b, `half` behind.
// Unused vectors of kVectors < 4 are copies of the first, and fold away.
template <size_t kVectors, Access kAccess, class D, class V = hn::Vec<D>>
HWY_INLINE void RotateHeadsHalf(D d, V c0, V s0, V c1, V s1, V c2, V s2, V c3,
                                V s3, int64_t half, const Heads& heads) {
  constexpr bool k1 = kVectors > 1, k2 = kVectors > 2, k3 = kVectors > 3;
  const size_t N = hn::Lanes(d);
  const size_t o1 = k1 ? N : 0, o2 = k2 ? 2 * N : 0, o3 = k3 ? 3 * N : 0;
  const auto load = [=](const float* x, V& a0, V& b0, V& a1, V& b1, V& a2,
                        V& b2, V& a3, V& b3) ROTARY_LAMBDA {
    const float* z = Opaque(x + half);
    a0 = hn::LoadU(d, x), b0 = hn::LoadU(d, z);
    a1 = hn::LoadU(d, x + o1), b1 = hn::LoadU(d, z + o1);
    a2 = hn::LoadU(d, x + o2), b2 = hn::LoadU(d, z + o2);
    a3 = hn::LoadU(d, x + o3), b3 = hn::LoadU(d, z + o3);
    Fetch<kAccess>(x, kVectors * N, heads);
    Fetch<kAccess>(z, kVectors * N, heads);
  };
  const auto turn = [=](V a, V b, V c, V s, float* y, float* z) ROTARY_LAMBDA {
    Write<kAccess>(d, hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), y);
    Write<kAccess>(d, hn::Add(hn::Mul(b, c), hn::Mul(a, s)), z);
  };
  const auto store = [=](float* y, V a0, V b0, V a1, V b1, V a2, V b2, V a3,
                         V b3) ROTARY_LAMBDA {
    float* z = Opaque(y + half);
    turn(a0, b0, c0, s0, y, z);
    if (k1) turn(a1, b1, c1, s1, y + o1, z + o1);
    if (k2) turn(a2, b2, c2, s2, y + o2, z + o2);
    if (k3) turn(a3, b3, c3, s3, y + o3, z + o3);
  };
  ThroughHeads<V>(heads, load, store);
}

// Pairing interleaved: vectors of whole pairs, each times cos doubled (c0 c0 c1
// c1 ..) plus its neighbors swapped, times sin doubled with alternating signs
// (-s0 s0 -s1 s1 ..).  Here kVectors counts vectors of pairs, two of elements.
template <size_t kVectors, Access kAccess, class D, class V = hn::Vec<D>>
HWY_INLINE void RotateHeadsInterleaved(D d, V c0, V s0, V c1, V s1, V c2, V s2,
                                       V c3, V s3, const Heads& heads) {
  constexpr bool k1 = kVectors > 1;
  const size_t N = hn::Lanes(d);
  const size_t o2 = k1 ? 2 * N : 0;
  const auto load = [=](const float* x, V& a0, V& a1, V& a2, V& a3, V&, V&, V&,
                        V&) ROTARY_LAMBDA {
    a0 = hn::LoadU(d, x), a1 = hn::LoadU(d, x + N);
    a2 = hn::LoadU(d, x + o2), a3 = hn::LoadU(d, x + o2 + N);
    Fetch<kAccess>(x, 2 * kVectors * N, heads);
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
  ThroughHeads<V>(heads, load, store);
}

#undef ROTARY_LAMBDA

template <Access kAccess>
using AccessTag = std::integral_constant<Access, kAccess>;

// Calls loop(the access of a tensor, as a type).  Only whole vectors have any
// but the plain one.
template <class D, class Loop>
HWY_INLINE void WithAccess(D d, const Tensor& tensor, const Loop& loop) {
  constexpr bool kWhole =
      hn::MaxLanes(d) == hn::MaxLanes(hn::ScalableTag<float>());
  if constexpr (kWhole) {
    if (HWY_UNLIKELY(tensor.access == Access::kPrefetch)) {
      return loop(AccessTag<Access::kPrefetch>());
    }
    if (HWY_UNLIKELY(tensor.access == Access::kStream)) {
      return loop(AccessTag<Access::kStream>());
    }
  }
  loop(AccessTag<Access::kPlain>());
}

// The pairings.  Rotate goes through a block of pairs, kN vectors from pair
// `pair` on, of every tensor of a token; not inline, so that each keeps the
// registers to itself.
struct Half {
  static constexpr size_t kVectors = kHalfVectors;
  static constexpr size_t kMinLanes = 1;

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
      const Heads heads =
          HeadsOf(job, *t, job.token + token, job.pair_begin + pair);
      WithAccess(d, *t, [&](auto access) HWY_ATTR {
        RotateHeadsHalf<kN, access()>(d, c0, s0, c1, s1, c2, s2, c3, s3,
                                      job.pairs, heads);
      });
    }
  }
};

struct Interleaved {
  static constexpr size_t kVectors = kInterleavedVectors;
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
      const Heads heads =
          HeadsOf(job, *t, job.token + token, 2 * (job.pair_begin + pair));
      WithAccess(d, *t, [&](auto access) HWY_ATTR {
        RotateHeadsInterleaved<kN, access()>(d, c0, s0, c1, s1, c2, s2, c3, s3,
                                             heads);
      });
    }
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_PAIRINGS_INL_H_
