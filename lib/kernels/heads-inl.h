// The heads of a token, and how a block of pairs goes through them: loads,
// stores, prefetches.  Included by kernels/pairings-inl.h.

#include <stdint.h>

#include <type_traits>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_HEADS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_HEADS_INL_H_
#undef ROTARY_LIB_KERNELS_HEADS_INL_H_
#else
#define ROTARY_LIB_KERNELS_HEADS_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The heads of one token of a tensor, from the first element of a block on.
template <class In, class Out>
struct Heads {
  const In* input;
  Out* output;
  int64_t input_stride;
  int64_t output_stride;
  int64_t count;
  uintptr_t near;
  uintptr_t far;
};

// A token's elements from `element` of head 0 on.
template <class In>
HWY_INLINE const In* Input(const RotateJob& job, const Tensor& tensor,
                           int64_t token, int64_t element) {
  return static_cast<const In*>(tensor.input) +
         job.b * tensor.input_strides.batch +
         token * tensor.input_strides.token + element;
}

template <class Out>
HWY_INLINE Out* Output(const RotateJob& job, const Tensor& tensor,
                       int64_t token, int64_t element) {
  return static_cast<Out*>(tensor.output) +
         job.b * tensor.output_strides.batch +
         token * tensor.output_strides.token + element;
}

template <class In, class Out>
HWY_INLINE Heads<In, Out> HeadsOf(const RotateJob& job, const Tensor& tensor,
                                  int64_t token, int64_t input_element,
                                  int64_t output_element) {
  const int64_t offset = tensor.rotary_offset;
  return {Input<In>(job, tensor, token, offset + input_element),
          Output<Out>(job, tensor, token, offset + output_element),
          tensor.input_strides.head,
          tensor.output_strides.head,
          tensor.heads,
          tensor.near,
          tensor.far};
}

// x, of which the compiler does not know what it is: g++ would keep a register,
// or a place on the stack, for each sum of it and another constant.
template <class T>
HWY_INLINE T Opaque(T x) {
  __asm__("" : "+r"(x));
  return x;
}

constexpr size_t kLineBytes = 64;

// Of __builtin_prefetch.
constexpr int kToL1 = 3;
constexpr int kToL2 = 2;

// Fetches `count` elements from `bytes`, modulo 2^64, behind x on: addresses
// that may be outside of everything.
template <int kLocality, class T>
HWY_INLINE void FetchLines(const T* x, uintptr_t bytes, size_t count) {
  const uintptr_t from = Opaque(reinterpret_cast<uintptr_t>(x) + bytes);
  for (size_t i = 0; i < count * sizeof(T); i += kLineBytes) {
    // NOLINTNEXTLINE(performance-no-int-to-ptr)
    __builtin_prefetch(reinterpret_cast<const void*>(from + i), 0, kLocality);
  }
}

// Fetches what comes later than `count` elements at x.
template <Access kAccess, class In, class Out>
HWY_INLINE void FetchAhead(const In* x, size_t count,
                           const Heads<In, Out>& heads) {
  if (kAccess == Access::kPlain) return;
  if (kAccess == Access::kPrefetch) FetchLines<kToL1>(x, heads.near, count);
  FetchLines<kToL2>(x, heads.far, count);
}

// Goes through the heads with a block of up to eight vectors: load(x, block..)
// and store(y, block..).  kAhead: the next head is loaded before this one is
// stored.  Of f32, g++ otherwise folds each load into two arithmetic operands,
// and loads everything twice.
template <bool kAhead, class V, class In, class Out, class Load, class Store>
HWY_INLINE void ThroughHeads(const Heads<In, Out>& heads, const Load& load,
                             const Store& store) {
  if (heads.count == 0) return;
  const In* x = heads.input;
  Out* y = heads.output;
  V a0, a1, a2, a3, a4, a5, a6, a7;
  V b0, b1, b2, b3, b4, b5, b6, b7;
  load(x, a0, a1, a2, a3, a4, a5, a6, a7);
  if (!kAhead) {
    for (int64_t left = heads.count; --left > 0;) {
      store(y, a0, a1, a2, a3, a4, a5, a6, a7);
      x += heads.input_stride;
      y += heads.output_stride;
      load(x, a0, a1, a2, a3, a4, a5, a6, a7);
    }
    store(y, a0, a1, a2, a3, a4, a5, a6, a7);
    return;
  }
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

template <Access kAccess>
using AccessTag = std::integral_constant<Access, kAccess>;

// Calls loop(the access of a tensor, as a type), or with the plain one: only
// whole vectors have another, and what changes its kind no prefetch.
template <bool kSame, class D, class Loop>
HWY_INLINE void WithAccess(D d, const Tensor& tensor, const Loop& loop) {
  constexpr bool kWhole =
      hn::MaxLanes(d) == hn::MaxLanes(hn::ScalableTag<float>());
  if constexpr (kWhole) {
    if constexpr (kSame) {
      if (HWY_UNLIKELY(tensor.access == Access::kPrefetch)) {
        return loop(AccessTag<Access::kPrefetch>());
      }
    }
    if (HWY_UNLIKELY(tensor.access == Access::kStream)) {
      return loop(AccessTag<Access::kStream>());
    }
  }
  loop(AccessTag<Access::kPlain>());
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_HEADS_INL_H_
