// The true cos and sin of an angle, by MPFR, how far rows are from them, and
// positions where one of them is nearly zero.  Used by the tests of rows.
#ifndef TESTS_ROWS_TRUE_ROW_H_
#define TESTS_ROWS_TRUE_ROW_H_

#include <cstdint>
#include <vector>

#include "tests/support/truth.h"

namespace rotary_test {

// Sets cos and sin to those of position * inv_freq.
void TrueCosSin(int64_t position, double inv_freq, Mp* cos, Mp* sin);

// How far values are from the truth.
class ErrorCount : public ValueCount {
 public:
  // `scale` is what multiplies the row: the gain, or 1 / gain.  The bound is
  // max(1 ulp of f32, scale * 2^-50), the ulp that of the truth.
  void Add(float got, const Mp& truth, double scale);

  // The largest errors, each in the unit that the bound takes there.
  double worst_ulps() const { return worst_ulps_; }
  double worst_absolute() const { return worst_absolute_; }

 private:
  double worst_ulps_ = 0;
  double worst_absolute_ = 0;
};

// Positions below 2^31 that inv_freq turns nearly to a multiple of pi / 2,
// nearer than any smaller position, and some multiples of each.
std::vector<int64_t> PositionsNearZeros(double inv_freq);

}  // namespace rotary_test

#endif  // TESTS_ROWS_TRUE_ROW_H_
