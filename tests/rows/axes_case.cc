// The layouts as their models have them, one after the other: nothing is shared
// with the library.
#include "tests/rows/axes_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace rotary_test {
namespace {

using Real = long double;
constexpr Real kTwoPi = 6.283185307179586476925286766559L;

// Where f64 and what it is computed of lose digits to underflow.
constexpr Real kTiny = 1e-300L;

// What turns a pair: frequency `index` of the `count` that its axis has.
struct Turns {
  int64_t axis;  // -1: none
  int64_t index;
  int64_t count;
  bool begins_again;  // with each axis
};

// One for each of n pairs.
std::vector<Turns> TurnsOf(const rotary_axes& axes, int64_t n) {
  std::vector<Turns> all;
  const int64_t* s = axes.sections;
  const int64_t count = axes.num_axes;
  const auto size = [&] { return static_cast<int64_t>(all.size()); };
  const auto add = [&](int64_t axis) {
    if (size() < n) all.push_back({axis, size(), n, false});
  };
  switch (axes.layout) {
    case ROTARY_AXES_SECTIONS:
    case ROTARY_AXES_SECTIONS_GGML:
      while (size() < n) {
        for (int64_t a = 0; a < count; ++a) {
          for (int64_t k = 0; k < s[a]; ++k) add(a);
        }
      }
      break;
    case ROTARY_AXES_INTERLEAVED:
      while (size() < n) add(0);
      for (int64_t a = 1; a < count; ++a) {
        for (int64_t i = a; i < std::min(n, count * s[a]); i += count) {
          all[static_cast<size_t>(i)].axis = a;
        }
      }
      break;
    case ROTARY_AXES_INTERLEAVED_GGML:
      for (int64_t sector = 0; size() < n; ++sector) {
        if (sector == s[0] + s[1] + s[2] + s[3]) sector = 0;
        if (sector % 3 == 1 && sector < 3 * s[1]) {
          add(1);
        } else if (sector % 3 == 2 && sector < 3 * s[2]) {
          add(2);
        } else if (sector % 3 == 0 && sector < 3 * s[0]) {
          add(0);
        } else {
          add(3);
        }
      }
      break;
    case ROTARY_AXES_ALTERNATING_LAST:
      for (int64_t k = 0; k < s[1] + s[2]; ++k) add(1 + k % 2);
      for (int64_t k = 0; k < s[0]; ++k) add(0);
      break;
    case ROTARY_AXES_BLOCKS:
      for (int64_t a = 0; a < count; ++a) {
        for (int64_t k = 0; k < s[a]; ++k) all.push_back({a, k, s[a], true});
      }
      break;
    case ROTARY_AXES_STRIDED:
      for (int64_t a = 0; a < count; ++a) {
        for (int64_t k = a; k < n; k += count) {
          all.push_back({a, k, n, false});
        }
      }
      break;
    default:  // ROTARY_AXES_ALTERNATING
      for (int64_t k = 0; k < n % count; ++k) all.push_back({-1, 0, 1, true});
      for (int64_t k = 0; k < n / count; ++k) {
        for (int64_t a = 0; a < count; ++a) {
          all.push_back({a, k, n / count, true});
        }
      }
      break;
  }
  REQUIRE(size() == n);
  return all;
}

// The share of pair i that keeps its frequency, of all d / 2 pairs.
Real Kept(const rotary_scaling& s, Real d, Real base, int64_t i) {
  if (s.extrapolation_factor == 0) return 0;
  const auto pair_of = [&](double turns) {
    return d * std::log(s.original_length / (kTwoPi * turns)) /
           (2 * std::log(base));
  };
  const Real low = std::max(Real{0}, std::floor(pair_of(s.beta_fast)));
  const Real high = std::min(d - 1, std::ceil(pair_of(s.beta_slow)));
  const Real ramp = (static_cast<Real>(i) - low) / std::max(0.001L, high - low);
  return (1 - std::min(Real{1}, std::max(Real{0}, ramp))) *
         s.extrapolation_factor;
}

Real NtkOf(Real base, Real stretch, Real d, Real index) {
  return std::pow(base * std::pow(stretch, d / (d - 2)), -2 * index / d);
}

// Of frequency `index` of `count`; `d` of its exponent, `all` of the ramp's.
Real FrequencyOf(const rotary_scaling& s, Real base, const Turns& by, Real d,
                 Real all, int64_t i) {
  const Real index = static_cast<Real>(by.index);
  const Real plain = std::pow(base, -2 * index / d);
  const Real way = by.count == 1 ? 0 : index / static_cast<Real>(by.count - 1);
  switch (s.kind) {
    case ROTARY_SCALING_LINEAR:
      return plain / s.factor;
    case ROTARY_SCALING_NTK:
      return NtkOf(base, s.factor, d, index);
    case ROTARY_SCALING_DYNAMIC_NTK: {
      const Real times =
          std::max(s.length, s.original_length) / Real{s.original_length};
      return NtkOf(base, s.factor * times - (s.factor - 1), d, index);
    }
    case ROTARY_SCALING_NTK_MIXED:
      return plain / std::pow(Real{s.factor}, std::pow((index + 1) / (d / 2),
                                                       Real{s.exponent}));
    case ROTARY_SCALING_LONGROPE:
      return plain / static_cast<const double*>(s.short_factors)[i];
    case ROTARY_SCALING_LLAMA3: {
      const Real turns = s.original_length * plain / kTwoPi;
      const Real kept =
          std::min(Real{1}, std::max(Real{0}, (turns - s.low_freq_factor) /
                                                  (Real{s.high_freq_factor} -
                                                   s.low_freq_factor)));
      return plain / s.factor * (1 - kept) + plain * kept;
    }
    case ROTARY_SCALING_YARN:
    case ROTARY_SCALING_GGML: {
      const Real kept = Kept(s, all, base, i);
      return plain / s.factor * (1 - kept) + plain * kept;
    }
    case ROTARY_SCALING_PROPORTIONAL:
      return index < std::floor(s.partial_rotary_factor * d / 2)
                 ? plain / s.factor
                 : 0;
    case ROTARY_SCALING_GEOMETRIC:
      return s.first_freq * std::pow(Real{s.last_freq} / s.first_freq, way);
    case ROTARY_SCALING_LINSPACE:
      return s.first_freq + way * (Real{s.last_freq} - s.first_freq);
    default:
      return plain;
  }
}

}  // namespace

