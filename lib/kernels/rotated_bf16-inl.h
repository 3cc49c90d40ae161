// bf16 that stays bf16, rounded without a look for NaN.  Included by
// kernels/unchanged-inl.h.

#include <stdint.h>

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_ROTATED_BF16_INL_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_ROTATED_BF16_INL_H_
#undef ROTARY_LIB_KERNELS_ROTATED_BF16_INL_H_
#else
#define ROTARY_LIB_KERNELS_ROTATED_BF16_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// bf16 that was bf16 before it was rotated, two vectors at a time: the even and
// the odd elements of 2 N.  With NaN of the rows cleaned a NaN has no low bits
// that rounding could carry into its exponent and sign, so nobody looks for
// one.
struct RotatedBF16 : BF16 {
  // Rows that were given by somebody may hold NaN of any bits.
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V CleanRow(D d, V v, bool given) {
    if (HWY_LIKELY(!given)) return v;
    const V nan = hn::BitCast(d, hn::Set(BitsTag<D>(), 0x7FC00000));
    return hn::IfThenElse(hn::IsNaN(v), nan, v);
  }

  // Values of a row in the order of Split.
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void LoadRows(D d, const float* from, V& even, V& odd) {
#if HWY_TARGET == HWY_SCALAR
    F32::LoadPairs(d, from, even, odd);
#else
    const V v0 = hn::LoadU(d, from);
    const V v1 = hn::LoadU(d, from + hn::Lanes(d));
    even = hn::ConcatEven(d, v1, v0);
    odd = hn::ConcatOdd(d, v1, v0);
#endif
  }

  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void Split(D d, hn::Vec<TwiceTag<D>> v, V& even, V& odd) {
    const BitsTag<D> du;
    const Bits<D> bits = hn::BitCast(du, v);
    even = hn::BitCast(d, hn::ShiftLeft<16>(bits));
    odd = hn::BitCast(d, hn::And(bits, hn::Set(du, 0xFFFF0000)));
  }

  // Two results.
  template <class D, class V = hn::Vec<D>, class V16 = hn::Vec<TwiceTag<D>>>
  static HWY_INLINE void Join(D d, V even0, V odd0, V even1, V odd1,
                              V16& joined0, V16& joined1) {
    joined0 = RoundPairs(d, even0, odd0);
    joined1 = RoundPairs(d, even1, odd1);
  }

  // Rounds both at once: the upper halves, one more where the lower are more
  // than half of an ulp, or half of one and the upper is odd.
  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE hn::Vec<TwiceTag<D>> RoundPairs(D, V even, V odd) {
    const BitsTag<D> du;
    const TwiceTag<D> d16;
    using V16 = hn::Vec<TwiceTag<D>>;
    const Bits<D> even_bits = hn::BitCast(du, even);
    const Bits<D> odd_bits = hn::BitCast(du, odd);
    const V16 upper =
        hn::OddEven(hn::BitCast(d16, odd_bits),
                    hn::BitCast(d16, hn::ShiftRight<16>(even_bits)));
    const V16 lower = hn::OddEven(hn::BitCast(d16, hn::ShiftLeft<16>(odd_bits)),
                                  hn::BitCast(d16, even_bits));
    const V16 one = hn::Set(d16, 1);
    const V16 tie = hn::Sub(hn::Set(d16, 0x8000), hn::And(upper, one));
    return hn::IfThenElse(hn::Gt(lower, tie), hn::Add(upper, one), upper);
  }
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_ROTATED_BF16_INL_H_
