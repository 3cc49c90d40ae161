// A ramp over the pairs of a head, from those that turn often to those that
// turn seldom.  Used by scalings, and checked by config.

#ifndef ROTARY_LIB_FREQUENCIES_RAMP_H_
#define ROTARY_LIB_FREQUENCIES_RAMP_H_

#include <stdint.h>

namespace rotary {

// Over the pairs.  If they are far outside of what lies between, low > high:
// then it is no ramp.
struct Ramp {
  double low;
  double high;
};

// Between the pairs that turn `fast` and `slow` times in `length`; from whole
// pair to whole pair, or not.
Ramp RampOf(double base, int64_t freq_dim, double length, double fast,
            double slow, bool truncate);

// 1 up to the ramp's low end, 0 from its high end on.
double At(const Ramp& ramp, int64_t i);

}  // namespace rotary

#endif  // ROTARY_LIB_FREQUENCIES_RAMP_H_
