// bf16 rounded by the instruction that AVX-512 BF16 has for it.  Included by
// kernels/rotate_bf16.cc; of one target only.

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

// As RotatedBF16 in every bit, and for smaller vectors it is that.
struct NativeBF16 : RotatedBF16 {
  using Tag = hn::ScalableTag<float>;
  using V = hn::Vec<Tag>;
  using V16 = hn::Vec<TwiceTag<Tag>>;

  // 2 N elements in the order in which two vectors can be unpacked from the
  // lower and the upper half of each 16 bytes.
  using RotatedBF16::LoadRows;
  static HWY_INLINE void LoadRows(Tag d, const float* from, bool given,
                                  V& lower, V& upper) {
    const V v0 = Row(d, hn::LoadU(d, from), given);
    const V v1 = Row(d, hn::LoadU(d, from + hn::Lanes(d)), given);
    lower = V{_mm512_shuffle_f32x4(v0.raw, v1.raw, 0x88)};
    upper = V{_mm512_shuffle_f32x4(v0.raw, v1.raw, 0xDD)};
  }

  using RotatedBF16::Split;
  static HWY_INLINE void Split(Tag d, V16 v, V& lower, V& upper) {
    const TwiceTag<Tag> d16;
    lower = hn::BitCast(d, hn::InterleaveLower(d16, hn::Zero(d16), v));
    upper = hn::BitCast(d, hn::InterleaveUpper(d16, hn::Zero(d16), v));
  }

  using RotatedBF16::Join;
  static HWY_INLINE V16 Join(Tag d, V lower, V upper) {
    const V16 packed = Convert(lower, upper);
    const V16 joined{_mm512_permutexvar_epi64(
        _mm512_setr_epi64(0, 4, 1, 5, 2, 6, 3, 7), packed.raw)};
    if (HWY_LIKELY(!LostSubnormal(joined, lower, upper))) return joined;
    const auto narrow = [d](V v) HWY_ATTR { return BF16Bits::Round(d, v).raw; };
    return V16{_mm512_packus_epi32(narrow(lower), narrow(upper))};
  }

  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void StorePairs(D d, V a, V b, uint16_t* to) {
    if constexpr (hn::MaxLanes(d) < hn::MaxLanes(Tag())) {
      RotatedBF16::StorePairs<kAccess>(d, a, b, to);
    } else {
      Write<kAccess>(TwiceTag<Tag>(), Interleave(d, a, b), to);
    }
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

  static HWY_INLINE V16 Interleave(Tag d, V even, V odd) {
    const TwiceTag<Tag> d16;
    alignas(64) static constexpr uint16_t kOrder[] = {
        0, 16, 1, 17, 2,  18, 3,  19, 4,  20, 5,  21, 6,  22, 7,  23,
        8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
    const V16 joined{_mm512_permutexvar_epi16(hn::Load(d16, kOrder).raw,
                                              Convert(even, odd).raw)};
    if (HWY_LIKELY(!LostSubnormal(joined, even, odd))) return joined;
    return RotatedBF16::Join(d, even, odd);
  }

  // The instruction makes subnormals zeros.  Where there is no zero it did not.
  static HWY_INLINE bool LostSubnormal(V16 joined, V a, V b) {
    constexpr int kSubnormal = 0x20;
    if (HWY_LIKELY(_mm512_testn_epi16_mask(joined.raw,
                                           _mm512_set1_epi16(0x7FFF)) == 0)) {
      return false;
    }
    return (_mm512_fpclass_ps_mask(a.raw, kSubnormal) |
            _mm512_fpclass_ps_mask(b.raw, kSubnormal)) != 0;
  }
};

template <>
struct RotateVectors<Half<NativeBF16>, Half<NativeBF16>>
    : RotateSplit<NativeBF16> {};

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // HWY_TARGET == HWY_AVX3

#endif  // ROTARY_LIB_KERNELS_NATIVE_BF16_INL_H_
