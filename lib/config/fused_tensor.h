// One tensor of a fused pass, with its fusion.  Used by config/fused_args.cc
// and config/backward_args.cc.

#ifndef ROTARY_LIB_CONFIG_FUSED_TENSOR_H_
#define ROTARY_LIB_CONFIG_FUSED_TENSOR_H_

#include "include/rotary/rotary.h"
#include "lib/apply/fused.h"
#include "lib/config/fused_call.h"

namespace rotary {

// Tensor and fusion `index` as the caller gave them: reads and checks them by
// themselves, and adds their memory to the reading's.  What is left to be done
// is their plan.
rotary_status ReadFusedTensor(const rotary_fused_args& args, int64_t index,
                              FusedCall* call, FusedReading* reading,
                              rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_FUSED_TENSOR_H_
