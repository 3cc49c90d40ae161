// Rows from the trig table: one complex product for each digit of the position
// but the first, in f64, rounded once to f32.  For every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/make_rows.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
// clang-format on

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
      const int64_t entry = static_cast<int64_t>(k * kBase + digit);
      entries.entry[entries.count++] =
          job.table + 2 * job.padded_pairs * entry + job.pair_begin;
    }
    magnitude /= kBase;
  }
  return entries;
}

// Separate multiplies and adds: the same bits on targets without FMA.
template <int kCount>
HWY_INLINE void MakeRow(const MakeRowsJob& job, const Entries& entries,
                        double sin_factor, float* cos, float* sin) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> df;
  using V = hn::Vec<decltype(d)>;
  const V cos_factors = hn::Set(d, job.cos_factor);
  const V sin_factors = hn::Set(d, sin_factor);
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < job.pair_count; i += lanes) {
    const double* first = entries.entry[0] + i;
    V c = hn::LoadU(d, first);
    V s = hn::LoadU(d, first + job.padded_pairs);
    for (int k = 1; k < kCount; ++k) {
      const double* next = entries.entry[k] + i;
      const V ck = hn::LoadU(d, next);
      const V sk = hn::LoadU(d, next + job.padded_pairs);
      const V product = hn::Sub(hn::Mul(c, ck), hn::Mul(s, sk));
      s = hn::Add(hn::Mul(s, ck), hn::Mul(c, sk));
      c = product;
    }
    hn::StoreU(hn::DemoteTo(df, hn::Mul(c, cos_factors)), df, cos + i);
    hn::StoreU(hn::DemoteTo(df, hn::Mul(s, sin_factors)), df, sin + i);
  }
}

void MakeRows(const MakeRowsJob& job) {
  for (int64_t r = 0; r < job.count; ++r) {
    const int32_t position = job.positions[r];
    if (position == kNoPosition) continue;
    const Entries entries = Choose(job, position);
    const double sin_factor = position < 0 ? -job.sin_factor : job.sin_factor;
    float* cos = job.cos + r * job.row_stride;
    float* sin = job.sin + r * job.row_stride;
    switch (entries.count) {
      case 1:
        MakeRow<1>(job, entries, sin_factor, cos, sin);
        break;
      case 2:
        MakeRow<2>(job, entries, sin_factor, cos, sin);
        break;
      case 3:
        MakeRow<3>(job, entries, sin_factor, cos, sin);
        break;
      default:
        MakeRow<4>(job, entries, sin_factor, cos, sin);
        break;
    }
  }
}

}  // namespace

// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const MakeRowsKernel kMakeRows[kNumTargets] = ROTARY_PER_TARGET(MakeRows);

}  // namespace rotary

#endif  // HWY_ONCE
