#include "lib/frequencies/ramp.h"

#include <math.h>

namespace rotary {

Ramp RampOf(double base, int64_t freq_dim, double length, double fast,
            double slow, bool truncate) {
  constexpr double kTwoPi = 6.283185307179586;
  const double d = static_cast<double>(freq_dim);
  const auto pair = [&](double turns) {
    return d * log(length / (turns * kTwoPi)) / (2.0 * log(base));
  };
  Ramp ramp = {pair(fast), pair(slow)};
  if (truncate) ramp = {floor(ramp.low), ceil(ramp.high)};
  ramp = {fmax(ramp.low, 0.0), fmin(ramp.high, d - 1.0)};
  // As all implementations do, where it would be a step.
  if (ramp.low == ramp.high) ramp.high += 0.001;
  return ramp;
}

double At(const Ramp& ramp, int64_t i) {
  const double at =
      (static_cast<double>(i) - ramp.low) / (ramp.high - ramp.low);
  return 1.0 - fmin(fmax(at, 0.0), 1.0);
}

}  // namespace rotary
