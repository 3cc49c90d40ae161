// The formulas as they are published, one after the other: nothing is shared
// with the library.
#include "tests/frequencies/scaled_config.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace rotary_test {
namespace {

using Real = long double;
constexpr Real kTwoPi = 6.283185307179586476925286766559L;

Real ElementOf(const void* data, rotary_dtype dtype, int64_t i) {
  if (dtype == ROTARY_F64) return static_cast<const double*>(data)[i];
  return static_cast<const float*>(data)[i];
}

// 1 - ramp of pair i; clears *fits where the ends are not in order.
Real Kept(const rotary_scaling& scaling, Real d, Real base, Real fast,
          Real slow, bool truncate, int64_t i, bool* fits) {
  const Real trained = scaling.original_length;
  Real low = d * std::log(trained / (kTwoPi * fast)) / (2 * std::log(base));
  Real high = d * std::log(trained / (kTwoPi * slow)) / (2 * std::log(base));
  if (truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  if (low < 0) low = 0;
  if (high > d - 1) high = d - 1;
  if (low > high) *fits = false;
  if (low == high) high += 0.001L;
  Real ramp = (static_cast<Real>(i) - low) / (high - low);
  if (ramp < 0) ramp = 0;
  if (ramp > 1) ramp = 1;
  return 1 - ramp;
}

Real Ntk(Real base, Real stretch, Real d, int64_t i) {
  const Real longer = base * std::pow(stretch, d / (d - 2));
  return std::pow(longer, -2 * static_cast<Real>(i) / d);
}

Real InvFreqOf(const rotary_scaling& s, int64_t dim, Real base, int64_t i,
               int64_t count, bool* fits) {
  const Real d = static_cast<Real>(dim);
  const Real index = static_cast<Real>(i);
  const Real plain = std::pow(base, -2 * index / d);
  const Real factor = s.factor;
  const Real trained = s.original_length;
  switch (s.kind) {
    case ROTARY_SCALING_LINEAR:
      return plain / factor;
    case ROTARY_SCALING_NTK:
      return Ntk(base, factor, d, i);
    case ROTARY_SCALING_DYNAMIC_NTK: {
      const Real length = std::max<Real>(s.length, trained);
      return Ntk(base, factor * length / trained - (factor - 1), d, i);
    }
    case ROTARY_SCALING_NTK_BY_PARTS: {
      const Real ntk_share =
          Kept(s, d, base, s.beta_0, s.beta_1, true, i, fits) * s.ntk_factor;
      const Real plain_share =
          Kept(s, d, base, s.gamma_0, s.gamma_1, true, i, fits) *
          s.extrapolation_factor;
      const Real mixed = plain / factor * (1 - ntk_share) +
                         Ntk(base, factor, d, i) * ntk_share;
      return mixed * (1 - plain_share) + plain * plain_share;
    }
    case ROTARY_SCALING_NTK_MIXED: {
      const Real a = std::log(factor) / std::pow(d / 2, Real{s.exponent});
      return plain / std::exp(a * std::pow(index + 1, Real{s.exponent}));
    }
    case ROTARY_SCALING_YARN:
    case ROTARY_SCALING_GGML: {
      if (s.extrapolation_factor == 0) return plain / factor;
      const bool truncate = s.kind == ROTARY_SCALING_GGML || s.truncate == 1;
      const Real share =
          Kept(s, d, base, s.beta_fast, s.beta_slow, truncate, i, fits) *
          s.extrapolation_factor;
      return plain * share + plain / factor * (1 - share);
    }
    case ROTARY_SCALING_LONGROPE: {
      const bool is_long = s.length > s.original_length;
      return plain / ElementOf(is_long ? s.long_factors : s.short_factors,
                               s.factors_dtype, i);
    }
    case ROTARY_SCALING_LLAMA3: {
      const Real wavelength = kTwoPi / plain;
      if (wavelength < trained / s.high_freq_factor) return plain;
      if (wavelength > trained / s.low_freq_factor) return plain / factor;
      const Real span = Real{s.high_freq_factor} - s.low_freq_factor;
      if (span == 0) return plain / factor;
      const Real m = (trained / wavelength - s.low_freq_factor) / span;
      return (1 - m) * plain / factor + m * plain;
    }
    case ROTARY_SCALING_PROPORTIONAL: {
      const double turning = s.partial_rotary_factor * static_cast<double>(dim);
      return index < std::floor(turning / 2) ? plain / factor : 0;
    }
    case ROTARY_SCALING_GEOMETRIC:
    case ROTARY_SCALING_LINSPACE: {
      const Real first = s.first_freq;
      const Real last = s.last_freq;
      if (i == 0) return first;
      const Real way = index / static_cast<Real>(count - 1);
      if (s.kind == ROTARY_SCALING_LINSPACE) {
        return first + way * (last - first);
      }
      return first * std::pow(last / first, way);
    }
    case ROTARY_SCALING_RIFLEX:
      if (s.length == 0 || index != s.pair) return plain;
      return 0.9L * kTwoPi / s.length;
    default:
      return plain;
  }
}

Real Magnitude(Real factor, Real mscale) {
  return factor <= 1 ? 1 : 0.1L * mscale * std::log(factor) + 1;
}

Real AttentionOf(const rotary_scaling& s) {
  const Real factor = s.factor;
  switch (s.kind) {
    case ROTARY_SCALING_YARN:
      if (s.attention_factor != 0) return s.attention_factor;
      if (s.mscale != 0 && s.mscale_all_dim != 0) {
        return Magnitude(factor, s.mscale) /
               Magnitude(factor, s.mscale_all_dim);
      }
      return Magnitude(factor, 1);
    case ROTARY_SCALING_LONGROPE:
      if (s.attention_factor != 0) return s.attention_factor;
      if (s.factor <= 1) return 1;
      return std::sqrt(1 + std::log(factor) /
                               std::log(static_cast<Real>(s.original_length)));
    case ROTARY_SCALING_GGML:
      return s.extrapolation_factor == 0 ? 1 : 1 + 0.1L * std::log(factor);
    default:
      return 1;
  }
}

double RelativeError(double value, Real truth) {
  if (truth == 0) return std::fabs(value);
  return static_cast<double>(std::fabs(value / truth - 1));
}

}  // namespace

ScaledConfig::ScaledConfig(rotary_scaling_kind kind, int64_t rotary_dim,
                           double base) {
  rotary_scaling_init(&scaling, sizeof(scaling), kind);
  scaling.factor = 4;
  scaling.original_length = 4096;
  scaling.first_freq = 3;
  scaling.last_freq = 0.25;
  scaling.factors_dtype = ROTARY_F64;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = rotary_dim;
  config.base = base;
  config.scaling = &scaling;
  if (kind != ROTARY_SCALING_LONGROPE) return;
  for (int64_t i = 0; i < rotary_dim / 2; ++i) {
    short_factors.push_back(1 + 0.01 * static_cast<double>(i));
    long_factors.push_back(1.5 + 0.75 * static_cast<double>(i));
  }
  scaling.short_factors = short_factors.data();
  scaling.long_factors = long_factors.data();
}

Embedding ScaledConfig::Make() const {
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_create(&config, &embedding, &error), error);
  return Embedding(embedding);
}

