#include "lib/frequencies/xpos.h"

#include <math.h>

namespace rotary {
namespace {

double Power(double i, double rotary_dim) {
  return log2((2.0 * i + 0.4 * rotary_dim) / (1.4 * rotary_dim));
}

}  // namespace

void XposPowers(int64_t pairs, double* powers) {
  const double d = static_cast<double>(2 * pairs);
  for (int64_t i = 0; i < pairs; ++i) {
    powers[i] = Power(static_cast<double>(i), d);
  }
}

double XposReach(double limit) {
  // Of the first pair, whose gain changes most.
  return limit / -Power(0.0, 1.0);
}

}  // namespace rotary
