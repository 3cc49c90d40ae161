#include "lib/rows/shard.h"

namespace rotary {
namespace {

// floor(a * b / n) for 0 <= a <= n, 0 <= b < n: long division, since the
// product may not fit, and one of 128 bits would need a run-time library.
int64_t MulDiv(int64_t a, int64_t b, int64_t n) {
  const uint64_t divisor = static_cast<uint64_t>(n);
  uint64_t quotient = 0;
  uint64_t remainder = 0;  // of the bits of a so far, times b
  // Both sums are less than 2 n.
  const auto add = [&](uint64_t value) {
    remainder += value;
    if (remainder < divisor) return;
    remainder -= divisor;
    ++quotient;
  };
  for (int bit = 62; bit >= 0; --bit) {
    quotient *= 2;
    add(remainder);
    if ((a >> bit & 1) != 0) add(static_cast<uint64_t>(b));
  }
  return static_cast<int64_t>(quotient);
}

// The first token of chunk i of n; of chunk n, all tokens.
int64_t ChunkBegin(int64_t i, int64_t n, int64_t tokens) {
  return i * (tokens / n) + MulDiv(i, tokens % n, n);
}

}  // namespace

Shard ShardOf(ShardKind kind, int64_t rank, int64_t ranks, int64_t tokens) {
  const bool zigzag = kind == ShardKind::kZigzag;
  const int64_t chunks = zigzag ? 2 * ranks : ranks;
  const auto begin = [&](int64_t i) { return ChunkBegin(i, chunks, tokens); };
  Shard shard = {{begin(rank), begin(rank + 1)}, {}};
  const int64_t first = shard.starts[1] - shard.starts[0];
  int64_t second = 0;
  if (zigzag) {
    shard.starts[1] = begin(chunks - 1 - rank);
    second = begin(chunks - rank) - shard.starts[1];
  }
  shard.cu_seqlens[1] = first;
  shard.cu_seqlens[2] = first + second;
  return shard;
}

}  // namespace rotary
