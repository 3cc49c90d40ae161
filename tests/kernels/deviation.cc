// MPFR arithmetic of deviation.h.
#include "tests/kernels/deviation.h"

#include <algorithm>
#include <cmath>

namespace rotary_test {

void Deviation::Add(float got, const Mp& truth, double more) {
  const double error = AddValue(got, truth);
  const float rounded = Rounded(truth);
  if (std::isinf(rounded)) {
    if (got != rounded) AddViolation();
    return;
  }
  const double beyond = error - 0.5 * UlpOf(truth);
  // Written so that a NaN violates the bound.
  if (!(beyond <= more)) AddViolation();
  if (more > 0) worst_ = std::max(worst_, beyond / more);
}

double QuarterTurns(int64_t k) {
  Mp turns;
  mpfr_const_pi(turns.get(), MPFR_RNDN);
  mpfr_mul_si(turns.get(), turns.get(), k, MPFR_RNDN);
  mpfr_div_ui(turns.get(), turns.get(), 2, MPFR_RNDN);
  return mpfr_get_d(turns.get(), MPFR_RNDN);
}

}  // namespace rotary_test
