// The frequencies of a model without scaling, in f64.  Called by
// frequencies/scaling.cc.

#ifndef ROTARY_LIB_FREQUENCIES_INV_FREQ_H_
#define ROTARY_LIB_FREQUENCIES_INV_FREQ_H_

#include <stdint.h>

namespace rotary {

// base^(numerator / denominator), as exact as if the exponent were not rounded.
double RationalPower(double base, double numerator, double denominator);

// inv_freq[i] = base^(-2 i / freq_dim), i < count: the RoFormer paper
// (arXiv:2104.09864), equation 15.
void DefaultInvFreq(int64_t count, int64_t freq_dim, double base,
                    double* inv_freq);

}  // namespace rotary

#endif  // ROTARY_LIB_FREQUENCIES_INV_FREQ_H_
