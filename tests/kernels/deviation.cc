// MPFR arithmetic of deviation.h.
#include "tests/kernels/deviation.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace rotary_test {

void Deviation::Add(float got, const Mp& truth, double more) {
  ++count_;
  const float rounded = mpfr_get_flt(truth.get(), MPFR_RNDN);
  if (got != rounded) ++misrounded_;
  if (std::isinf(rounded)) {
    if (got != rounded) ++violations_;
    return;
  }
  mpfr_sub_d(error_.get(), truth.get(), static_cast<double>(got), MPFR_RNDN);
  const double error = std::fabs(mpfr_get_d(error_.get(), MPFR_RNDN));
  // mpfr's exponent e: 2^(e-1) <= |truth| < 2^e.
  const bool is_zero = mpfr_zero_p(truth.get()) != 0;
  const int exponent =
      is_zero
          ? -149
          : std::max(static_cast<int>(mpfr_get_exp(truth.get())) - 24, -149);
  const double beyond = error - 0.5 * std::ldexp(1.0, exponent);
  // Written so that a NaN violates the bound.
  if (!(beyond <= more)) ++violations_;
  if (more > 0) worst_ = std::max(worst_, beyond / more);
}

std::vector<double> NearQuarterTurns(double number, double least,
                                     double limit) {
  std::vector<double> found;
  Mp pi;
  Mp rest(number);
  Mp whole;
  mpfr_const_pi(pi.get(), MPFR_RNDN);
  mpfr_mul_ui(rest.get(), rest.get(), 2, MPFR_RNDN);
  mpfr_div(rest.get(), rest.get(), pi.get(), MPFR_RNDN);
  mpfr_frac(rest.get(), rest.get(), MPFR_RNDN);
  // Whole numbers: exact in f64 up to a limit of 2^53.
  double previous = 0;
  double denominator = 1;
  while (mpfr_zero_p(rest.get()) == 0) {
    mpfr_ui_div(rest.get(), 1, rest.get(), MPFR_RNDN);
    mpfr_floor(whole.get(), rest.get());
    mpfr_sub(rest.get(), rest.get(), whole.get(), MPFR_RNDN);
    const double next =
        mpfr_get_d(whole.get(), MPFR_RNDN) * denominator + previous;
    if (!(next < limit)) break;
    previous = denominator;
    denominator = next;
    if (denominator >= least) found.push_back(denominator);
  }
  return found;
}

double QuarterTurns(int64_t k) {
  Mp turns;
  mpfr_const_pi(turns.get(), MPFR_RNDN);
  mpfr_mul_si(turns.get(), turns.get(), k, MPFR_RNDN);
  mpfr_div_ui(turns.get(), turns.get(), 2, MPFR_RNDN);
  return mpfr_get_d(turns.get(), MPFR_RNDN);
}

}  // namespace rotary_test
