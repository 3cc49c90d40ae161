// The two pairings: a block of pairs of one token, through all its heads, with
// cos and sin in registers.  Included by kernels/rotate-inl.h.

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

// The heads of one token of a tensor, from the first pair of a block on.
struct Heads {
  const float* input;
  float* output;
  int64_t input_stride;
  int64_t output_stride;
  int64_t count;
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
          Output(job, tensor, token, element), tensor.input_strides.head,
          tensor.output_strides.head, tensor.heads};
}

template <bool kStream, class D, class V>
HWY_INLINE void Write(D d, V v, float* to) {
  if (kStream) {
    hn::Stream(v, d, to);
  } else {
    hn::StoreU(v, d, to);
  }
}

// Pairing half: elements a of a block of pairs, and elements b, `half` behind.
template <size_t kVectors, bool kStream, class D, class V = hn::Vec<D>>
HWY_INLINE void RotateHeadsHalf(D d, V c0, V s0, V c1, V s1, V c2, V s2, V c3,
                                V s3, int64_t half, const Heads& heads) {
  // Unused vectors of kVectors < 4 are copies of the first, and fold away.
  constexpr bool k1 = kVectors > 1, k2 = kVectors > 2, k3 = kVectors > 3;
  const size_t N = hn::Lanes(d);
  const size_t o1 = k1 ? N : 0, o2 = k2 ? 2 * N : 0, o3 = k3 ? 3 * N : 0;
  const auto load = [=](const float* x, V& a0, V& b0, V& a1, V& b1, V& a2,
                        V& b2, V& a3, V& b3) HWY_ATTR {
    a0 = hn::LoadU(d, x), b0 = hn::LoadU(d, x + half);
    a1 = hn::LoadU(d, x + o1), b1 = hn::LoadU(d, x + half + o1);
    a2 = hn::LoadU(d, x + o2), b2 = hn::LoadU(d, x + half + o2);
    a3 = hn::LoadU(d, x + o3), b3 = hn::LoadU(d, x + half + o3);
  };
  const auto turn = [=](V a, V b, V c, V s, float* y) HWY_ATTR {
    Write<kStream>(d, hn::Sub(hn::Mul(a, c), hn::Mul(b, s)), y);
    Write<kStream>(d, hn::Add(hn::Mul(b, c), hn::Mul(a, s)), y + half);
  };
  const auto store = [=](float* y, V a0, V b0, V a1, V b1, V a2, V b2, V a3,
                         V b3) HWY_ATTR {
    turn(a0, b0, c0, s0, y);
    if (k1) turn(a1, b1, c1, s1, y + o1);
    if (k2) turn(a2, b2, c2, s2, y + o2);
    if (k3) turn(a3, b3, c3, s3, y + o3);
  };

  // The next head is loaded before this one is stored: g++ otherwise folds each
  // load into two arithmetic operands, and loads everything twice.
  if (heads.count == 0) return;
  const float* x = heads.input;
  float* y = heads.output;
  V a0, b0, a1, b1, a2, b2, a3, b3;
  V e0, f0, e1, f1, e2, f2, e3, f3;
  load(x, a0, b0, a1, b1, a2, b2, a3, b3);
  for (int64_t left = heads.count;; left -= 2) {
    if (left == 1) {
      store(y, a0, b0, a1, b1, a2, b2, a3, b3);
      return;
    }
    x += heads.input_stride;
    load(x, e0, f0, e1, f1, e2, f2, e3, f3);
    store(y, a0, b0, a1, b1, a2, b2, a3, b3);
    y += heads.output_stride;
    if (left == 2) {
      store(y, e0, f0, e1, f1, e2, f2, e3, f3);
      return;
    }
    x += heads.input_stride;
    load(x, a0, b0, a1, b1, a2, b2, a3, b3);
    store(y, e0, f0, e1, f1, e2, f2, e3, f3);
    y += heads.output_stride;
  }
}

// Pairing interleaved: vectors of whole pairs, each times cos doubled (c0 c0 c1
// c1 ..) plus its neighbors swapped, times sin doubled with alternating signs
// (-s0 s0 -s1 s1 ..).  Here kVectors counts vectors of pairs, two of elements.
template <size_t kVectors, bool kStream, class D, class V = hn::Vec<D>>
HWY_INLINE void RotateHeadsInterleaved(D d, V c0, V s0, V c1, V s1, V c2, V s2,
                                       V c3, V s3, const Heads& heads) {
  constexpr bool k1 = kVectors > 1;
  const size_t N = hn::Lanes(d);
  const size_t o2 = k1 ? 2 * N : 0;
  const auto load = [=](const float* x, V& a0, V& a1, V& a2, V& a3) HWY_ATTR {
    a0 = hn::LoadU(d, x), a1 = hn::LoadU(d, x + N);
    a2 = hn::LoadU(d, x + o2), a3 = hn::LoadU(d, x + o2 + N);
  };
  const auto turn = [=](V a, V c, V s, float* y) HWY_ATTR {
    const V swapped = hn::Reverse2(d, a);
    Write<kStream>(d, hn::Add(hn::Mul(a, c), hn::Mul(swapped, s)), y);
  };
  const auto store = [=](float* y, V a0, V a1, V a2, V a3) HWY_ATTR {
    turn(a0, c0, s0, y);
    turn(a1, c1, s1, y + N);
    if (k1) turn(a2, c2, s2, y + o2);
    if (k1) turn(a3, c3, s3, y + o2 + N);
  };

  if (heads.count == 0) return;
  const float* x = heads.input;
  float* y = heads.output;
  V a0, a1, a2, a3;
  V e0, e1, e2, e3;
  load(x, a0, a1, a2, a3);
  for (int64_t left = heads.count;; left -= 2) {
    if (left == 1) {
      store(y, a0, a1, a2, a3);
      return;
    }
    x += heads.input_stride;
    load(x, e0, e1, e2, e3);
    store(y, a0, a1, a2, a3);
    y += heads.output_stride;
    if (left == 2) {
      store(y, e0, e1, e2, e3);
      return;
    }
    x += heads.input_stride;
    load(x, a0, a1, a2, a3);
    store(y, e0, e1, e2, e3);
    y += heads.output_stride;
  }
}

// Only whole vectors are ever stored past the caches.
template <class D>
constexpr bool IsWhole(D d) {
  return hn::MaxLanes(d) == hn::MaxLanes(hn::ScalableTag<float>());
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
      if (IsWhole(d) && t->stream) {
        RotateHeadsHalf<kN, true>(d, c0, s0, c1, s1, c2, s2, c3, s3, job.pairs,
                                  heads);
      } else {
        RotateHeadsHalf<kN, false>(d, c0, s0, c1, s1, c2, s2, c3, s3, job.pairs,
                                   heads);
      }
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
      if (IsWhole(d) && t->stream) {
        RotateHeadsInterleaved<kN, true>(d, c0, s0, c1, s1, c2, s2, c3, s3,
                                         heads);
      } else {
        RotateHeadsInterleaved<kN, false>(d, c0, s0, c1, s1, c2, s2, c3, s3,
                                          heads);
      }
    }
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_PAIRINGS_INL_H_
