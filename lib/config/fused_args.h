// A fused pass' arguments: read and checked, everything before the first write.
// Called by api/fused.cc.

#ifndef ROTARY_LIB_CONFIG_FUSED_ARGS_H_
#define ROTARY_LIB_CONFIG_FUSED_ARGS_H_

#include <stddef.h>

#include "include/rotary/rotary.h"
#include "lib/apply/fused.h"

namespace rotary {

// `kept`, unless nullptr, is memory of so many bytes that the call is to be
// kept in.
rotary_status CheckFusedArgs(const rotary_fused_args* from, const void* kept,
                             size_t kept_bytes, FusedCall* call,
                             int32_t* num_threads, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_FUSED_ARGS_H_
