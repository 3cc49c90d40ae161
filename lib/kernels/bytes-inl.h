// Elements of one byte: int8 and fp8, rounded to nearest, ties to even, and
// saturated.  Included by kernels/load_stored.cc and
// pack_bytes-inl.h, once per target.

#include <stdint.h>

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_BYTES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_BYTES_INL_H_
#undef ROTARY_LIB_KERNELS_BYTES_INL_H_
#else
#define ROTARY_LIB_KERNELS_BYTES_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// Each has Widen, from bytes to the numbers that they are; kLimit, its largest
// number; kBeyond, the least that is rounded to more than that; Round, to the
// byte in the low bits, the others being 0; and RoundNear, the same of numbers
// that are less than kBeyond.  Of a NaN, I8 has 0.
struct I8 {
  static constexpr float kLimit = 127.0f;
  static constexpr float kBeyond = 127.5f;

  template <class D>
  static HWY_INLINE hn::Vec<D> Widen(D d, hn::Vec<hn::Rebind<uint8_t, D>> v) {
    const hn::RebindToSigned<D> di;
    const hn::Rebind<int8_t, D> d8;
    return hn::ConvertTo(d, hn::PromoteTo(di, hn::BitCast(d8, v)));
  }

  template <class D>
  static HWY_INLINE Bits<D> RoundNear(D d, hn::Vec<D> v) {
    // Added to this, a number is rounded to a whole one in the low bits.
    const Bits<D> sum =
        hn::BitCast(BitsTag<D>(), hn::Add(v, hn::Set(d, 0x1.8p23f)));
    return hn::And(sum, hn::Set(BitsTag<D>(), 0xFF));
  }

  template <class D>
  static HWY_INLINE Bits<D> Round(D d, hn::Vec<D> v) {
    const hn::Vec<D> limit = hn::Set(d, kLimit);
    v = hn::IfThenElse(hn::IsNaN(v), hn::Zero(d), v);
    return RoundNear(d, hn::Min(hn::Max(v, hn::Neg(limit)), limit));
  }
};

// IEEE's binary formats of a sign, some bits of exponent and kMantissa bits,
// whose largest number is kMost in bits.  A NaN stays one.
template <int kMantissa, int kBias, uint32_t kMost, uint32_t kNan>
struct Fp8 {
  static constexpr int kShift = 23 - kMantissa;

  template <class D>
  static HWY_INLINE hn::Vec<D> Widen(D d, hn::Vec<hn::Rebind<uint8_t, D>> v) {
    const BitsTag<D> du;
    const hn::RebindToSigned<D> di;
    const Bits<D> bits = hn::PromoteTo(du, v);
    const Bits<D> sign = hn::ShiftLeft<24>(hn::And(bits, hn::Set(du, 0x80)));
    const auto magnitude = hn::BitCast(di, hn::And(bits, hn::Set(du, 0x7F)));
    const auto normal =
        hn::BitCast(d, hn::Add(hn::ShiftLeft<kShift>(magnitude),
                               hn::Set(di, (127 - kBias) << 23)));
    // A subnormal is a multiple of the least one.
    const hn::Vec<D> least =
        hn::BitCast(d, hn::Set(di, (128 - kBias - kMantissa) << 23));
    const hn::Vec<D> small = hn::Mul(hn::ConvertTo(d, magnitude), least);
    const auto is_small =
        hn::RebindMask(d, hn::Lt(magnitude, hn::Set(di, 1 << kMantissa)));
    hn::Vec<D> wide = hn::IfThenElse(is_small, small, normal);
    // Behind the largest number: its infinity, if there is one, and NaN.
    const auto special = hn::BitCast(
        d, hn::Or(hn::ShiftLeft<kShift>(magnitude), hn::Set(di, 0x7F800000)));
    const auto is_special = hn::RebindMask(
        d, hn::Gt(magnitude, hn::Set(di, static_cast<int32_t>(kMost))));
    wide = hn::IfThenElse(is_special, special, wide);
    return hn::BitCast(d, hn::Or(hn::BitCast(du, wide), sign));
  }

  // Added to 2^kShift times its power of two, a magnitude is rounded to whole
  // units of its last place: kMantissa bits and the leading one, in the low
  // bits of the sum.  Below the least normal number, 2^(1 - kBias), units do
  // not get smaller, and there is no leading one, which the exponent's code
  // counts for one too many of everywhere else.
  template <class D>
  static HWY_INLINE Bits<D> RoundNear(D d, hn::Vec<D> v) {
    const BitsTag<D> du;
    const hn::RebindToSigned<D> di;
    const Bits<D> bits = hn::BitCast(du, v);
    const Bits<D> sign = hn::And(hn::ShiftRight<24>(bits), hn::Set(du, 0x80));
    const auto exponent = hn::BitCast(
        du, hn::Max(hn::BitCast(di, hn::And(bits, hn::Set(du, 0x7F800000))),
                    hn::Set(di, (128 - kBias) << 23)));
    const Bits<D> unit =
        hn::Add(exponent, hn::Set(du, static_cast<uint32_t>(kShift) << 23));
    const Bits<D> sum =
        hn::BitCast(du, hn::Add(hn::Abs(v), hn::BitCast(d, unit)));
    constexpr uint32_t kLeast = static_cast<uint32_t>(128 - kBias) << kMantissa;
    const Bits<D> code =
        hn::Sub(hn::ShiftRight<kShift>(exponent), hn::Set(du, kLeast));
    return hn::Or(hn::And(hn::Add(sum, code), hn::Set(du, 0x7F)), sign);
  }

  template <class D>
  static HWY_INLINE Bits<D> Round(D d, hn::Vec<D> v) {
    const BitsTag<D> du;
    const hn::RebindToSigned<D> di;
    const auto magnitude = hn::BitCast(di, hn::Abs(v));
    const Bits<D> sign =
        hn::And(hn::ShiftRight<24>(hn::BitCast(du, v)), hn::Set(du, 0x80));
    Bits<D> narrow = RoundNear(d, v);
    const auto most = hn::BitCast(d, hn::Or(sign, hn::Set(du, kMost)));
    const auto nan = hn::BitCast(d, hn::Or(sign, hn::Set(du, kNan)));
    auto result = hn::BitCast(d, narrow);
    const auto is_beyond =
        hn::RebindMask(d, hn::Gt(magnitude, hn::Set(di, kSaturated)));
    const auto is_nan =
        hn::RebindMask(d, hn::Gt(magnitude, hn::Set(di, 0x7F800000)));
    result = hn::IfThenElse(is_beyond, most, result);
    return hn::BitCast(du, hn::IfThenElse(is_nan, nan, result));
  }

 private:
  // f32 of kMost in bits: beyond it nothing is rounded.
  static constexpr int32_t kSaturated =
      static_cast<int32_t>(kMost << kShift) + ((127 - kBias) << 23);
};

struct E4M3 : Fp8<3, 7, 0x7E, 0x7F> {
  static constexpr float kLimit = 448.0f;
  static constexpr float kBeyond = 0x1.d00002p8f;  // 464 is a tie
};

struct E5M2 : Fp8<2, 15, 0x7B, 0x7E> {
  static constexpr float kLimit = 57344.0f;
  static constexpr float kBeyond = 61440.0f;
};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_BYTES_INL_H_
