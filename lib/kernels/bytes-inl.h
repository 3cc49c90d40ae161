// Elements of one byte: int8 and fp8, rounded to nearest, ties to even, and
// saturated.  Included by kernels/store_heads.cc, once per target.

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

// Each has kLimit, its largest number; kBeyond, the least that is rounded to
// more than that; and Round, to the byte in the low bits, the others being
// anything.  A NaN becomes 0.
struct I8 {
  static constexpr float kLimit = 127.0f;
  static constexpr float kBeyond = 127.5f;

  template <class D>
  static HWY_INLINE Bits<D> Round(D d, hn::Vec<D> v) {
    // Added to this, a number is rounded to a whole one in the low bits.
    const hn::Vec<D> whole = hn::Set(d, 0x1.8p23f);
    const hn::Vec<D> limit = hn::Set(d, kLimit);
    v = hn::IfThenElse(hn::IsNaN(v), hn::Zero(d), v);
    v = hn::Min(hn::Max(v, hn::Neg(limit)), limit);
    return hn::BitCast(BitsTag<D>(), hn::Add(v, whole));
  }
};

// IEEE's binary formats of a sign, some bits of exponent and kMantissa bits,
// whose largest number is kMost in bits.  A NaN stays one.
template <int kMantissa, int kBias, uint32_t kMost, uint32_t kNan>
struct Fp8 {
  static constexpr int kShift = 23 - kMantissa;
  // 2^(1 - kBias) is the least normal number.
  static constexpr int32_t kLeastNormal = (128 - kBias) << 23;

  template <class D>
  static HWY_INLINE Bits<D> Round(D d, hn::Vec<D> v) {
    const BitsTag<D> du;
    const hn::RebindToSigned<D> di;
    using I = hn::Vec<decltype(di)>;
    const Bits<D> bits = hn::BitCast(du, v);
    const Bits<D> sign = hn::And(hn::ShiftRight<24>(bits), hn::Set(du, 0x80));
    const Bits<D> absolute = hn::And(bits, hn::Set(du, 0x7FFFFFFF));
    const I magnitude = hn::BitCast(di, absolute);
    const Bits<D> odd = hn::And(hn::ShiftRight<kShift>(bits), hn::Set(du, 1));
    constexpr uint32_t kHalf = (1u << (kShift - 1)) - 1;
    constexpr uint32_t kRebias = static_cast<uint32_t>(127 - kBias) << 23;
    const Bits<D> rounded =
        hn::Add(absolute, hn::Add(odd, hn::Set(du, kHalf - kRebias)));
    const I normal = hn::BitCast(di, hn::ShiftRight<kShift>(rounded));
    // Added to this, a subnormal is rounded to a multiple of the least one.
    constexpr int32_t kSum = (127 + 24 - kBias - kMantissa) << 23;
    const I sum = hn::Set(di, kSum);
    const I small = hn::Sub(
        hn::BitCast(di, hn::Add(hn::BitCast(d, absolute), hn::BitCast(d, sum))),
        sum);
    I narrow = hn::IfThenElse(hn::Lt(magnitude, hn::Set(di, kLeastNormal)),
                              small, normal);
    narrow = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, kSaturated)),
                            hn::Set(di, static_cast<int32_t>(kMost)), narrow);
    narrow = hn::IfThenElse(hn::Gt(magnitude, hn::Set(di, 0x7F800000)),
                            hn::Set(di, static_cast<int32_t>(kNan)), narrow);
    return hn::Or(hn::BitCast(du, narrow), sign);
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
