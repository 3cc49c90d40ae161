// What a gradient needs beside its fusion, as an argument.  Used by
// config/backward_args.cc.

#ifndef ROTARY_LIB_CONFIG_GRADIENT_ARG_H_
#define ROTARY_LIB_CONFIG_GRADIENT_ARG_H_

#include "include/rotary/rotary.h"
#include "lib/apply/backward.h"
#include "lib/config/fused_failure.h"

namespace rotary {

// Reads and checks gradient `index` of `gradients`, which may be NULL, of a
// tensor of the call that has been read; adds its memory to `uses` and its sums
// to those of a leaf.
rotary_status ReadGradient(const rotary_fusion_gradient* gradients,
                           int64_t index, const FusedCall& call,
                           Backward* backward, Uses* uses, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_GRADIENT_ARG_H_
