// Which tokens of a sequence a worker holds, where several share it.  Called by
// api.

#ifndef ROTARY_LIB_ROWS_SHARD_H_
#define ROTARY_LIB_ROWS_SHARD_H_

#include <stdint.h>

namespace rotary {

enum class ShardKind { kContiguous, kZigzag };

// Two runs of tokens, one behind the other, either of which may be empty.
struct Shard {
  int64_t starts[2];      // the position of the first token of each
  int64_t cu_seqlens[3];  // where each begins among the worker's, and the end
};

// 0 <= rank < ranks <= INT64_MAX / 2, tokens >= 0.
Shard ShardOf(ShardKind kind, int64_t rank, int64_t ranks, int64_t tokens);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_SHARD_H_
