// An apply call's arguments: read and checked, everything before the first
// write.  Called by api.

#ifndef ROTARY_LIB_CONFIG_APPLY_ARGS_H_
#define ROTARY_LIB_CONFIG_APPLY_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"
#include "lib/config/tensor_arg.h"

namespace rotary {

// Checks *args in whole; it becomes `copy` if it is of another version.  If it
// has no more than kTensorGroup tensors they are loaded into `tensors`, and the
// call is ready; else it has none yet.
rotary_status CheckApplyArgs(const rotary_apply_args** args,
                             rotary_apply_args* copy, Tensor* tensors,
                             ApplyCall* call, rotary_error* error);

// Everything but the tensors, which others read; but where rows differ from
// head to head, their heads have been counted.  A rotation may come from
// nowhere: then there are no rows.
rotary_status ReadRotation(const rotary_apply_args& args, ApplyCall* call,
                           Sources* sources, bool* has_rows,
                           rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_APPLY_ARGS_H_
