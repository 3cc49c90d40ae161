// The true cos and sin of an angle, by MPFR, and positions where one of them is
// nearly zero.  Used by rows_accuracy_test.
#ifndef TESTS_ROWS_TRUE_ROW_H_
#define TESTS_ROWS_TRUE_ROW_H_

#include <mpfr.h>

#include <cstdint>
#include <vector>

namespace rotary_test {

// A number of 200 bits: a position (31 bits) times an inv_freq (53) is exact,
// and so is whatever its reduction by pi needs.
class Mp {
 public:
  Mp() { mpfr_init2(value_, 200); }
  explicit Mp(double value) : Mp() { mpfr_set_d(value_, value, MPFR_RNDN); }
  Mp(const Mp&) = delete;
  Mp& operator=(const Mp&) = delete;
  ~Mp() { mpfr_clear(value_); }

  mpfr_ptr get() { return value_; }
  mpfr_srcptr get() const { return value_; }

 private:
  mpfr_t value_;
};

// Sets cos and sin to those of position * inv_freq.
void TrueCosSin(int64_t position, double inv_freq, Mp* cos, Mp* sin);

// How far values are from the truth.
class ErrorCount {
 public:
  // `scale` is what multiplies the row: the gain, or 1 / gain.  The bound is
  // max(1 ulp of f32, scale * 2^-50), the ulp that of the truth.
  void Add(float got, const Mp& truth, double scale);

  int64_t count() const { return count_; }
  int64_t violations() const { return violations_; }
  int64_t misrounded() const { return misrounded_; }
  // The largest errors, each in the unit that the bound takes there.
  double worst_ulps() const { return worst_ulps_; }
  double worst_absolute() const { return worst_absolute_; }

 private:
  Mp error_;
  int64_t count_ = 0;
  int64_t violations_ = 0;
  int64_t misrounded_ = 0;
  double worst_ulps_ = 0;
  double worst_absolute_ = 0;
};

// Positions below 2^31 that inv_freq turns nearly to a multiple of pi / 2,
// nearer than any smaller position: the denominators of the convergents of
// inv_freq * 2 / pi.  With each, some multiples of it.
std::vector<int64_t> PositionsNearZeros(double inv_freq);

}  // namespace rotary_test

#endif  // TESTS_ROWS_TRUE_ROW_H_
