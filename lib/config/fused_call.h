// What fused passes share of their arguments, forward and backward: all but the
// tensors.  Used by config/fused_args.cc and config/backward_args.cc.

#ifndef ROTARY_LIB_CONFIG_FUSED_CALL_H_
#define ROTARY_LIB_CONFIG_FUSED_CALL_H_

#include "include/rotary/rotary.h"
#include "lib/apply/fused.h"
#include "lib/config/fused_failure.h"

namespace rotary {

// A pass while its arguments are read.
struct FusedReading {
  rotary_apply_args copy;
  const rotary_apply_args* apply;  // as this version's
  Uses uses;
  bool in_place[kMostFused];
  rotary_store stores[kMostFused];
};

// The rotation, how many tensors there are, and num_threads.
rotary_status ReadFusedCall(const rotary_apply_args* apply,
                            const rotary_fusion* fusions, FusedReading* reading,
                            FusedCall* call, int32_t* num_threads,
                            rotary_error* error);

// Nothing that is written may touch anything else.
rotary_status CheckUses(const FusedReading& reading, rotary_error* error);

// Once all else has been checked: values of cos and sin, then how the tensors
// are moved.
rotary_status FinishFusedCall(const FusedReading& reading, FusedCall* call,
                              rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_FUSED_CALL_H_
