// Heads to a tile, as they are or normalized.  For every target.

#include "lib/kernels/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/load_heads.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"
#include "lib/kernels/heads-inl.h"
#include "lib/kernels/tile-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// What is added up: x, x^2 or (x - mean)^2.
enum class Sum { kPlain, kSquares, kCentered };

template <class From, Sum kSum>
HWY_INLINE float SumHead(const typename From::Lane* x, int64_t count,
                         float mean) {
  float sum;
  SumElements<1>(
      count,
      [&](auto d, int64_t e, auto* to) HWY_ATTR {
        auto v = From::Load(d, x + e);
        if (kSum == Sum::kCentered) v = hn::Sub(v, hn::Set(d, mean));
        if (kSum != Sum::kPlain) v = hn::Mul(v, v);
        to[0] = v;
      },
      &sum);
  return sum;
}

template <class From>
void SumHeadsFrom(const SumHeadsJob& job) {
  using Lane = typename From::Lane;
  ForEachHead<From>(
      job.shape, job.input, [&](int64_t i, const Lane* x) HWY_ATTR {
        const int64_t head_dim = job.shape.head_dim;
        if (job.ahead != 0) {
          FetchLines<kToL2>(x, static_cast<uintptr_t>(job.ahead),
                            static_cast<size_t>(head_dim));
        }
        if (!job.squares) {
          job.sums[i] = SumHead<From, Sum::kPlain>(x, head_dim, 0.0f);
        } else if (job.means == nullptr) {
          job.sums[i] = SumHead<From, Sum::kSquares>(x, head_dim, 0.0f);
        } else {
          job.sums[i] =
              SumHead<From, Sum::kCentered>(x, head_dim, job.means[i]);
        }
      });
}

// What is done with an element beside its factor.
enum class Load { kPlain, kScaled, kWeighted, kCentered };

// Elements [e, e + lanes) of all heads, one after the other: they share their
// weights.
template <class From, Load kLoad, class Tag>
HWY_INLINE void LoadColumns(Tag d, const LoadHeadsJob& job, int64_t e) {
  using Lane = typename From::Lane;
  using Vec = hn::Vec<Tag>;
  const bool shared = job.weight_head_stride == 0;
  const auto weight_of = [&](int64_t head) HWY_ATTR {
    return LoadWeights(d, job.weight_dtype, job.weight,
                       head % job.shape.heads * job.weight_head_stride + e,
                       job.weight_added);
  };
  const auto bias_of = [&](int64_t head) HWY_ATTR {
    if (job.bias == nullptr) return hn::Zero(d);
    return LoadAs(d, job.weight_dtype, job.bias,
                  head % job.shape.heads * job.weight_head_stride + e);
  };
  Vec weight = hn::Zero(d);
  Vec bias = hn::Zero(d);
  if (shared) weight = weight_of(0);
  if (kLoad == Load::kCentered && shared) bias = bias_of(0);
  float* to = job.tile + e;
  const int64_t head_dim = job.shape.head_dim;
  ForEachHead<From>(
      job.shape, job.input, [&](int64_t i, const Lane* x) HWY_ATTR {
        Vec v = From::Load(d, x + e);
        if (kLoad == Load::kCentered) {
          v = hn::Sub(v, hn::Set(d, job.means[i]));
        }
        if (kLoad >= Load::kScaled) v = hn::Mul(v, hn::Set(d, job.factors[i]));
        if (kLoad >= Load::kWeighted) {
          if (!shared) weight = weight_of(i);
          v = hn::Mul(v, weight);
        }
        if (kLoad == Load::kCentered) {
          if (!shared) bias = bias_of(i);
          Vec added_last = bias;
          if (job.bias_factors != nullptr) {
            added_last = hn::Mul(bias, hn::Set(d, job.bias_factors[i]));
          }
          v = hn::Add(v, added_last);
        }
        hn::StoreU(v, d, to);
        to += head_dim;
      });
}

template <class From, Load kLoad>
HWY_INLINE void LoadHeadsBy(const LoadHeadsJob& job) {
  ForEachVector(job.shape.head_dim, [&](auto d, int64_t e) ROTARY_LAMBDA {
    LoadColumns<From, kLoad>(d, job, e);
  });
}

// Head by head, where no two of them share anything.
template <class From, Load kLoad>
HWY_INLINE void LoadHeadsAlone(const LoadHeadsJob& job) {
  using Lane = typename From::Lane;
  const int64_t head_dim = job.shape.head_dim;
  float* to = job.tile;
  ForEachHead<From>(
      job.shape, job.input, [&](int64_t i, const Lane* x) HWY_ATTR {
        const float factor = kLoad == Load::kScaled ? job.factors[i] : 1.0f;
        ForEachVector(head_dim, [&](auto d, int64_t e) ROTARY_LAMBDA {
          auto v = From::Load(d, x + e);
          if (kLoad == Load::kScaled) v = hn::Mul(v, hn::Set(d, factor));
          hn::StoreU(v, d, to + e);
        });
        to += head_dim;
      });
}

template <class From>
void LoadHeadsFrom(const LoadHeadsJob& job) {
  if (job.means != nullptr) return LoadHeadsBy<From, Load::kCentered>(job);
  if (job.weight != nullptr) return LoadHeadsBy<From, Load::kWeighted>(job);
  if (job.factors != nullptr) return LoadHeadsAlone<From, Load::kScaled>(job);
  LoadHeadsAlone<From, Load::kPlain>(job);
}

void SumHeads(const SumHeadsJob& job) {
  WithDtype(job.input.dtype,
            [&](auto from) HWY_ATTR { SumHeadsFrom<decltype(from)>(job); });
}

void LoadHeads(const LoadHeadsJob& job) {
  WithDtype(job.input.dtype,
            [&](auto from) HWY_ATTR { LoadHeadsFrom<decltype(from)>(job); });
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const SumHeadsKernel kSumHeads[kNumTargets] = ROTARY_PER_TARGET(SumHeads);
const LoadHeadsKernel kLoadHeads[kNumTargets] = ROTARY_PER_TARGET(LoadHeads);

}  // namespace rotary

#endif  // HWY_ONCE
