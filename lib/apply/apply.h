// Runs a checked call, whole or by the slice.  Called by api.

#ifndef ROTARY_LIB_APPLY_APPLY_H_
#define ROTARY_LIB_APPLY_APPLY_H_

#include <stdint.h>

#include "lib/apply/call.h"

namespace rotary {

int64_t UsefulSlices(const ApplyCall& call);

// Slice `slice` of `num_slices`, in this thread.
void RunSlice(const ApplyCall& call, int64_t slice, int64_t num_slices);

void Run(const ApplyCall& call, int32_t num_threads);

void Run(const RowsCall& call, int32_t num_threads);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_APPLY_H_
