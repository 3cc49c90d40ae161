// The bits of bf16 and f16 as f32, and back: widened exactly; rounded to
// nearest, ties to even, with subnormals, a NaN to a quiet NaN.  (By own
// integer arithmetic: Highway's conversions round otherwise on some targets.)
// Included by kernels/dtypes-inl.h.

#include <stdint.h>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_FORMATS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_FORMATS_INL_H_
#undef ROTARY_LIB_KERNELS_FORMATS_INL_H_
#else
#define ROTARY_LIB_KERNELS_FORMATS_INL_H_
#endif

#include "hwy/highway.h"

// Whether the target converts f16 by itself, as it should.
#undef ROTARY_NATIVE_F16
#if HWY_TARGET == HWY_AVX2 || HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_NEON
#define ROTARY_NATIVE_F16 1
#else
#define ROTARY_NATIVE_F16 0
#endif

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Vectors of u32, with the bits of f32 or of a 16-bit element.
template <class D>
using BitsTag = hn::RebindToUnsigned<D>;
template <class D>
using Bits = hn::Vec<BitsTag<D>>;

// As many elements of 16 bits.
template <class D>
using Tag16 = hn::Rebind<uint16_t, D>;

// Conversions of a Format that has them in vectors of u32.
template <class Format>
struct InU32 {
  template <class D>
  static HWY_INLINE hn::Vec<D> Promote(D d, hn::Vec<Tag16<D>> v) {
    return Format::Widen(d, hn::PromoteTo(BitsTag<D>(), v));
  }

  template <class D>
  static HWY_INLINE hn::Vec<Tag16<D>> Demote(D d, hn::Vec<D> v) {
    return hn::TruncateTo(Tag16<D>(), Format::Round(d, v));
  }
};

struct BF16Bits : InU32<BF16Bits> {
  static constexpr Dtype kDtype = kBF16;

  template <class D>
  static HWY_INLINE hn::Vec<D> Widen(D d, Bits<D> bits) {
    return hn::BitCast(d, hn::ShiftLeft<16>(bits));
  }

  template <class D>
  static HWY_INLINE Bits<D> Round(D d, hn::Vec<D> v) {
    const BitsTag<D> du;
    const Bits<D> bits = hn::BitCast(du, v);
    const Bits<D> odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 1));
    const Bits<D> rounded = hn::Add(bits, hn::Add(odd, hn::Set(du, 0x7FFF)));
    const Bits<D> quiet = hn::Or(bits, hn::Set(du, 0x400000));
    const auto is_nan = hn::IsNaN(v);
    return hn::ShiftRight<16>(
        hn::BitCast(du, hn::IfThenElse(is_nan, hn::BitCast(d, quiet),
                                       hn::BitCast(d, rounded))));
  }
};

#if ROTARY_NATIVE_F16
struct F16Bits {
  static constexpr Dtype kDtype = kF16;

  template <class D>
  using Tag = hn::Rebind<hwy::float16_t, D>;

  template <class D>
  static HWY_INLINE hn::Vec<D> Promote(D d, hn::Vec<Tag16<D>> v) {
    return hn::PromoteTo(d, hn::BitCast(Tag<D>(), v));
  }

  template <class D>
  static HWY_INLINE hn::Vec<Tag16<D>> Demote(D, hn::Vec<D> v) {
    return hn::BitCast(Tag16<D>(), hn::DemoteTo(Tag<D>(), v));
  }

  template <class D>
  static HWY_INLINE hn::Vec<D> Widen(D d, Bits<D> bits) {
    return Promote(d, hn::TruncateTo(Tag16<D>(), bits));
  }

  template <class D>
  static HWY_INLINE Bits<D> Round(D d, hn::Vec<D> v) {
    return hn::PromoteTo(BitsTag<D>(), Demote(d, v));
  }
};
#else
struct F16Bits : InU32<F16Bits> {
  static constexpr Dtype kDtype = kF16;

  // In signed integers: magnitudes compare as f32 do.
  template <class D>
  static HWY_INLINE hn::Vec<D> Widen(D d, Bits<D> bits) {
    const BitsTag<D> du;
    const hn::RebindToSigned<D> di;
    using I = hn::Vec<decltype(di)>;
    const Bits<D> sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(du, 0x8000)));
    const I magnitude = hn::BitCast(di, hn::And(bits, hn::Set(du, 0x7FFF)));
    // An exponent is 112 more in f32; that of infinity and NaN twice that.
    const I bias = hn::Set(di, 112 << 23);
    const I finite = hn::Add(hn::ShiftLeft<13>(magnitude), bias);
    const I large = hn::Add(finite, bias);
    // A subnormal is a multiple of 2^-24.
    const I small = hn::BitCast(
        di, hn::Mul(hn::ConvertTo(d, magnitude), hn::Set(d, 0x1p-24f)));
    const I wide = hn::IfThenElse(
        hn::Lt(magnitude, hn::Set(di, 0x400)), small,
        hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, 0x7C00)), finite, large));
    return hn::BitCast(d, hn::Or(hn::BitCast(du, wide), sign));
  }

  template <class D>
  static HWY_INLINE Bits<D> Round(D d, hn::Vec<D> v) {
    const BitsTag<D> du;
    const hn::RebindToSigned<D> di;
    using I = hn::Vec<decltype(di)>;
    const Bits<D> bits = hn::BitCast(du, v);
    const Bits<D> sign = hn::And(hn::ShiftRight<16>(bits), hn::Set(du, 0x8000));
    const Bits<D> absolute = hn::And(bits, hn::Set(du, 0x7FFFFFFF));
    const I magnitude = hn::BitCast(di, absolute);
    const Bits<D> odd = hn::And(hn::ShiftRight<13>(bits), hn::Set(du, 1));
    const Bits<D> rounded =
        hn::Add(absolute, hn::Add(odd, hn::Set(du, 0xFFFu - (112u << 23))));
    const I normal = hn::BitCast(di, hn::ShiftRight<13>(rounded));
    // Added to 1/2, a subnormal is rounded to a multiple of 2^-24.
    const hn::Vec<D> half = hn::Set(d, 0.5f);
    const I small =
        hn::Sub(hn::BitCast(di, hn::Add(hn::BitCast(d, absolute), half)),
                hn::BitCast(di, half));
    const I infinity = hn::Set(di, 0x7C00);
    const I nan = hn::Set(di, 0x7E00);
    const I large = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7F800000)),
                                   nan, infinity);
    const I narrow = hn::IfThenElse(
        hn::Lt(magnitude, hn::Set(di, (127 - 14) << 23)), small,
        hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, (127 + 16) << 23)), normal,
                       large));
    return hn::Or(hn::BitCast(du, narrow), sign);
  }
};
#endif

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_FORMATS_INL_H_
