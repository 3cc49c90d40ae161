// Elements of each dtype in memory as vectors of f32, and back.  Included by
// kernels/pairings-inl.h.

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
#include "lib/kernels/formats-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

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
// StoreTwo, of twice N in two places; StoreBoth, of twice N in one; LoadPairs
// and StorePairs, of N pairs that lie one behind the other, as their first and
// second elements.
struct F32 {
  using Lane = float;
  static constexpr Dtype kDtype = kF32;

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

  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void StoreBoth(D d, V a, V b, float* to) {
    Store<kAccess>(d, a, to), Store<kAccess>(d, b, to + hn::Lanes(d));
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

// Elements of 16 bits.
template <class Format>
struct Narrow {
  using Lane = uint16_t;
  static constexpr Dtype kDtype = Format::kDtype;
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

  template <Access kAccess, class D, class V = hn::Vec<D>>
  static HWY_INLINE void StoreBoth(D d, V a, V b, uint16_t* to) {
#if HWY_TARGET != HWY_SCALAR
    // Past the caches, parts of a line cost more than all of it at once.
    if constexpr (kAccess == Access::kStream) {
      const TwiceTag<D> d16;
      Write<kAccess>(
          d16, hn::Combine(d16, Format::Demote(d, b), Format::Demote(d, a)),
          to);
      return;
    }
#endif
    Store<kAccess>(d, a, to), Store<kAccess>(d, b, to + hn::Lanes(d));
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
