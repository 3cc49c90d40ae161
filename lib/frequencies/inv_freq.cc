#include "lib/frequencies/inv_freq.h"

#include <math.h>

namespace rotary {

void DefaultInvFreq(int64_t rotary_dim, double base, double* inv_freq) {
  const double d = static_cast<double>(rotary_dim);
  for (int64_t i = 0; i < rotary_dim / 2; ++i) {
    inv_freq[i] = pow(base, static_cast<double>(-2 * i) / d);
  }
}

}  // namespace rotary
