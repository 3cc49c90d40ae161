// The arguments of rotary_shard.  Called by api.

#ifndef ROTARY_LIB_CONFIG_SHARD_ARGS_H_
#define ROTARY_LIB_CONFIG_SHARD_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/rows/shard.h"

namespace rotary {

// Checks what is given, and where the results go.
rotary_status ReadShardArgs(rotary_shard_kind from, int64_t rank, int64_t ranks,
                            int64_t tokens, const int64_t* starts,
                            const int64_t* cu_seqlens, ShardKind* kind,
                            rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_SHARD_ARGS_H_
