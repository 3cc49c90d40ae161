// The frequencies of a model without scaling, in f64.  Called by
// frequencies/scaling.cc.

#ifndef ROTARY_LIB_FREQUENCIES_INV_FREQ_H_
#define ROTARY_LIB_FREQUENCIES_INV_FREQ_H_

#include <stdint.h>

namespace rotary {

// base^(numerator / denominator), as exact as if the exponent were not rounded.
double RationalPower(double base, double numerator, double denominator);

// base^(-2 index / dim): the RoFormer paper (arXiv:2104.09864), equation 15.
double DefaultInvFreq(double base, int64_t index, int64_t dim);

}  // namespace rotary

#endif  // ROTARY_LIB_FREQUENCIES_INV_FREQ_H_
