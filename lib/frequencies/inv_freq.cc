#include "lib/frequencies/inv_freq.h"

#include <math.h>

namespace rotary {

void DefaultInvFreq(int64_t rotary_dim, double base, double* inv_freq) {
  const double d = static_cast<double>(rotary_dim);
  const double log_base = log(base);
  for (int64_t i = 0; i < rotary_dim / 2; ++i) {
    // The exponent is rounded; what that lost, to first order, is several units
    // in the last place of the power.
    const double numerator = static_cast<double>(-2 * i);
    const double exponent = numerator / d;
    const double rest = fma(-exponent, d, numerator) / d;
    const double power = pow(base, exponent);
    inv_freq[i] = power + power * (rest * log_base);
  }
}

}  // namespace rotary
