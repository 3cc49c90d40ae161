// Elements of each dtype in memory as vectors of f32, and back: widened
// exactly; rounded to nearest, ties to even, with subnormals, a NaN to a quiet
// NaN.  (By own integer arithmetic: Highway's conversions round otherwise on
// some targets.)  Included by kernels/pairings-inl.h.

#include <stdint.h>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_DTYPES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_DTYPES_INL_H_
#undef ROTARY_LIB_KERNELS_DTYPES_INL_H_
#else
#define ROTARY_LIB_KERNELS_DTYPES_INL_H_
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

template <Access kAccess, class D, class V>
HWY_INLINE void Write(D d, V v, hn::TFromD<D>* to) {
  // Smaller vectors have no such store.
  if (kAccess == Access::kStream &&
      hn::MaxLanes(d) * sizeof(hn::TFromD<D>) >= 16) {
    hn::Stream(v, d, to);
  } else {
    hn::StoreU(v, d, to);
  }
}

// What a dtype has, for vectors of N lanes: Load and Store, of N elements;
// StoreTwo, of twice N in two places; LoadPairs and StorePairs, of N pairs that
// lie one behind the other, as their first and second elements.
struct F32 {
  using Lane = float;

  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Load(D d, const float* from) {
    return hn::LoadU(d, from);
  }

  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void Store(D d, V v, float* to) {
    Write<kAccess>(d, v, to);
  }

  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void StoreTwo(D d, V a, float* y, V b, float* z) {
    Store<kAccess>(d, a, y), Store<kAccess>(d, b, z);
  }

  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void LoadPairs(D d, const float* from, V& a, V& b) {
    if constexpr (hn::MaxLanes(d) == 1) {
      a = hn::LoadU(d, from), b = hn::LoadU(d, from + 1);
    } else {
      hn::LoadInterleaved2(d, from, a, b);
    }
  }

  template <Access, class D, class V = hn::Vec<D>>
  static HWY_INLINE void StorePairs(D d, V a, V b, float* to) {
    if constexpr (hn::MaxLanes(d) == 1) {
      hn::StoreU(a, d, to), hn::StoreU(b, d, to + 1);
    } else {
      hn::StoreInterleaved2(a, b, d, to);
    }
  }
};

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

// Elements of 16 bits.
template <class Format>
struct Narrow {
  using Lane = uint16_t;
  template <class D>
  using TwiceTag = hn::Repartition<uint16_t, D>;  // as many bytes

  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE V Load(D d, const uint16_t* from) {
    return Format::Promote(d, hn::LoadU(Tag16<D>(), from));
  }

  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void Store(D d, V v, uint16_t* to) {
    Write<kAccess>(Tag16<D>(), Format::Demote(d, v), to);
  }

  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void StoreTwo(D d, V a, uint16_t* y, V b, uint16_t* z) {
    Store<kAccess>(d, a, y), Store<kAccess>(d, b, z);
  }

  template <class D, class V = hn::Vec<D>>
  static HWY_INLINE void LoadPairs(D d, const uint16_t* from, V& a, V& b) {
    if constexpr (hn::MaxLanes(d) == 1) {
      a = Load(d, from), b = Load(d, from + 1);
    } else {
      const BitsTag<D> du;
      const Bits<D> pairs = hn::BitCast(du, hn::LoadU(TwiceTag<D>(), from));
      a = Format::Widen(d, hn::And(pairs, hn::Set(du, 0xFFFF)));
      b = Format::Widen(d, hn::ShiftRight<16>(pairs));
    }
  }

  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void StorePairs(D d, V a, V b, uint16_t* to) {
    if constexpr (hn::MaxLanes(d) == 1) {
      Store<Access::kPlain>(d, a, to), Store<Access::kPlain>(d, b, to + 1);
    } else {
      const TwiceTag<D> d16;
      const Bits<D> pairs =
          hn::Or(Format::Round(d, a), hn::ShiftLeft<16>(Format::Round(d, b)));
      Write<kAccess>(d16, hn::BitCast(d16, pairs), to);
    }
  }
};
using F16 = Narrow<F16Bits>;
using BF16 = Narrow<BF16Bits>;

// Calls each(F32()), each(F16()) or each(BF16()).
template <class Each>
HWY_INLINE auto WithDtype(Dtype dtype, const Each& each) {
  switch (dtype) {
    case kF16:
      return each(F16());
    case kBF16:
      return each(BF16());
    default:
      return each(F32());
  }
}

// Calls each(d, i) for vectors of `count` elements, at the end of one.
template <class Each>
HWY_INLINE void ForEachVector(int64_t count, const Each& each) {
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 1> one;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t i = 0;
  for (; i + lanes <= count; i += lanes) each(d, i);
  for (; i < count; ++i) each(one, i);
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_DTYPES_INL_H_
