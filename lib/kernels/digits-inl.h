// Products of the trig table's entries: one complex product for each digit of a
// position but the first, in f64, rounded once to f32.  Included by
// kernels/make_rows.cc and make_axis_rows.cc, once per target.

#include <stdint.h>

#include "lib/kernels/kernels.h"

// Per-target include guard.
#if defined(ROTARY_LIB_KERNELS_DIGITS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef ROTARY_LIB_KERNELS_DIGITS_INL_H_
#undef ROTARY_LIB_KERNELS_DIGITS_INL_H_
#else
#define ROTARY_LIB_KERNELS_DIGITS_INL_H_
#endif

#include "hwy/highway.h"
#include "lib/kernels/in_register-inl.h"
#include "lib/kernels/round-inl.h"

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// The entries that a position's digits choose.  A digit of 0 in any place but
// the first is left out: its factor is exactly 1.
struct Entries {
  const double* entry[kDigits];
  int count;
};

HWY_INLINE Entries Choose(const MakeRowsJob& job, int32_t position) {
  constexpr uint32_t kBase = 1u << kDigitBits;
  const uint32_t bits = static_cast<uint32_t>(position);
  uint32_t magnitude = position < 0 ? 0u - bits : bits;
  Entries entries;
  entries.count = 0;
  for (uint32_t k = 0; k < kDigits; ++k) {
    const uint32_t digit = magnitude % kBase;
    if (k == 0 || digit != 0) {
      const int64_t entry = int64_t{k} * kBase + digit;
      entries.entry[entries.count++] =
          job.table + 2 * job.padded_pairs * entry + job.pair_begin;
    }
    magnitude /= kBase;
  }
  return entries;
}

// (c, s) times the entry at `next`, of cos and behind it sin.  Separate
// multiplies and adds: the same bits on targets without FMA.
template <class D, class V = hn::Vec<D>>
HWY_INLINE void MultiplyBy(D d, const double* next, int64_t padded_pairs, V& c,
                           V& s) {
  const V cn = InRegister(hn::LoadU(d, next));
  const V sn = InRegister(hn::LoadU(d, next + padded_pairs));
  const V product = hn::Sub(hn::Mul(c, cn), hn::Mul(s, sn));
  s = hn::Add(hn::Mul(s, cn), hn::Mul(c, sn));
  c = product;
}

// The product of the first kCount entries.
template <int kCount, class D, class V = hn::Vec<D>>
HWY_INLINE void Multiply(D d, const double* e0, const double* e1,
                         const double* e2, const double* e3,
                         int64_t padded_pairs, V& c, V& s) {
  c = InRegister(hn::LoadU(d, e0));
  s = InRegister(hn::LoadU(d, e0 + padded_pairs));
  if (kCount > 1) MultiplyBy(d, e1, padded_pairs, c, s);
  if (kCount > 2) MultiplyBy(d, e2, padded_pairs, c, s);
  if (kCount > 3) MultiplyBy(d, e3, padded_pairs, c, s);
}

// kScale: the factors are not just signs.
template <int kCount, bool kScale>
HWY_INLINE void MakeRow(const MakeRowsJob& job, const Entries& entries,
                        double sin_factor, float* cos, float* sin) {
  const hn::ScalableTag<float> df;
  const hn::ScalableTag<double> d;
  using V = hn::Vec<decltype(d)>;
  const V cos_factors = hn::Set(d, job.cos_factor);
  const V sin_factors = hn::Set(d, sin_factor);
  const V sin_sign = hn::And(sin_factors, hn::SignBit(d));
  const int64_t step = static_cast<int64_t>(hn::Lanes(df));
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const int64_t padded_pairs = job.padded_pairs;
  const int64_t pair_count = job.pair_count;
  const double* e0 = entries.entry[0];
  const double* e1 = kCount > 1 ? entries.entry[1] : e0;
  const double* e2 = kCount > 2 ? entries.entry[2] : e0;
  const double* e3 = kCount > 3 ? entries.entry[3] : e0;
  for (int64_t i = 0; i < pair_count; i += step) {
    V c[kParts], s[kParts];
    for (size_t k = 0; k < kParts; ++k) {
      const int64_t j = i + static_cast<int64_t>(k) * lanes;
      Multiply<kCount>(d, e0 + j, e1 + j, e2 + j, e3 + j, padded_pairs, c[k],
                       s[k]);
      if (kScale) {
        c[k] = hn::Mul(c[k], cos_factors), s[k] = hn::Mul(s[k], sin_factors);
      } else {
        s[k] = hn::Xor(s[k], sin_sign);
      }
    }
    hn::StoreU(Round(df, c), df, cos + i);
    hn::StoreU(Round(df, s), df, sin + i);
  }
}

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#endif  // ROTARY_LIB_KERNELS_DIGITS_INL_H_
