// The flat call, as the structs that it stands for.  Called by api.

#ifndef ROTARY_LIB_CONFIG_FLAT_ARGS_H_
#define ROTARY_LIB_CONFIG_FLAT_ARGS_H_

#include "include/rotary/rotary.h"

namespace rotary {

// Gives the argument of a failed rotary_apply the name that it has in
// rotary_apply_qk.
void NameAsFlat(rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_FLAT_ARGS_H_
