// The tensors of an apply call.  Used by config/apply_args.cc.

#ifndef ROTARY_LIB_CONFIG_TENSOR_ARG_H_
#define ROTARY_LIB_CONFIG_TENSOR_ARG_H_

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"
#include "lib/config/region.h"

namespace rotary {

// How many tensors are loaded together: with one thread a call keeps them on
// its stack.
constexpr int64_t kTensorGroup = 8;

// A batch of one token each is as well one sequence: longer runs of tokens.
inline bool FoldsBatch(const rotary_apply_args& args) {
  return args.tokens == 1 && args.batch > 1;
}

// The most heads that a tensor has.  (Tensors are not checked further.)
rotary_status ReadMostHeads(const rotary_apply_args& args, int64_t* heads,
                            rotary_error* error);

// Reads and checks every tensor of args, whose embedding or rows and target
// `call` holds, and every two of them; adds up the call's sums.  If there are
// no more than kTensorGroup, they are in `tensors`.
rotary_status CheckTensors(const rotary_apply_args& args,
                           const Sources& sources, Tensor* tensors,
                           ApplyCall* call, rotary_error* error);

// Loads tensors [first, first + count) of args, which have been checked, as the
// call's.
void LoadTensors(const rotary_apply_args& args, int64_t first, int64_t count,
                 Tensor* to, ApplyCall* call);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_TENSOR_ARG_H_
