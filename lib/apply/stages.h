// What a run of tokens of one fused tensor goes through.  Used by
// apply/fused.cc.

#ifndef ROTARY_LIB_APPLY_STAGES_H_
#define ROTARY_LIB_APPLY_STAGES_H_

#include <stdint.h>

#include "lib/apply/fused.h"

namespace rotary {

// Tokens [token, end) of a sequence.  Into a cache: in slots from `slot` on, of
// one block; from one: in slots from `source_slot` on.
struct HeadRun {
  int64_t token;
  int64_t end;
  int64_t slot;
  int64_t source_slot;
  bool still;  // not turned
};

// Of tensor `index` of the call; `job` has the rows of a block of tokens around
// the run.
void RunStages(const FusedCall& call, int64_t index, const RotateJob& job,
               const HeadRun& run);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_STAGES_H_
