// A norm as an argument.  Used by config/fused_tensor.cc.

#ifndef ROTARY_LIB_CONFIG_NORM_ARG_H_
#define ROTARY_LIB_CONFIG_NORM_ARG_H_

#include "include/rotary/rotary.h"
#include "lib/apply/fused.h"
#include "lib/config/fused_failure.h"

namespace rotary {

// Reads and checks the norm, which may be NULL, of tensor `index` with so many
// heads.
rotary_status ReadNorm(const rotary_norm* from, int64_t index, int64_t heads,
                       int64_t head_dim, Norm* norm, Uses* uses,
                       rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_NORM_ARG_H_
