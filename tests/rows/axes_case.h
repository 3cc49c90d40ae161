// A valid config of several axes, of any layout, to be changed, and the
// frequencies that must come of it.  Used by the tests of axes.
#ifndef TESTS_ROWS_AXES_CASE_H_
#define TESTS_ROWS_AXES_CASE_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/support/objects.h"

namespace rotary_test {

constexpr rotary_axes_layout kLastLayout = ROTARY_AXES_ALTERNATING;

struct AxesCase {
  // For each axis its section; of layouts that have none their number counts.
  AxesCase(rotary_axes_layout layout, int64_t rotary_dim,
           const std::vector<int64_t>& sections, double base = 10000);
  AxesCase(const AxesCase&) = delete;
  AxesCase& operator=(const AxesCase&) = delete;
  ~AxesCase() = default;

  void SetScaling(rotary_scaling_kind kind);

  Embedding Make() const;

  rotary_axes axes;
  rotary_scaling scaling;
  rotary_embedding_config config;
  std::vector<double> factors;   // given by the test if it wants any
  std::vector<double> inv_freq;  // the same
};

// By plain loops, in long double: [heads][axes][rotary_dim / 2].
std::vector<long double> TrueMatrix(const AxesCase& of);

// The same as the embedding has it.
std::vector<double> Matrix(const rotary_embedding* embedding);

// The embedding's matrix against TrueMatrix, to 1e-12 of each value (a few
// roundings, and of a ramp's ends: see CheckScaling) and 1e-300, where numbers
// are subnormal, and 0 where that is 0.  Returns the embedding.
Embedding CheckMatrix(const AxesCase& of);

}  // namespace rotary_test

#endif  // TESTS_ROWS_AXES_CASE_H_
