// How far values of f32 are from the truth, beyond the rounding that they must
// have.  Used by the tests of the kernels that make cos and sin.
#ifndef TESTS_KERNELS_DEVIATION_H_
#define TESTS_KERNELS_DEVIATION_H_

#include <cstdint>

#include "tests/support/truth.h"

namespace rotary_test {

class Deviation : public ValueCount {
 public:
  // The bound is half an ulp of f32, that of the truth, plus `more`.  What is
  // too large for f32 must be infinity.
  void Add(float got, const Mp& truth, double more);

  // The largest error beyond half an ulp, in `more`.
  double worst() const { return worst_; }

 private:
  double worst_ = 0;
};

// k * pi / 2, rounded to f64.
double QuarterTurns(int64_t k);

}  // namespace rotary_test

#endif  // TESTS_KERNELS_DEVIATION_H_
