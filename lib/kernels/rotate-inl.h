// Rotation of a run of tokens, pair blocks outside, heads inside: the cos and
// sin of a block of pairs stay in registers while it goes through the heads.
// Included by kernels/rotate_<dtype>.cc, once per target.

#include <string.h>

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

// One token: where its heads are, and the row at the first pair of a block.
struct Heads {
  const float* input;
  float* output;
  int64_t input_stride;
  int64_t output_stride;
  int64_t count;
  int64_t half;  // elements from the first to the second of a pair (half)
};

template <bool kStream, class D, class V>
HWY_INLINE void Write(D d, V v, float* to) {
  if (kStream) {
    hn::Stream(v, d, to);
  } else {
    hn::StoreU(v, d, to);
  }
}

// kVectors vectors of pairs of every head, pairing half.  The next head is
// loaded before this one is stored: g++ otherwise folds each load into two
// arithmetic operands, and loads everything twice.
//
// Unused vectors of kVectors < 4 fold away.
template <size_t kVectors, bool kStream, class D>
HWY_INLINE void RotateHalf(D d, const float* cos, const float* sin,
                           uint32_t sin_sign, const Heads& heads) {
  using V = hn::Vec<D>;
  static_assert(kVectors >= 1 && kVectors <= 4, "four vectors are written out");
  const hn::RebindToUnsigned<D> du;
  const size_t N = hn::Lanes(d);
  constexpr bool k1 = kVectors > 1, k2 = kVectors > 2, k3 = kVectors > 3;
  const size_t o1 = k1 ? N : 0, o2 = k2 ? 2 * N : 0, o3 = k3 ? 3 * N : 0;
  const V sign = hn::BitCast(d, hn::Set(du, sin_sign));

  const V c0 = hn::LoadU(d, cos);
  const V c1 = hn::LoadU(d, cos + o1);
  const V c2 = hn::LoadU(d, cos + o2);
  const V c3 = hn::LoadU(d, cos + o3);
  const V s0 = hn::Xor(hn::LoadU(d, sin), sign);
  const V s1 = hn::Xor(hn::LoadU(d, sin + o1), sign);
  const V s2 = hn::Xor(hn::LoadU(d, sin + o2), sign);
  const V s3 = hn::Xor(hn::LoadU(d, sin + o3), sign);

  const int64_t half = heads.half;
  const float* x = heads.input;
  float* y = heads.output;
  V a0 = hn::LoadU(d, x), b0 = hn::LoadU(d, x + half);
  V a1 = hn::LoadU(d, x + o1), b1 = hn::LoadU(d, x + half + o1);
  V a2 = hn::LoadU(d, x + o2), b2 = hn::LoadU(d, x + half + o2);
  V a3 = hn::LoadU(d, x + o3), b3 = hn::LoadU(d, x + half + o3);
  for (int64_t h = heads.count; h > 0; --h) {
    if (h > 1) x += heads.input_stride;
    const V na0 = hn::LoadU(d, x), nb0 = hn::LoadU(d, x + half);
    const V na1 = hn::LoadU(d, x + o1), nb1 = hn::LoadU(d, x + half + o1);
    const V na2 = hn::LoadU(d, x + o2), nb2 = hn::LoadU(d, x + half + o2);
    const V na3 = hn::LoadU(d, x + o3), nb3 = hn::LoadU(d, x + half + o3);

    Write<kStream>(d, hn::Sub(hn::Mul(a0, c0), hn::Mul(b0, s0)), y);
    Write<kStream>(d, hn::Add(hn::Mul(b0, c0), hn::Mul(a0, s0)), y + half);
    if (k1) {
      Write<kStream>(d, hn::Sub(hn::Mul(a1, c1), hn::Mul(b1, s1)), y + o1);
      Write<kStream>(d, hn::Add(hn::Mul(b1, c1), hn::Mul(a1, s1)),
                     y + half + o1);
    }
    if (k2) {
      Write<kStream>(d, hn::Sub(hn::Mul(a2, c2), hn::Mul(b2, s2)), y + o2);
      Write<kStream>(d, hn::Add(hn::Mul(b2, c2), hn::Mul(a2, s2)),
                     y + half + o2);
    }
    if (k3) {
      Write<kStream>(d, hn::Sub(hn::Mul(a3, c3), hn::Mul(b3, s3)), y + o3);
      Write<kStream>(d, hn::Add(hn::Mul(b3, c3), hn::Mul(a3, s3)),
                     y + half + o3);
    }
    y += heads.output_stride;
    a0 = na0, b0 = nb0, a1 = na1, b1 = nb1;
    a2 = na2, b2 = nb2, a3 = na3, b3 = nb3;
  }
}

