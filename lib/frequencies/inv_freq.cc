#include "lib/frequencies/inv_freq.h"

#include <math.h>

namespace rotary {

double RationalPower(double base, double numerator, double denominator) {
  // The exponent is rounded; what that lost, to first order, is several units
  // in the last place of the power.
  const double exponent = numerator / denominator;
  const double rest = fma(-exponent, denominator, numerator) / denominator;
  const double power = pow(base, exponent);
  return power + power * (rest * log(base));
}

void DefaultInvFreq(int64_t count, int64_t freq_dim, double base,
                    double* inv_freq) {
  const double d = static_cast<double>(freq_dim);
  for (int64_t i = 0; i < count; ++i) {
    inv_freq[i] = RationalPower(base, static_cast<double>(-2 * i), d);
  }
}

}  // namespace rotary
