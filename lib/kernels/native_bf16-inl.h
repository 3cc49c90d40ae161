// bf16 rounded by the instructions that AVX-512 BF16 has for it.  Included by
// kernels/*.cc that store bf16; of one target only.

#include <stdint.h>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_NATIVE_BF16_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_NATIVE_BF16_INL_H_
#undef ROTARY_LIB_KERNELS_NATIVE_BF16_INL_H_
#else
#define ROTARY_LIB_KERNELS_NATIVE_BF16_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/unchanged-inl.h"

#if HWY_TARGET == HWY_AVX3

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The instructions make subnormals zeros.  Where there is no zero they did not.
constexpr int kSubnormalClass = 0x20;

// As BF16 in every bit, and for smaller vectors it is that.
struct NativeBF16Bits : BF16Bits {
  using Tag = hn::ScalableTag<float>;
  using V = hn::Vec<Tag>;
  using V16 = hn::Vec<Tag16<Tag>>;

  using BF16Bits::Demote;
  static HWY_INLINE V16 Demote(Tag d, V v) {
    __m256i rounded;
    __asm__("vcvtneps2bf16 %1, %0" : "=v"(rounded) : "v"(v.raw));
    const __mmask16 zeros =
        _mm256_testn_epi16_mask(rounded, _mm256_set1_epi16(0x7FFF));
    if (HWY_UNLIKELY(zeros != 0) &&
        _mm512_fpclass_ps_mask(v.raw, kSubnormalClass) != 0) {
      return BF16Bits::Demote(d, v);
    }
    return V16{rounded};
  }
};
struct StoredBF16 : Narrow<NativeBF16Bits> {
  using Tag = hn::ScalableTag<float>;
  using V = hn::Vec<Tag>;
  using V16 = hn::Vec<Tag16<Tag>>;

  using Narrow<NativeBF16Bits>::StoreTwo;
  // With one look for zeros.
  template <Access kAccess>
  static HWY_INLINE void StoreTwo(Tag d, V a, uint16_t* y, V b, uint16_t* z) {
    __m512i both;
    __asm__("vcvtne2ps2bf16 %2, %1, %0" : "=v"(both) : "v"(b.raw), "v"(a.raw));
    if (HWY_UNLIKELY(_mm512_testn_epi16_mask(both, _mm512_set1_epi16(0x7FFF)) !=
                     0)) {
      Store<kAccess>(d, a, y), Store<kAccess>(d, b, z);
      return;
    }
    const Tag16<Tag> d16;
    Write<kAccess>(d16, V16{_mm512_castsi512_si256(both)}, y);
    Write<kAccess>(d16, V16{_mm512_extracti64x4_epi64(both, 1)}, z);
  }
};

// As RotatedBF16 in every bit, and for smaller vectors it is that.
struct NativeBF16 : RotatedBF16 {
  using Tag = hn::ScalableTag<float>;
  using V = hn::Vec<Tag>;
  using V16 = hn::Vec<TwiceTag<Tag>>;

  using RotatedBF16::Join;
  static HWY_INLINE void Join(Tag d, V even0, V odd0, V even1, V odd1,
                              V16& joined0, V16& joined1) {
    alignas(64) static constexpr uint16_t kOrder[] = {
        0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const __m512i order = hn::Load(TwiceTag<Tag>(), kOrder).raw;
    joined0.raw = _mm512_permutexvar_epi16(order, Convert(even0, odd0).raw);
    joined1.raw = _mm512_permutexvar_epi16(order, Convert(even1, odd1).raw);
    if (HWY_LIKELY((Zeros(joined0) | Zeros(joined1)) == 0)) return;
    if (HaveSubnormal(even0, odd0)) joined0 = RoundPairs(d, even0, odd0);
    if (HaveSubnormal(even1, odd1)) joined1 = RoundPairs(d, even1, odd1);
  }

 private:
  // As N elements of a and, behind them, N of b.  By hand: neither do all
  // compilers that know the rest of AVX-512 know its type, nor is there a need
  // to let them use the instruction elsewhere.
  static HWY_INLINE V16 Convert(V a, V b) {
    __m512i packed;
    __asm__("vcvtne2ps2bf16 %2, %1, %0"
            : "=v"(packed)
            : "v"(b.raw), "v"(a.raw));
    return V16{packed};
  }

  static HWY_INLINE __mmask32 Zeros(V16 joined) {
    return _mm512_testn_epi16_mask(joined.raw, _mm512_set1_epi16(0x7FFF));
  }

  static HWY_INLINE bool HaveSubnormal(V a, V b) {
    return (_mm512_fpclass_ps_mask(a.raw, kSubnormalClass) |
            _mm512_fpclass_ps_mask(b.raw, kSubnormalClass)) != 0;
  }
};

template <>
struct RotateVectors<Half<NativeBF16>, Half<NativeBF16>>
    : RotateSplit<Half<NativeBF16>> {};
template <>
struct RotateVectors<Interleaved<NativeBF16>, Interleaved<NativeBF16>>
    : RotateSplit<Interleaved<NativeBF16>> {};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET == HWY_AVX3

#endif  // ROTARY_LIB_KERNELS_NATIVE_BF16_INL_H_
