// Which tokens a worker holds.

#include "lib/rows/shard.h"

#include <string.h>

#include "include/rotary/rotary.h"
#include "lib/config/shard_args.h"

rotary_status rotary_shard(rotary_shard_kind kind, int64_t rank, int64_t ranks,
                           int64_t tokens, int64_t starts[2],
                           int64_t cu_seqlens[3], rotary_error* error) {
  rotary::ShardKind read;
  if (const rotary_status status = rotary::ReadShardArgs(
          kind, rank, ranks, tokens, starts, cu_seqlens, &read, error)) {
    return status;
  }
  const rotary::Shard shard = rotary::ShardOf(read, rank, ranks, tokens);
  memcpy(starts, shard.starts, sizeof(shard.starts));
  memcpy(cu_seqlens, shard.cu_seqlens, sizeof(shard.cu_seqlens));
  return ROTARY_OK;
}
