// What of heads is not rotated: copied, or converted from one dtype and pairing
// to another.  Included by kernels/rotate-inl.h.

#include <stdint.h>
#include <string.h>

#include <type_traits>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_COPY_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_COPY_INL_H_
#undef ROTARY_LIB_KERNELS_COPY_INL_H_
#else
#define ROTARY_LIB_KERNELS_COPY_INL_H_
#endif

#include "hwy/cache_control.h"
#include "hwy/highway.h"
#include "lib/kernels/pairings-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

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

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_COPY_INL_H_
