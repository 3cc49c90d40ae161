// A fused pass' arguments: read and checked, everything before the first write.
// Called by api/fused.cc.

#ifndef ROTARY_LIB_CONFIG_FUSED_ARGS_H_
#define ROTARY_LIB_CONFIG_FUSED_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/apply/fused.h"

namespace rotary {

rotary_status CheckFusedArgs(const rotary_fused_args* from, FusedCall* call,
                             int32_t* num_threads, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_FUSED_ARGS_H_