// The same, pairing interleaved: vectors of whole pairs, each times cos doubled
// (c0 c0 c1 c1 ..) plus its neighbors swapped, times sin doubled with
// alternating signs (-s0 s0 -s1 s1 ..).  One "vector of pairs" is two vectors
// of elements.
template <size_t kVectors, bool kStream, class D>
HWY_INLINE void RotateInterleaved(D d, const float* cos, const float* sin,
                                  uint32_t sin_sign, const Heads& heads) {
  using V = hn::Vec<D>;
  static_assert(kVectors >= 1 && kVectors <= 2, "two vectors are written out");
  const hn::RebindToUnsigned<D> du;
  const hn::RebindToSigned<D> di;
  const size_t N = hn::Lanes(d);
  constexpr bool k1 = kVectors > 1;
  const size_t o1 = k1 ? N : 0;

  const auto lane = hn::Iota(di, 0);
  const auto low = hn::IndicesFromVec(d, hn::ShiftRight<1>(lane));
  const auto high = hn::IndicesFromVec(
      d, hn::ShiftRight<1>(hn::Add(lane, hn::Set(di, static_cast<int>(N)))));
  // The sign bit in even lanes: lane + 1 shifted to the top.
  const auto even = hn::ShiftLeft<31>(hn::BitCast(du, hn::Iota(di, 1)));
  const V sign = hn::BitCast(d, hn::Xor(even, hn::Set(du, sin_sign)));

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

  const float* x = heads.input;
  float* y = heads.output;
  V a0 = hn::LoadU(d, x), a1 = hn::LoadU(d, x + N);
  V a2 = hn::LoadU(d, x + 2 * o1), a3 = hn::LoadU(d, x + 2 * o1 + N);
  for (int64_t h = heads.count; h > 0; --h) {
    if (h > 1) x += heads.input_stride;
    const V n0 = hn::LoadU(d, x), n1 = hn::LoadU(d, x + N);
    const V n2 = hn::LoadU(d, x + 2 * o1), n3 = hn::LoadU(d, x + 2 * o1 + N);

    const V w0 = hn::Mul(hn::Reverse2(d, a0), s0);
    const V w1 = hn::Mul(hn::Reverse2(d, a1), s1);
    Write<kStream>(d, hn::Add(hn::Mul(a0, c0), w0), y);
    Write<kStream>(d, hn::Add(hn::Mul(a1, c1), w1), y + N);
    if (k1) {
      const V w2 = hn::Mul(hn::Reverse2(d, a2), s2);
      const V w3 = hn::Mul(hn::Reverse2(d, a3), s3);
      Write<kStream>(d, hn::Add(hn::Mul(a2, c2), w2), y + 2 * o1);
      Write<kStream>(d, hn::Add(hn::Mul(a3, c3), w3), y + 2 * o1 + N);
    }
    y += heads.output_stride;
    a0 = n0, a1 = n1, a2 = n2, a3 = n3;
  }
}

// One pair of every head, elements `half` apart: the end of any pairing.
HWY_INLINE void RotatePair(const float* cos, const float* sin,
                           uint32_t sin_sign, const Heads& heads) {
  const hn::CappedTag<float, 1> d;
  RotateHalf<1, false>(d, cos, sin, sin_sign, heads);
}

// The pairings: where pair p of a head starts, and the loops over heads.
struct Half {
  static constexpr size_t kVectors = kHalfVectors;
  static constexpr size_t kMinLanes = 1;
  static HWY_INLINE int64_t Element(int64_t pair) { return pair; }
  static HWY_INLINE int64_t Distance(int64_t pairs) { return pairs; }
  template <size_t kN, bool kStream, class D>
  static HWY_INLINE void Rotate(D d, const float* cos, const float* sin,
                                uint32_t sin_sign, const Heads& heads) {
    RotateHalf<kN, kStream>(d, cos, sin, sin_sign, heads);
  }
};

