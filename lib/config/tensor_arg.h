// One tensor of an apply call.  Used by config/apply_args.cc.

#ifndef ROTARY_LIB_CONFIG_TENSOR_ARG_H_
#define ROTARY_LIB_CONFIG_TENSOR_ARG_H_

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"
#include "lib/config/region.h"

namespace rotary {

// A tensor that has been read, and the memory that it takes.
struct ReadTensor {
  Tensor tensor;
  Region input;
  Region output;
  bool in_place;
  rotary_store store;
};

// Reads tensor `index` of args, whose other arguments `call` holds.
rotary_status ReadTensorArg(const rotary_apply_args& args, int64_t index,
                            const ApplyCall& call, ReadTensor* to,
                            rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_TENSOR_ARG_H_
