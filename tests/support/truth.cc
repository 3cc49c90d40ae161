// MPFR arithmetic of truth.h.
#include "tests/support/truth.h"

#include <algorithm>
#include <cmath>

namespace rotary_test {

float Rounded(const Mp& truth) { return mpfr_get_flt(truth.get(), MPFR_RNDN); }

double UlpOf(const Mp& truth) {
  constexpr int kLeast = -149;
  if (mpfr_zero_p(truth.get()) != 0) return std::ldexp(1.0, kLeast);
  // mpfr's exponent e: 2^(e-1) <= |truth| < 2^e.
  const auto exponent = static_cast<int>(mpfr_get_exp(truth.get()));
  return std::ldexp(1.0, std::max(exponent - 24, kLeast));
}

double ValueCount::AddValue(float got, const Mp& truth) {
  ++count_;
  if (got != Rounded(truth)) ++misrounded_;
  mpfr_sub_d(error_.get(), truth.get(), static_cast<double>(got), MPFR_RNDN);
  return std::fabs(mpfr_get_d(error_.get(), MPFR_RNDN));
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
  mpfr_abs(rest.get(), rest.get(), MPFR_RNDN);
  // Whole numbers, exact in f64.
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

}  // namespace rotary_test
