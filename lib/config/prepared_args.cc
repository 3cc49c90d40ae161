#include "lib/config/prepared_args.h"

#include "lib/apply/prepared.h"
#include "lib/config/error.h"

namespace rotary {

rotary_status CheckPreparedShape(int64_t num_tensors, rotary_error* error) {
  if (num_tensors < 0 || num_tensors > INT32_MAX) {
    return FailArgument(error, "num_tensors", num_tensors,
                        "must be 0 to 2^31 - 1");
  }
  return ROTARY_OK;
}

rotary_status CheckSlice(const rotary_prepared* prepared, int64_t slice,
                         int64_t num_slices, rotary_error* error) {
  if (prepared == nullptr) return FailNull(error, "prepared");
  if (prepared->magic != kPreparedMagic &&
      prepared->magic != kPreparedFusedMagic) {
    return FailArgument(error, "prepared", reinterpret_cast<intptr_t>(prepared),
                        "not a prepared call");
  }
  if (num_slices < 1) {
    return FailArgument(error, "num_slices", num_slices, "must be at least 1");
  }
  if (slice < 0 || slice >= num_slices) {
    return FailArgument(error, "slice", slice, "must be 0 to num_slices - 1");
  }
  return ROTARY_OK;
}

}  // namespace rotary
