// Which steps the heads of a fused tensor take.  Used by config/fused_args.cc
// and config/backward_args.cc.

#ifndef ROTARY_LIB_CONFIG_FUSED_PLAN_H_
#define ROTARY_LIB_CONFIG_FUSED_PLAN_H_

#include "include/rotary/rotary.h"
#include "lib/apply/fused.h"
#include "lib/kernels/target.h"

namespace rotary {

// From what has been read of it.  In place it may be by way of its caches.
void PlanForward(const FusedCall& call, FusedTensor* fused, bool* in_place);

// A pass that takes gradients back.
void PlanBackward(Target target, bool in_place, FusedTensor* fused);

// That its heads are not too wide for a tile.
rotary_status CheckTile(const FusedTensor& fused, int64_t index,
                        rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_FUSED_PLAN_H_
