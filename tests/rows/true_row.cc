// MPFR arithmetic of true_row.h.
#include "tests/rows/true_row.h"

#include <algorithm>

namespace rotary_test {

void TrueCosSin(int64_t position, double inv_freq, Mp* cos, Mp* sin) {
  Mp angle(inv_freq);
  mpfr_mul_si(angle.get(), angle.get(), position, MPFR_RNDN);
  mpfr_sin_cos(sin->get(), cos->get(), angle.get(), MPFR_RNDN);
}

void ErrorCount::Add(float got, const Mp& truth, double scale) {
  const double error = AddValue(got, truth);
  const double ulp = UlpOf(truth);
  const double absolute = scale * 0x1p-50;
  // Written so that a NaN violates the bound.
  if (!(error <= std::max(ulp, absolute))) AddViolation();
  if (ulp >= absolute) {
    worst_ulps_ = std::max(worst_ulps_, error / ulp);
  } else {
    worst_absolute_ = std::max(worst_absolute_, error / absolute);
  }
}

std::vector<int64_t> PositionsNearZeros(double inv_freq) {
  constexpr double kLimit = 0x1p31;
  std::vector<int64_t> positions;
  for (const double nearest : NearQuarterTurns(inv_freq, 1, kLimit)) {
    for (const double multiple : {-1.0, 1.0, 2.0, 3.0}) {
      if (nearest * multiple < kLimit) {
        positions.push_back(static_cast<int64_t>(nearest * multiple));
      }
    }
  }
  return positions;
}

}  // namespace rotary_test
