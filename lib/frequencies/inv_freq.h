// What the model is: a config's inv_freq, in f64.  One function per scaling.
// Called when an embedding is made.

#ifndef ROTARY_LIB_FREQUENCIES_INV_FREQ_H_
#define ROTARY_LIB_FREQUENCIES_INV_FREQ_H_

#include <stdint.h>

namespace rotary {

// inv_freq[i] = base^(-2 i / rotary_dim), i < rotary_dim / 2: the RoFormer
// paper (arXiv:2104.09864), equation 15.
void DefaultInvFreq(int64_t rotary_dim, double base, double* inv_freq);

}  // namespace rotary

#endif  // ROTARY_LIB_FREQUENCIES_INV_FREQ_H_
