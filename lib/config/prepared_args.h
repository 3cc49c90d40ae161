// The arguments of prepared calls.  Called by api.

#ifndef ROTARY_LIB_CONFIG_PREPARED_ARGS_H_
#define ROTARY_LIB_CONFIG_PREPARED_ARGS_H_

#include <stddef.h>

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"

namespace rotary {

rotary_status CheckPreparedShape(int64_t num_tensors, rotary_error* error);

// That memory which a call is to be kept in is none of its tensors' nor rows.
rotary_status CheckKept(const rotary_apply_args& args, const ApplyCall& call,
                        const void* memory, size_t bytes, rotary_error* error);

// A prepared call, and a slice of it.
rotary_status CheckSlice(const rotary_prepared* prepared, int64_t slice,
                         int64_t num_slices, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_PREPARED_ARGS_H_
