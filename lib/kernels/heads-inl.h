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

// x, of which the compiler does not know what it is: g++ would keep a register,
// or a place on the stack, for each sum of it and another constant.
template <class T>
HWY_INLINE T Opaque(T x) {
  __asm__("" : "+r"(x));
  return x;
}

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

// Lambdas as large as these are not always inlined by themselves.
#undef ROTARY_LAMBDA
#define ROTARY_LAMBDA HWY_ATTR __attribute__((always_inline))

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
  if (kAccess == Access::kStream && heads.far == 0) return;
  if (kAccess == Access::kPrefetch) FetchLines<kToL1>(x, heads.near, count);
  FetchLines<kToL2>(x, heads.far, count);
}

template <size_t kUnit>
using Unit = std::integral_constant<size_t, kUnit>;

// Goes through the heads with a block of kUnits units, each two vectors as they
// are loaded: load(x, unit, a, b) and store(y, unit, a, b); fetch(x) once for
// each head.  A unit of the next head is loaded before that of this one is
// stored: g++ otherwise folds each load into two arithmetic operands, and loads
// everything twice.
template <size_t kUnits, class Raw, class In, class Out, class Load,
          class Store, class Fetch>
HWY_INLINE void ThroughHeads(const Heads<In, Out>& heads, const Load& load,
                             const Store& store, const Fetch& fetch) {
  constexpr bool k1 = kUnits > 1, k2 = kUnits > 2, k3 = kUnits > 3;
  static_assert(kUnits >= 1 && kUnits <= 4, "four units are written out");
  if (heads.count == 0) return;
  const In* x = heads.input;
  Out* y = heads.output;
  Raw a0, b0, a1, b1, a2, b2, a3, b3;
  load(x, Unit<0>(), a0, b0);
  if constexpr (k1) load(x, Unit<1>(), a1, b1);
  if constexpr (k2) load(x, Unit<2>(), a2, b2);
  if constexpr (k3) load(x, Unit<3>(), a3, b3);
  fetch(x);
  const auto step = [&](auto unit, Raw& a, Raw& b) ROTARY_LAMBDA {
    Raw next_a, next_b;
    load(x, unit, next_a, next_b);
    store(y, unit, a, b);
    a = next_a, b = next_b;
  };
  for (int64_t left = heads.count; --left > 0;) {
    x += heads.input_stride;
    step(Unit<0>(), a0, b0);
    if constexpr (k1) step(Unit<1>(), a1, b1);
    if constexpr (k2) step(Unit<2>(), a2, b2);
    if constexpr (k3) step(Unit<3>(), a3, b3);
    fetch(x);
    y += heads.output_stride;
  }
  store(y, Unit<0>(), a0, b0);
  if constexpr (k1) store(y, Unit<1>(), a1, b1);
  if constexpr (k2) store(y, Unit<2>(), a2, b2);
  if constexpr (k3) store(y, Unit<3>(), a3, b3);
}

// The same, one head after the other: half the code.
template <size_t kUnits, class Raw, class In, class Out, class Load,
          class Store, class Fetch>
HWY_INLINE void HeadByHead(const Heads<In, Out>& heads, const Load& load,
                           const Store& store, const Fetch& fetch) {
  const In* x = heads.input;
  Out* y = heads.output;
  const auto step = [&](auto unit) ROTARY_LAMBDA {
    Raw a, b;
    load(x, unit, a, b);
    store(y, unit, a, b);
  };
  for (int64_t left = heads.count; left > 0; --left) {
    step(Unit<0>());
    if constexpr (kUnits > 1) step(Unit<1>());
    if constexpr (kUnits > 2) step(Unit<2>());
    if constexpr (kUnits > 3) step(Unit<3>());
    fetch(x);
    x += heads.input_stride;
    y += heads.output_stride;
  }
}

// Tokens [begin, end) of a job, and a block of their pairs.
struct TokenRange {
  int64_t begin;
  int64_t end;
  int64_t pair;  // the first
  int64_t pairs;
};

// Tokens from the one that is rotated to the one whose row is fetched.
constexpr int64_t kRowsAhead = 4;

template <Access kAccess>
using AccessTag = std::integral_constant<Access, kAccess>;

// The largest vectors, of which there are several kinds of access; a scalar
// target has none but plain ones.
template <class D>
constexpr bool IsWhole(D d) {
  return hn::MaxLanes(d) == hn::MaxLanes(hn::ScalableTag<float>()) &&
         hn::MaxLanes(d) > 1;
}

// Calls each(access, cos, sin, heads) for each token.  The access is that of
// the tensor, as a type, or, unless kHasAccess, the plain one; what changes its
// kind has no prefetch.
template <class From, class To, bool kHasAccess, class Each>
HWY_INLINE void ForEachToken(const RotateJob& job, const Tensor& tensor,
                             const TokenRange& tokens, const Each& each) {
  using In = typename From::Lane;
  using Out = typename To::Lane;
  const int64_t first = job.token + tokens.begin;
  const int64_t pair = job.pair_begin + tokens.pair;
  const int64_t offset = tensor.rotary_offset;
  const int64_t input_stride = tensor.input_strides.token;
  const int64_t output_stride = tensor.output_strides.token;
  const int64_t row_stride = job.row_stride;
  const int64_t pairs = tokens.pairs;
  const bool fetches_rows = job.fetches_rows;
  const uintptr_t row_ahead = static_cast<uintptr_t>(kRowsAhead) *
                              static_cast<uintptr_t>(row_stride) *
                              sizeof(float);
  const auto loop = [&](auto access) ROTARY_LAMBDA {
    const float* cos = job.cos + tokens.begin * row_stride + tokens.pair;
    const float* sin = job.sin + tokens.begin * row_stride + tokens.pair;
    Heads<In, Out> heads = {
        Input<In>(job, tensor, first, offset + From::Element(pair)),
        Output<Out>(job, tensor, first, offset + To::Element(pair)),
        tensor.input_strides.head,
        tensor.output_strides.head,
        tensor.heads,
        tensor.near,
        tensor.far};
    for (int64_t left = tokens.end - tokens.begin;;) {
      if (HWY_UNLIKELY(fetches_rows)) {
        FetchLines<kToL1>(cos, row_ahead, static_cast<size_t>(pairs));
        FetchLines<kToL1>(sin, row_ahead, static_cast<size_t>(pairs));
      }
      each(access, cos, sin, heads);
      // Not beyond the last: strides may be any.
      if (--left == 0) return;
      cos += row_stride;
      sin += row_stride;
      heads.input += input_stride;
      heads.output += output_stride;
    }
  };
  if constexpr (kHasAccess) {
    if constexpr (std::is_same_v<From, To>) {
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