struct Interleaved {
  static constexpr size_t kVectors = kInterleavedVectors;
  static constexpr size_t kMinLanes = 2;
  static HWY_INLINE int64_t Element(int64_t pair) { return 2 * pair; }
  static HWY_INLINE int64_t Distance(int64_t) { return 1; }
  template <size_t kN, bool kStream, class D>
  static HWY_INLINE void Rotate(D d, const float* cos, const float* sin,
                                uint32_t sin_sign, const Heads& heads) {
    RotateInterleaved<kN, kStream>(d, cos, sin, sin_sign, heads);
  }
};

// Goes through the pairs of one token in ever smaller blocks.
template <class Pairing>
class Token {
 public:
  HWY_INLINE Token(const RotateJob& job, const float* input, float* output,
                   int64_t token)
      : job_(job),
        input_(input + job.rotary_offset),
        output_(output + job.rotary_offset),
        cos_(job.cos + token * job.row_stride),
        sin_(job.sin + token * job.row_stride) {}

  template <bool kStream>
  HWY_INLINE void Rotate() {
    Blocks<Pairing::kVectors, kStream>(hn::ScalableTag<float>());
    Tail<8>();
    Tail<4>();
    Tail<2>();
    while (done_ < job_.pair_count) {
      const Heads heads = Here();
      RotatePair(cos_ + done_, sin_ + done_, job_.sin_sign, heads);
      ++done_;
    }
  }

 private:
  // Vectors of pairs, kN at a time, then fewer.
  template <size_t kN, bool kStream, class D>
  HWY_INLINE void Blocks(D d) {
    if constexpr (hn::MaxLanes(D()) >= Pairing::kMinLanes) {
      while (Remaining(d) >= kN) Block<kN, kStream>(d);
      if constexpr (kN > 1) Blocks<kN - 1, kStream>(d);
    }
  }

  template <class D>
  HWY_INLINE size_t Remaining(D d) const {
    return static_cast<size_t>(job_.pair_count - done_) / hn::Lanes(d);
  }

  HWY_INLINE Heads Here() const {
    const int64_t element = Pairing::Element(job_.pair_begin + done_);
    return {input_ + element,
            output_ + element,
            job_.input_head_stride,
            job_.output_head_stride,
            job_.heads,
            Pairing::Distance(job_.pairs)};
  }

  template <size_t kN, bool kStream, class D>
  HWY_INLINE void Block(D d) {
    const Heads heads = Here();
    Pairing::template Rotate<kN, kStream>(d, cos_ + done_, sin_ + done_,
                                          job_.sin_sign, heads);
    done_ += static_cast<int64_t>(kN * hn::Lanes(d));
  }

  // What is left, in vectors of kLanes.
  template <size_t kLanes>
  HWY_INLINE void Tail() {
    if constexpr (kLanes < hn::MaxLanes(hn::ScalableTag<float>())) {
      Blocks<1, false>(hn::CappedTag<float, kLanes>());
    }
  }

  const RotateJob& job_;
  const float* input_;
  float* output_;
  const float* cos_;
  const float* sin_;
  int64_t done_ = 0;
};

// What is not rotated, out of place: elements [begin, end) of every head.
void CopyElements(const RotateJob& job, const float* input, float* output,
                  int64_t begin, int64_t end) {
  if (begin == end) return;
  const size_t bytes = static_cast<size_t>(end - begin) * sizeof(float);
  for (int64_t h = 0; h < job.heads; ++h) {
    memcpy(output + begin, input + begin, bytes);
    input += job.input_head_stride;
    output += job.output_head_stride;
  }
}

template <class Pairing>
void RotateRun(const RotateJob& job) {
  const float* input = static_cast<const float*>(job.input);
  float* output = static_cast<float*>(job.output);
  // The first block of pairs takes the rest of the head along.
  const bool copy = input != output && job.pair_begin == 0;
  const int64_t rotary_end = job.rotary_offset + 2 * job.pairs;
  for (int64_t t = 0; t < job.tokens; ++t) {
    if (job.rotates[t * job.rotates_stride] == 0) {
      if (copy) CopyElements(job, input, output, 0, job.head_dim);
    } else {
      if (copy) {
        CopyElements(job, input, output, 0, job.rotary_offset);
        CopyElements(job, input, output, rotary_end, job.head_dim);
      }
      Token<Pairing> token(job, input, output, t);
      if (job.stream) {
        token.template Rotate<true>();
      } else {
        token.template Rotate<false>();
      }
    }
    input += job.input_token_stride;
    output += job.output_token_stride;
  }
  if (job.stream) hwy::FlushStream();
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_ROTATE_INL_H_
