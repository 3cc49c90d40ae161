// Shards, against their definition in 128 bits.
#include <cstring>

#include "tests/config/fuzzed_call.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kinds.h"

namespace rotary_test {
namespace {

__extension__ typedef unsigned __int128 Wide;

int64_t ChunkBegin(int64_t i, int64_t n, int64_t tokens) {
  return static_cast<int64_t>(static_cast<Wide>(i) * static_cast<Wide>(tokens) /
                              static_cast<Wide>(n));
}

int64_t DrawSize(Input* input) {
  return input->Integer(0, INT64_MAX >> input->Integer(1, 62));
}

struct Shard {
  int64_t starts[2] = {-7, -7};
  int64_t cu_seqlens[3] = {-7, -7, -7};
};

}  // namespace

bool FuzzShard(Input* input) {
  rotary_shard_kind kind = input->Integer32(1, 2);
  int64_t ranks = 1 + DrawSize(input);
  int64_t rank = input->Integer(0, ranks - 1);
  int64_t tokens = input->Once(8) ? INT64_MAX : DrawSize(input);
  if (input->Once(4)) {
    int64_t* const fields[] = {&ranks, &rank, &tokens};
    const int64_t field = input->Integer(0, 3);
    if (field == 3) {
      kind = Value32(input);
    } else {
      *fields[field] = Value64(input);
    }
  }
  const Shard before;
  Shard shard;
  Told told;
  const bool none = input->Once(32);
  const rotary_status status =
      rotary_shard(kind, rank, ranks, tokens, none ? nullptr : shard.starts,
                   shard.cu_seqlens, told.error());
  told.CheckStatus(status);
  const bool valid =
      !none &&
      (kind == ROTARY_SHARD_CONTIGUOUS || kind == ROTARY_SHARD_ZIGZAG) &&
      rank >= 0 && rank < ranks && ranks <= INT64_MAX / 2 && tokens >= 0;
  Check((status == ROTARY_OK) == valid, "what is valid is refused, or not");
  if (!valid) {
    Check(std::memcmp(&shard, &before, sizeof(shard)) == 0,
          "a call that fails wrote");
    return false;
  }
  const bool zigzag = kind == ROTARY_SHARD_ZIGZAG;
  const int64_t n = zigzag ? 2 * ranks : ranks;
  const auto begin = [&](int64_t i) { return ChunkBegin(i, n, tokens); };
  const int64_t other = zigzag ? n - 1 - rank : rank + 1;
  const int64_t first = begin(rank + 1) - begin(rank);
  const int64_t second = zigzag ? begin(other + 1) - begin(other) : 0;
  Check(shard.starts[0] == begin(rank) && shard.starts[1] == begin(other) &&
            shard.cu_seqlens[0] == 0 && shard.cu_seqlens[1] == first &&
            shard.cu_seqlens[2] == first + second,
        "a shard has other tokens");
  return true;
}

}  // namespace rotary_test