AxesCase::AxesCase(rotary_axes_layout layout, int64_t rotary_dim,
                   const std::vector<int64_t>& sections, double base) {
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = static_cast<int64_t>(sections.size());
  axes.layout = layout;
  std::copy(sections.begin(), sections.end(), axes.sections);
  rotary_scaling_init(&scaling, sizeof(scaling), ROTARY_SCALING_DEFAULT);
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = rotary_dim;
  config.base = base;
  config.axes = &axes;
}

void AxesCase::SetScaling(rotary_scaling_kind kind) {
  rotary_scaling_init(&scaling, sizeof(scaling), kind);
  scaling.factor = 4;
  scaling.original_length = 4096;
  scaling.partial_rotary_factor = 0.75;
  scaling.first_freq = 3;
  scaling.last_freq = 0.25;
  scaling.factors_dtype = ROTARY_F64;
  config.scaling = &scaling;
}

Embedding AxesCase::Make() const {
  rotary_embedding_config made = config;
  rotary_scaling scaled = scaling;
  if (!factors.empty()) scaled.factors = factors.data();
  if (made.scaling != nullptr) made.scaling = &scaled;
  if (!inv_freq.empty()) made.inv_freq = inv_freq.data();
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_create(&made, &embedding, &error), error);
  return Embedding(embedding);
}

std::vector<long double> TrueMatrix(const AxesCase& of) {
  const int64_t pairs = of.config.rotary_dim / 2;
  const int64_t axes = of.axes.num_axes;
  const int64_t all = pairs * of.config.heads;
  const std::vector<Turns> turns = TurnsOf(of.axes, all);
  const auto dim = [&](int64_t count) {
    const int64_t set = of.config.freq_dim;
    return static_cast<Real>(set != 0 ? set : 2 * count);
  };
  std::vector<Real> matrix(static_cast<size_t>(all * axes), 0);
  for (int64_t i = 0; i < all; ++i) {
    const Turns& by = turns[static_cast<size_t>(i)];
    if (by.axis < 0) continue;
    Real value = of.inv_freq.empty()
                     ? FrequencyOf(of.scaling, of.config.base, by,
                                   dim(by.count), dim(all), i)
                     : of.inv_freq[static_cast<size_t>(i)];
    if (!of.factors.empty()) value /= of.factors[static_cast<size_t>(i)];
    matrix[static_cast<size_t>((i / pairs * axes + by.axis) * pairs +
                               i % pairs)] = value;
  }
  return matrix;
}

std::vector<double> Matrix(const rotary_embedding* embedding) {
  const int64_t count = rotary_embedding_heads(embedding) *
                        rotary_embedding_axes(embedding) *
                        rotary_embedding_rotary_dim(embedding) / 2;
  std::vector<double> matrix(static_cast<size_t>(count));
  rotary_error error;
  RequireOk(rotary_embedding_inv_freq(embedding, matrix.data(), count, &error),
            error);
  return matrix;
}

Embedding CheckMatrix(const AxesCase& of) {
  Embedding embedding = of.Make();
  CHECK_EQ(rotary_embedding_axes(embedding.get()), of.axes.num_axes);
  CHECK_EQ(rotary_embedding_heads(embedding.get()), of.config.heads);
  const std::vector<Real> truth = TrueMatrix(of);
  const std::vector<double> matrix = Matrix(embedding.get());
  REQUIRE(matrix.size() == truth.size());
  Real worst = 0;
  int64_t no_zeros = 0;
  for (size_t i = 0; i < matrix.size(); ++i) {
    if (truth[i] == 0) {
      if (matrix[i] != 0) ++no_zeros;
    } else {
      worst = std::max(worst, (std::fabs(matrix[i] - truth[i]) - kTiny) /
                                  std::fabs(truth[i]));
    }
  }
  CHECK_LE(static_cast<double>(worst), 1e-12);
  CHECK_EQ(no_zeros, 0);
  return embedding;
}

}  // namespace rotary_test
