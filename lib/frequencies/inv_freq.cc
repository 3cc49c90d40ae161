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

double DefaultInvFreq(double base, int64_t index, int64_t dim) {
  return RationalPower(base, static_cast<double>(-2 * index),
                       static_cast<double>(dim));
}

}  // namespace rotary