TrueScaling TrueScalingOf(const rotary_embedding_config& config) {
  const rotary_scaling& scaling = *config.scaling;
  const int64_t dim =
      config.freq_dim == 0 ? config.rotary_dim : config.freq_dim;
  TrueScaling truth;
  truth.fits = true;
  for (int64_t i = 0; i < config.rotary_dim / 2; ++i) {
    Real value = InvFreqOf(scaling, dim, config.base, i, config.rotary_dim / 2,
                           &truth.fits);
    if (scaling.factors != nullptr) {
      value /= ElementOf(scaling.factors, scaling.factors_dtype, i);
    }
    truth.inv_freq.push_back(value);
  }
  truth.gain = AttentionOf(scaling) * config.gain;
  truth.softmax_multiplier = 1;
  if (scaling.kind == ROTARY_SCALING_YARN && scaling.mscale_all_dim != 0) {
    truth.softmax_multiplier =
        std::pow(Magnitude(scaling.factor, scaling.mscale_all_dim), 2);
  }
  return truth;
}

void CheckScaling(const ScaledConfig& scaled) {
  const int kind = scaled.scaling.kind;
  const int64_t rotary_dim = scaled.config.rotary_dim;
  const int64_t freq_dim = scaled.config.freq_dim;
  const double factor = scaled.scaling.factor;
  CAPTURE(kind);
  CAPTURE(rotary_dim);
  CAPTURE(freq_dim);
  CAPTURE(factor);
  const Embedding embedding = scaled.Make();
  const TrueScaling truth = TrueScalingOf(scaled.config);
  const std::vector<double> inv_freq = InvFreq(embedding.get());
  REQUIRE(inv_freq.size() == truth.inv_freq.size());
  double worst = 0;
  for (size_t i = 0; i < inv_freq.size(); ++i) {
    worst = std::max(worst, RelativeError(inv_freq[i], truth.inv_freq[i]));
  }
  CHECK_LE(worst, 1e-12);
  // A few operations, none of which loses digits.
  CHECK_LE(RelativeError(rotary_embedding_gain(embedding.get()), truth.gain),
           1e-14);
  CHECK_LE(RelativeError(rotary_embedding_softmax_multiplier(embedding.get()),
                         truth.softmax_multiplier),
           1e-14);
}

}  // namespace rotary_test
