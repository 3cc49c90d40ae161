// The numbers of MPFR, and what the tests against them share: how far values of
// f32 are from the truth, and numbers that are turned nearly to multiples of
// pi / 2.
#ifndef TESTS_SUPPORT_TRUTH_H_
#define TESTS_SUPPORT_TRUTH_H_

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

// The nearest f32, infinite if that is too large.
float Rounded(const Mp& truth);

// The ulp of f32 where the truth is; below the normal ones 2^-149.
double UlpOf(const Mp& truth);

// How many values of f32 there were, how many of them violate a bound, which is
// for others to know, and how many are not rounded correctly.
class ValueCount {
 public:
  int64_t count() const { return count_; }
  int64_t violations() const { return violations_; }
  int64_t misrounded() const { return misrounded_; }

 protected:
  // Counts a value.  Returns its error.
  double AddValue(float got, const Mp& truth);
  void AddViolation() { ++violations_; }

 private:
  Mp error_;
  int64_t count_ = 0;
  int64_t violations_ = 0;
  int64_t misrounded_ = 0;
};

// Whole numbers below `limit`, which is 2^53 at most, that `number` times 2 /
// pi turns nearly to a whole number, nearer than any smaller one, of those at
// least `least`: the denominators of its convergents.
std::vector<double> NearQuarterTurns(double number, double least, double limit);

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_TRUTH_H_
