#include "lib/config/shard_args.h"

#include "lib/config/error.h"
#include "lib/config/region.h"

namespace rotary {

rotary_status ReadShardArgs(rotary_shard_kind from, int64_t rank, int64_t ranks,
                            int64_t tokens, const int64_t* starts,
                            const int64_t* cu_seqlens, ShardKind* kind,
                            rotary_error* error) {
  if (from != ROTARY_SHARD_CONTIGUOUS && from != ROTARY_SHARD_ZIGZAG) {
    return FailArgument(error, "kind", from,
                        "must be ROTARY_SHARD_CONTIGUOUS or _ZIGZAG");
  }
  if (ranks < 1 || ranks > INT64_MAX / 2) {
    return FailArgument(error, "ranks", ranks, "must be 1 to INT64_MAX / 2");
  }
  if (rank < 0 || rank >= ranks) {
    return FailArgument(error, "rank", rank, "must be 0 to ranks - 1");
  }
  if (tokens < 0) {
    return FailArgument(error, "tokens", tokens, "must not be negative");
  }
  if (starts == nullptr) return FailNull(error, "starts");
  if (cu_seqlens == nullptr) return FailNull(error, "cu_seqlens");
  constexpr int64_t kSize = sizeof(int64_t);
  if (!Apart(MakeRegion(starts, 2 * kSize).span,
             MakeRegion(cu_seqlens, 3 * kSize).span)) {
    Failure failure = {ROTARY_ERROR_OVERLAP, "cu_seqlens"};
    failure.value = reinterpret_cast<intptr_t>(cu_seqlens);
    return Fail(error, failure, "it overlaps starts");
  }
  *kind =
      from == ROTARY_SHARD_ZIGZAG ? ShardKind::kZigzag : ShardKind::kContiguous;
  return ROTARY_OK;
}

}  // namespace rotary
