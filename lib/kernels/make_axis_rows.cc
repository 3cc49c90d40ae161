// Rows from the trig table, for positions of several axes.  For every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/make_axis_rows.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/digits-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// Where a row's pairs turn by one of several positions.
struct AxisEntries {
  // Of each axis, at the first pair of the table: the entries of all digits,
  // of which those of 0 are (1, 0).
  const double* places[kMostAxes][kDigits];
  Entries entries[kMostAxes];  // without digits of 0
  double sin_factors[kMostAxes];
  int digits;  // of the longest position
};

HWY_INLINE AxisEntries ChooseAll(const MakeAxisRowsJob& job, int64_t row) {
  constexpr uint32_t kBase = 1u << kDigitBits;
  MakeRowsJob from_start = job.rows;
  from_start.pair_begin = 0;
  AxisEntries all;
  all.digits = 1;
  for (int64_t a = 0; a < job.axes; ++a) {
    const int32_t position = job.rows.positions[a * job.position_stride + row];
    all.entries[a] = Choose(from_start, position);
    all.sin_factors[a] =
        position < 0 ? -job.rows.sin_factor : job.rows.sin_factor;
    const uint32_t bits = static_cast<uint32_t>(position);
    uint32_t magnitude = position < 0 ? 0u - bits : bits;
    for (uint32_t k = 0; k < kDigits; ++k) {
      const uint32_t digit = magnitude % kBase;
      all.places[a][k] = job.rows.table + 2 * job.rows.padded_pairs *
                                              (int64_t{k} * kBase + digit);
      if (digit != 0 && static_cast<int>(k) >= all.digits) {
        all.digits = static_cast<int>(k) + 1;
      }
      magnitude /= kBase;
    }
  }
  return all;
}

// Pairs from `pair` on that turn by one axis.
HWY_INLINE void MakeOneAxis(const MakeAxisRowsJob& job, const AxisEntries& all,
                            int64_t axis, int64_t pair, float* cos,
                            float* sin) {
  MakeRowsJob group = job.rows;
  group.pair_count = kPairPadding;
  Entries entries = all.entries[axis];
  for (int k = 0; k < entries.count; ++k) entries.entry[k] += pair;
  const double sin_factor = all.sin_factors[axis];
  switch (entries.count) {
    case 1:
      return MakeRow<1, true>(group, entries, sin_factor, cos, sin);
    case 2:
      return MakeRow<2, true>(group, entries, sin_factor, cos, sin);
    case 3:
      return MakeRow<3, true>(group, entries, sin_factor, cos, sin);
    default:
      return MakeRow<4, true>(group, entries, sin_factor, cos, sin);
  }
}

// The axes that turn some pairs of a group.
struct Mix {
  int64_t axes[kMostAxes];
  int count;
};

HWY_INLINE Mix MixOf(uint32_t axes) {
  Mix mix;
  mix.count = 0;
  for (int64_t a = 0; a < kMostAxes; ++a) {
    if ((axes >> a & 1) != 0) mix.axes[mix.count++] = a;
  }
  return mix;
}

// Some pairs that turn by two axes, or by kAxes = 3 or more.
template <int kAxes, class D, class V = hn::Vec<D>>
HWY_INLINE void MultiplyMixed(D d, const MakeAxisRowsJob& job,
                              const AxisEntries& all, const Mix& mix,
                              int64_t pair, V& c, V& s) {
  const int64_t padded_pairs = job.rows.padded_pairs;
  const auto turns = [&](int k) HWY_ATTR {
    const V inv_freq =
        hn::LoadU(d, job.inv_freq + mix.axes[k] * padded_pairs + pair);
    return hn::Ne(inv_freq, hn::Zero(d));
  };
  const auto turns1 = turns(1);
  const auto turns2 = turns(kAxes > 2 ? 2 : 1);
  // Each lane's choice; a pair that does not turn may have any axis'.
  const auto select = [&](const auto& of) HWY_ATTR {
    V selected = hn::IfThenElse(turns1, of(mix.axes[1]), of(mix.axes[0]));
    if (kAxes > 2) {
      selected = hn::IfThenElse(turns2, of(mix.axes[2]), selected);
      for (int k = 3; k < mix.count; ++k) {
        selected = hn::IfThenElse(turns(k), of(mix.axes[k]), selected);
      }
    }
    return selected;
  };
  const auto load = [&](int place, int64_t offset) HWY_ATTR {
    return select([&](int64_t a) HWY_ATTR {
      return hn::LoadU(d, all.places[a][place] + offset);
    });
  };
  c = load(0, pair);
  s = load(0, pair + padded_pairs);
  for (int place = 1; place < all.digits; ++place) {
    const V cn = load(place, pair);
    const V sn = load(place, pair + padded_pairs);
    const V product = hn::Sub(hn::Mul(c, cn), hn::Mul(s, sn));
    s = hn::Add(hn::Mul(s, cn), hn::Mul(c, sn));
    c = product;
  }
  c = hn::Mul(c, hn::Set(d, job.rows.cos_factor));
  s = hn::Mul(s, select([&](int64_t a) HWY_ATTR {
                return hn::Set(d, all.sin_factors[a]);
              }));
}

template <int kAxes>
HWY_INLINE void MakeMixed(const MakeAxisRowsJob& job, const AxisEntries& all,
                          const Mix& mix, int64_t pair, float* cos,
                          float* sin) {
  const hn::ScalableTag<float> df;
  const hn::ScalableTag<double> d;
  using V = hn::Vec<decltype(d)>;
  const int64_t step = static_cast<int64_t>(hn::Lanes(df));
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  for (int64_t i = 0; i < kPairPadding; i += step) {
    V c[kParts], s[kParts];
    for (size_t k = 0; k < kParts; ++k) {
      const int64_t j = pair + i + static_cast<int64_t>(k) * lanes;
      MultiplyMixed<kAxes>(d, job, all, mix, j, c[k], s[k]);
    }
    hn::StoreU(Round(df, c), df, cos + i);
    hn::StoreU(Round(df, s), df, sin + i);
  }
}

void MakeAxisRows(const MakeAxisRowsJob& job) {
  const MakeRowsJob& rows = job.rows;
  for (int64_t r = 0; r < rows.count; ++r) {
    bool rotates = true;
    for (int64_t a = 0; a < job.axes; ++a) {
      rotates &= rows.positions[a * job.position_stride + r] != kNoPosition;
    }
    rows.rotates[r] = rotates ? kRotated : kCopied;
    if (!rotates) continue;
    const AxisEntries all = ChooseAll(job, r);
    for (int64_t i = 0; i < rows.pair_count; i += kPairPadding) {
      const int64_t pair = rows.pair_begin + i;
      const uint32_t axes = job.group_axes[pair / kPairPadding];
      float* cos = rows.cos + r * rows.row_stride + i;
      float* sin = rows.sin + r * rows.row_stride + i;
      const Mix mix = MixOf(axes);
      if (mix.count > 2) {
        MakeMixed<3>(job, all, mix, pair, cos, sin);
      } else if (mix.count == 2) {
        MakeMixed<2>(job, all, mix, pair, cos, sin);
      } else {
        const int64_t axis = mix.count == 1 ? mix.axes[0] : 0;
        MakeOneAxis(job, all, axis, pair, cos, sin);
      }
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

const MakeAxisRowsKernel kMakeAxisRows[kNumTargets] =
    ROTARY_PER_TARGET(MakeAxisRows);

}  // namespace rotary

#endif  // HWY_ONCE
