// From f64 to f32.  Included by kernels/*.cc, once per target.

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

// Two vectors of f64 as one of f32, so that a row is stored in the vectors in
// which a rotation is about to load it: a load from two stores would wait.
// Where a vector has one lane, `low` alone.
template <class DF, class V>
HWY_INLINE hn::Vec<DF> Round(DF df, V low, V high) {
#if HWY_TARGET == HWY_SCALAR
  (void)high;
  return Demote(df, low);
#else
  const hn::Half<DF> dh;
  return hn::Combine(df, Demote(dh, high), Demote(dh, low));
#endif
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_ROUND_INL_H_
