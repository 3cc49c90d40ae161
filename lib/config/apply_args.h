// An apply call's arguments: read and checked, everything before the first
// write.  Called by api.

#ifndef ROTARY_LIB_CONFIG_APPLY_ARGS_H_
#define ROTARY_LIB_CONFIG_APPLY_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"

namespace rotary {

// How many tensors are loaded together: with one thread a call keeps them on
// its stack.
constexpr int64_t kTensorGroup = 8;

// The caller's struct, of whatever version: *args is `from` or `copy`.
rotary_status ReadApplyArgs(const rotary_apply_args* from,
                            rotary_apply_args* copy,
                            const rotary_apply_args** args,
                            rotary_error* error);

// Checks args in whole.  If it has no more than kTensorGroup tensors they are
// loaded into `group`, and the call is ready; else it has none yet.
rotary_status CheckApplyArgs(const rotary_apply_args& args, Tensor* group,
                             ApplyCall* call, rotary_error* error);

// Loads tensors [first, first + count) of args, which have been checked, as the
// call's.
void LoadTensors(const rotary_apply_args& args, int64_t first, int64_t count,
                 Tensor* to, ApplyCall* call);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_APPLY_ARGS_H_
