// A backward pass' arguments: read and checked, everything before the first
// write.  Called by api/backward.cc.

#ifndef ROTARY_LIB_CONFIG_BACKWARD_ARGS_H_
#define ROTARY_LIB_CONFIG_BACKWARD_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/apply/backward.h"

namespace rotary {

// The call holds a pointer to `backward`.
rotary_status CheckBackwardArgs(const rotary_backward_args* from,
                                FusedCall* call, Backward* backward,
                                int32_t* num_threads, rotary_error* error);

// The scratch memory that these arguments, all else of which is checked, need.
rotary_status FindBackwardBytes(const rotary_backward_args* from, size_t* bytes,
                                rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_BACKWARD_ARGS_H_
