// A vector that the compiler must not load again: g++ would make the load an
// operand of each use.  Included by kernels/*-inl.h.

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_IN_REGISTER_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_IN_REGISTER_INL_H_
#undef ROTARY_LIB_KERNELS_IN_REGISTER_INL_H_
#else
#define ROTARY_LIB_KERNELS_IN_REGISTER_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

template <class V>
HWY_INLINE V InRegister(V v) {
#if HWY_ARCH_X86 && HWY_TARGET != HWY_SCALAR && HWY_TARGET != HWY_EMU128
  __asm__("" : "+v"(v.raw));
#endif
  return v;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_IN_REGISTER_INL_H_
