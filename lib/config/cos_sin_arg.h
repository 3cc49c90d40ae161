// A caller's own cos and sin as arguments.  Used by config/apply_args.cc, where
// they are read, and config/rows_args.cc, where they are written.

#ifndef ROTARY_LIB_CONFIG_COS_SIN_ARG_H_
#define ROTARY_LIB_CONFIG_COS_SIN_ARG_H_

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"
#include "lib/config/tensor_arg.h"

namespace rotary {

// A row of cos or of sin.  In elements.
struct CosSinFormat {
  Dtype dtype;
  int64_t elements;        // that it has
  int64_t element_stride;  // from one to the next
  int64_t dense_row;       // from a row to the next one that lies behind it
  int64_t pair_stride;     // from a pair's value to the next one's
  int64_t twin;            // from a value to the same again, or 0
};

// What the arguments are called that say so.
struct CosSinNames {
  const char* dtype;
  const char* width;
  const char* element_stride;
};

rotary_status ReadCosSinFormat(rotary_dtype dtype, rotary_width width,
                               int64_t pairs, int64_t element_stride,
                               const CosSinNames& names, CosSinFormat* format,
                               rotary_error* error);

// An array of cos or of sin that is not empty.
rotary_status CheckCosSinData(const char* name, const void* data, Dtype dtype,
                              rotary_error* error);

// Reads and checks args.cos_sin, with the positions if there are any.
rotary_status ReadCosSin(const rotary_apply_args& args, ApplyCall* call,
                         Sources* sources, rotary_error* error);

// Looks at every row of args.cos_sin that is used.  Last of all: the tensors
// have been checked, so that their rotation takes longer than this.
rotary_status CheckCosSinValues(const rotary_apply_args& args,
                                const ApplyCall& call, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_COS_SIN_ARG_H_
