// Tokens that go from slot to slot as they are.  Used by apply/stages.cc.

#ifndef ROTARY_LIB_APPLY_MOVE_RUN_H_
#define ROTARY_LIB_APPLY_MOVE_RUN_H_

#include <stdint.h>

#include "lib/apply/stages.h"

namespace rotary {

// Copies the heads of a run of tensor `index` and their scales, bit by bit.
void MoveRun(const FusedCall& call, int64_t index, const HeadRun& run);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_MOVE_RUN_H_
