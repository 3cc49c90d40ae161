// From f64 to f32, and back.  Included by kernels/*.cc, once per target.

#include <stddef.h>

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_ROUND_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_ROUND_INL_H_
#undef ROTARY_LIB_KERNELS_ROUND_INL_H_
#else
#define ROTARY_LIB_KERNELS_ROUND_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Rounded to f32, to infinity where it is too large.
template <class DH, class V>
HWY_INLINE hn::Vec<DH> Demote(DH dh, V v) {
#if HWY_TARGET == HWY_SCALAR || HWY_TARGET == HWY_EMU128
  // Here Highway's gives the largest finite number instead.
  double from[hn::MaxLanes(dh)];
  float to[hn::MaxLanes(dh)];
  hn::StoreU(v, hn::Rebind<double, DH>(), from);
  for (size_t i = 0; i < hn::MaxLanes(dh); ++i) {
    to[i] = static_cast<float>(from[i]);
  }
  return hn::LoadU(dh, to);
#else
  return hn::DemoteTo(dh, v);
#endif
}

// The vectors of f64 that have the lanes of one of f32.
#if HWY_TARGET == HWY_SCALAR
constexpr size_t kParts = 1;
#else
constexpr size_t kParts = 2;
#endif

// As one vector, so that a row is stored in the vectors in which a rotation is
// about to load it: a load from two stores would wait.
template <class DF, class V>
HWY_INLINE hn::Vec<DF> Round(DF df, const V* parts) {
#if HWY_TARGET == HWY_SCALAR
  return Demote(df, parts[0]);
#else
  const hn::Half<DF> dh;
  return hn::Combine(df, Demote(dh, parts[1]), Demote(dh, parts[0]));
#endif
}

// One vector's lanes as those of kParts.
template <class D, class VF, class V = hn::Vec<D>>
HWY_INLINE void Widen(D d, VF v, V* parts) {
#if HWY_TARGET == HWY_SCALAR
  parts[0] = hn::PromoteTo(d, v);
#else
  const hn::Rebind<float, D> dh;
  parts[0] = hn::PromoteTo(d, hn::LowerHalf(dh, v));
  parts[1] = hn::PromoteTo(d, hn::UpperHalf(dh, v));
#endif
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_ROUND_INL_H_
