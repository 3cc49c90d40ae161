// How far values of f32 are from the truth, beyond the rounding that they must
// have.  Used by the tests of the kernels that make cos and sin.
#ifndef TESTS_KERNELS_DEVIATION_H_
#define TESTS_KERNELS_DEVIATION_H_

#include <cstdint>
#include <vector>

#include "tests/rows/true_row.h"

namespace rotary_test {

class Deviation {
 public:
  // The bound is half an ulp of f32, that of the truth, plus `more`.  What is
  // too large for f32 must be infinity.
  void Add(float got, const Mp& truth, double more);

  int64_t count() const { return count_; }
  int64_t violations() const { return violations_; }
  int64_t misrounded() const { return misrounded_; }
  // The largest error beyond half an ulp, in `more`.
  double worst() const { return worst_; }

 private:
  Mp error_;
  int64_t count_ = 0;
  int64_t violations_ = 0;
  int64_t misrounded_ = 0;
  double worst_ = 0;
};

// Whole numbers below `limit` that `number` times 2 / pi turns nearly to a
// whole number, nearer than any smaller one, of those at least `least`: the
// denominators of its convergents.
std::vector<double> NearQuarterTurns(double number, double least, double limit);

// k * pi / 2, rounded to f64.
double QuarterTurns(int64_t k);

}  // namespace rotary_test

#endif  // TESTS_KERNELS_DEVIATION_H_
