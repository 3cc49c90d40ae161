// MPFR arithmetic of true_row.h.
#include "tests/rows/true_row.h"

#include <algorithm>
#include <cmath>

namespace rotary_test {

void TrueCosSin(int64_t position, double inv_freq, Mp* cos, Mp* sin) {
  Mp angle(inv_freq);
  mpfr_mul_si(angle.get(), angle.get(), position, MPFR_RNDN);
  mpfr_sin_cos(sin->get(), cos->get(), angle.get(), MPFR_RNDN);
}

void ErrorCount::Add(float got, const Mp& truth, double scale) {
  mpfr_sub_d(error_.get(), truth.get(), static_cast<double>(got), MPFR_RNDN);
  const double error = std::fabs(mpfr_get_d(error_.get(), MPFR_RNDN));
  // mpfr's exponent e: 2^(e-1) <= |truth| < 2^e.
  const bool is_zero = mpfr_zero_p(truth.get()) != 0;
  const int exponent =
      is_zero
          ? -149
          : std::max(static_cast<int>(mpfr_get_exp(truth.get())) - 24, -149);
  const double ulp = std::ldexp(1.0, exponent);
  const double absolute = scale * 0x1p-50;
  ++count_;
  // Written so that a NaN violates the bound.
  if (!(error <= std::max(ulp, absolute))) ++violations_;
  if (got != mpfr_get_flt(truth.get(), MPFR_RNDN)) ++misrounded_;
  if (ulp >= absolute) {
    worst_ulps_ = std::max(worst_ulps_, error / ulp);
  } else {
    worst_absolute_ = std::max(worst_absolute_, error / absolute);
  }
}

std::vector<int64_t> PositionsNearZeros(double inv_freq) {
  constexpr int64_t kLimit = int64_t{1} << 31;
  std::vector<int64_t> positions;
  Mp pi;
  Mp rest(inv_freq);
  Mp whole;
  mpfr_const_pi(pi.get(), MPFR_RNDN);
  mpfr_mul_ui(rest.get(), rest.get(), 2, MPFR_RNDN);
  mpfr_div(rest.get(), rest.get(), pi.get(), MPFR_RNDN);
  mpfr_frac(rest.get(), rest.get(), MPFR_RNDN);
  mpfr_abs(rest.get(), rest.get(), MPFR_RNDN);
  int64_t previous = 0;
  int64_t denominator = 1;
  while (mpfr_zero_p(rest.get()) == 0) {
    mpfr_ui_div(rest.get(), 1, rest.get(), MPFR_RNDN);
    mpfr_floor(whole.get(), rest.get());
    mpfr_sub(rest.get(), rest.get(), whole.get(), MPFR_RNDN);
    if (mpfr_cmp_si(whole.get(), kLimit) >= 0) break;
    const int64_t next =
        mpfr_get_si(whole.get(), MPFR_RNDN) * denominator + previous;
    if (next >= kLimit) break;
    previous = denominator;
    denominator = next;
    for (const int64_t multiple : {-1, 1, 2, 3}) {
      if (denominator * multiple < kLimit) {
        positions.push_back(denominator * multiple);
      }
    }
  }
  return positions;
}

}  // namespace rotary_test
