// A valid config with a scaling of any kind, to be changed, and what must come
// of it.  Used by the tests of scalings.
#ifndef TESTS_FREQUENCIES_SCALED_CONFIG_H_
#define TESTS_FREQUENCIES_SCALED_CONFIG_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/objects.h"

namespace rotary_test {

constexpr rotary_scaling_kind kLastScaling = ROTARY_SCALING_RIFLEX;

// Factor 4 of 4096 tokens, and lists for the kind that needs them.
struct ScaledConfig {
  explicit ScaledConfig(rotary_scaling_kind kind, int64_t rotary_dim = 64,
                        double base = 10000);
  ScaledConfig(const ScaledConfig&) = delete;
  ScaledConfig& operator=(const ScaledConfig&) = delete;
  ~ScaledConfig() = default;

  Embedding Make() const;

  rotary_scaling scaling;
  rotary_embedding_config config;
  std::vector<double> factors;  // given by the test if it wants any
  std::vector<double> short_factors;
  std::vector<double> long_factors;
};

// By plain loops over the published formulas, in long double.
struct TrueScaling {
  std::vector<long double> inv_freq;
  long double gain;  // with that of the config
  long double softmax_multiplier;
  bool fits;  // no ramp lies outside of the pairs
};
TrueScaling TrueScalingOf(const rotary_embedding_config& config);

// The embedding of the config against TrueScalingOf, to 1e-12 of each value.
// Every step is some roundings of f64.  What grows is the error of a ramp's
// ends where they are not whole, about 2^-51 d: with turns that are a factor 4
// apart it is 2^-51 * 2 ln base / ln 4 of the ramp, and relative to what is
// interpolated `factor` times as much, for bases to 1e7 and factors to 40 below
// 5e-13.
void CheckScaling(const ScaledConfig& scaled);

}  // namespace rotary_test

#endif  // TESTS_FREQUENCIES_SCALED_CONFIG_H_
