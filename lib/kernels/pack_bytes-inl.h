// Elements times the inverse of their scales, to bytes in memory.  Included by
// kernels/store_heads.cc, once per target.

#include <stdint.h>

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_PACK_BYTES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_PACK_BYTES_INL_H_
#undef ROTARY_LIB_KERNELS_PACK_BYTES_INL_H_
#else
#define ROTARY_LIB_KERNELS_PACK_BYTES_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/bytes-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

#if HWY_TARGET != HWY_SCALAR
// What vectors of 16 lanes, four for each of 4 blocks of lanes, are ordered by:
// those of a vector together.
constexpr int32_t kByVector[] = {0, 4, 8,  12, 1, 5, 9,  13,
                                 2, 6, 10, 14, 3, 7, 11, 15};

// Four vectors of bytes in words, one behind the other.
template <class D>
HWY_INLINE hn::Vec<hn::Repartition<uint8_t, D>> PackBytes(D d, Bits<D> v0,
                                                          Bits<D> v1,
                                                          Bits<D> v2,
                                                          Bits<D> v3) {
  alignas(16) static constexpr uint8_t kTranspose[] = {
      0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15};
  const BitsTag<D> du;
  const hn::Repartition<uint8_t, D> d8;
  const Bits<D> words =
      hn::Or(hn::Or(v0, hn::ShiftLeft<8>(v1)),
             hn::Or(hn::ShiftLeft<16>(v2), hn::ShiftLeft<24>(v3)));
  // In each 16 bytes four of each vector, then those of a vector together.
  Bits<D> packed =
      hn::BitCast(du, hn::TableLookupBytes(hn::BitCast(d8, words),
                                           hn::LoadDup128(d8, kTranspose)));
  constexpr size_t kLanes = hn::MaxLanes(d);
  if constexpr (kLanes == 8) {
    alignas(32) static constexpr int32_t kOrder[] = {0, 4, 1, 5, 2, 6, 3, 7};
    packed = hn::TableLookupLanes(packed, hn::SetTableIndices(du, kOrder));
  }
  return hn::BitCast(d8, packed);
}

#if HWY_TARGET == HWY_AVX3
// By instructions that Highway has not for all its targets.
HWY_INLINE hn::Vec<hn::ScalableTag<uint8_t>> PackBytes(
    hn::ScalableTag<float>, Bits<hn::ScalableTag<float>> v0,
    Bits<hn::ScalableTag<float>> v1, Bits<hn::ScalableTag<float>> v2,
    Bits<hn::ScalableTag<float>> v3) {
  const __m512i packed = _mm512_packus_epi16(
      _mm512_packus_epi32(v0.raw, v1.raw), _mm512_packus_epi32(v2.raw, v3.raw));
  const __m512i order = _mm512_loadu_si512(kByVector);
  return hn::Vec<hn::ScalableTag<uint8_t>>{
      _mm512_permutexvar_epi32(order, packed)};
}
#endif
#endif

// A vector that has numbers out of range, or NaN: seldom any.  Adds how many
// are out of range.
template <class To, class D>
HWY_NOINLINE Bits<D> RoundBeyond(D d, hn::Vec<D> v, int64_t* beyond) {
  float lanes[hn::MaxLanes(d)];
  hn::StoreU(hn::Abs(v), d, lanes);
  for (const float lane : lanes) *beyond += lane >= To::kBeyond ? 1 : 0;
  return To::Round(d, v);
}

// Whether all numbers are known to be in range.
enum class Range { kNear, kAny };

// Whether no number is out of range, or a NaN.
template <class To, class D>
HWY_INLINE bool AreNear(D d, hn::Vec<D> v) {
  return hn::AllTrue(d, hn::Lt(hn::Abs(v), hn::Set(d, To::kBeyond)));
}

#if HWY_TARGET != HWY_SCALAR
// Four vectors of them from the i-th on.
template <class To, Range kRange, class D, class InverseOf>
HWY_INLINE void StoreFour(D d, const float* from, int64_t i, uint8_t* to,
                          const InverseOf& inverse, int64_t* beyond) {
  using V = hn::Vec<D>;
  const hn::Repartition<uint8_t, D> d8;
  hn::Vec<decltype(d8)> packed;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const V v0 = hn::Mul(hn::LoadU(d, from + i), inverse(d, i));
  const V v1 = hn::Mul(hn::LoadU(d, from + i + lanes), inverse(d, i + lanes));
  i += 2 * lanes;
  const V v2 = hn::Mul(hn::LoadU(d, from + i), inverse(d, i));
  const V v3 = hn::Mul(hn::LoadU(d, from + i + lanes), inverse(d, i + lanes));
  i -= 2 * lanes;
  if (kRange == Range::kNear ||
      HWY_LIKELY(AreNear<To>(d, v0) && AreNear<To>(d, v1) &&
                 AreNear<To>(d, v2) && AreNear<To>(d, v3))) {
    packed = PackBytes(d, To::RoundNear(d, v0), To::RoundNear(d, v1),
                       To::RoundNear(d, v2), To::RoundNear(d, v3));
  } else {
    packed = PackBytes(
        d, RoundBeyond<To>(d, v0, beyond), RoundBeyond<To>(d, v1, beyond),
        RoundBeyond<To>(d, v2, beyond), RoundBeyond<To>(d, v3, beyond));
  }
  hn::StoreU(packed, d8, to + i);
}
#endif

// Elements times inverse(d, i), to bytes; how many were out of range.
template <class To, Range kRange, class InverseOf>
HWY_INLINE int64_t StoreBytes(const float* from, int64_t count, uint8_t* to,
                              const InverseOf& inverse) {
  int64_t beyond = 0;
  int64_t i = 0;
#if HWY_TARGET != HWY_SCALAR
  const hn::ScalableTag<float> d;
  const hn::CappedTag<float, 8> narrow;
  const int64_t step = 4 * static_cast<int64_t>(hn::Lanes(d));
  const int64_t narrow_step = 4 * static_cast<int64_t>(hn::Lanes(narrow));
  for (; i + step <= count; i += step) {
    StoreFour<To, kRange>(d, from, i, to, inverse, &beyond);
  }
  for (; i + narrow_step <= count; i += narrow_step) {
    StoreFour<To, kRange>(narrow, from, i, to, inverse, &beyond);
  }
#endif
  const hn::CappedTag<float, 1> one;
  const hn::CappedTag<uint8_t, 1> one8;
  for (; i < count; ++i) {
    const auto v = hn::Mul(hn::LoadU(one, from + i), inverse(one, i));
    hn::StoreU(hn::TruncateTo(one8, RoundBeyond<To>(one, v, &beyond)), one8,
               to + i);
  }
  return beyond;
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_PACK_BYTES_INL_H_
