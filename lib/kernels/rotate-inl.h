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
#include "lib/kernels/pairings-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// The pairs of one token, in ever smaller blocks.
template <class Pairing>
class Token {
 public:
  HWY_INLINE Token(const RotateJob& job, int64_t token)
      : job_(job), token_(token) {}

  HWY_INLINE void Rotate() {
    constexpr size_t kLanes = hn::MaxLanes(hn::ScalableTag<float>());
    Blocks<Pairing::kVectors>(hn::ScalableTag<float>());
    if (HWY_LIKELY(done_ == job_.pair_count)) return;
    if constexpr (kLanes > 8) Blocks<1>(hn::CappedTag<float, 8>());
    if constexpr (kLanes > 4) Blocks<1>(hn::CappedTag<float, 4>());
    if constexpr (kLanes > 2) Blocks<1>(hn::CappedTag<float, 2>());
    LastPairs();
  }

 private:
  // Whole vectors of pairs, kN at a time, then fewer.
  template <size_t kN, class D>
  HWY_INLINE void Blocks(D d) {
    if constexpr (hn::MaxLanes(D()) >= Pairing::kMinLanes) {
      const int64_t block = static_cast<int64_t>(kN * hn::Lanes(d));
      for (; job_.pair_count - done_ >= block; done_ += block) {
        Pairing::template Rotate<kN>(d, job_, token_, done_);
      }
      if constexpr (kN > 1) Blocks<kN - 1>(d);
    }
  }

  // Interleaved pairs that fill no vector of two lanes: one by one, as pairs
  // of elements next to each other.
  HWY_INLINE void LastPairs() {
    const hn::CappedTag<float, 1> d;
    if constexpr (Pairing::kMinLanes == 1) {
      if constexpr (hn::MaxLanes(hn::ScalableTag<float>()) > 1) Blocks<1>(d);
    } else {
      for (; done_ < job_.pair_count; ++done_) {
        const auto c = hn::Set(d, job_.cos[token_ * job_.row_stride + done_]);
        uint32_t bits;
        memcpy(&bits, &job_.sin[token_ * job_.row_stride + done_],
               sizeof(bits));
        const auto s = hn::BitCast(
            d,
            hn::Set(hn::RebindToUnsigned<decltype(d)>(), bits ^ job_.sin_sign));
        for (const Tensor* t = job_.tensors; t < job_.tensors_end; ++t) {
          const Heads heads = HeadsOf(job_, *t, job_.token + token_,
                                      2 * (job_.pair_begin + done_));
          RotateHeadsHalf<1, Access::kPlain>(d, c, s, c, s, c, s, c, s, 1,
                                             heads);
        }
      }
    }
  }

  const RotateJob& job_;
  const int64_t token_;
  int64_t done_ = 0;
};

// What is not rotated, out of place: elements [begin, end) of every head.
void CopyElements(const RotateJob& job, const Tensor& tensor, int64_t token,
                  int64_t begin, int64_t end) {
  if (begin == end) return;
  const float* from = Input(job, tensor, token, begin);
  float* to = Output(job, tensor, token, begin);
  const size_t bytes = static_cast<size_t>(end - begin) * sizeof(float);
  for (int64_t h = 0; h < tensor.heads; ++h) {
    memcpy(to, from, bytes);
    from += tensor.input_strides.head;
    to += tensor.output_strides.head;
  }
}

// The rest of a head beside what is rotated, or all of it.
void CopyRest(const RotateJob& job, int64_t token, bool rotates) {
  for (const Tensor* t = job.tensors; t < job.tensors_end; ++t) {
    if (t->input == t->output) continue;
    const int64_t begin = rotates ? t->rotary_offset : 0;
    const int64_t end = rotates ? begin + 2 * job.pairs : 0;
    CopyElements(job, *t, token, 0, begin);
    CopyElements(job, *t, token, end, t->head_dim);
  }
}

// Fetches the row of a token, which may be behind the last.
HWY_INLINE void FetchRow(const RotateJob& job, int64_t token) {
  const uintptr_t bytes = static_cast<uintptr_t>(token) *
                          static_cast<uintptr_t>(job.row_stride) *
                          sizeof(float);
  const size_t pairs = static_cast<size_t>(job.pair_count);
  FetchLines<kToL1>(job.cos, bytes, pairs);
  FetchLines<kToL1>(job.sin, bytes, pairs);
}

template <class Pairing>
void RotateRun(const RotateJob& job) {
  // The first block of pairs takes the rest of the head along.
  const bool copies = job.copies && job.pair_begin == 0;
  for (int64_t token = 0; token < job.count; ++token) {
    if (job.fetches_rows) FetchRow(job, token + kRowsAhead);
    const bool rotates = job.rotates[token * job.rotates_stride] != 0;
    if (copies) CopyRest(job, job.token + token, rotates);
    if (rotates) Token<Pairing>(job, token).Rotate();
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_ROTATE_INL_H_
