// xPos: the gain of a pair that grows with the position.  Called when an
// embedding is made.

#ifndef ROTARY_LIB_FREQUENCIES_XPOS_H_
#define ROTARY_LIB_FREQUENCIES_XPOS_H_

#include <stdint.h>

namespace rotary {

// The logarithm to base 2 of a query's gain per scale_base steps of the
// position, for each pair: arXiv:2212.10554, equation 18 with gamma 0.4.
void XposPowers(int64_t pairs, double* powers);

// How far from the center, in scale_bases, a position may be at most if its
// gain and the inverse are to be at most 2^limit.
double XposReach(double limit);

}  // namespace rotary

#endif  // ROTARY_LIB_FREQUENCIES_XPOS_H_
