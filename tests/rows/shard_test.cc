// Which tokens each worker of a shared sequence holds: against the definition
// token by token, in 128 bits where numbers are large, and used in calls.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

const std::vector<rotary_shard_kind> kKinds = {ROTARY_SHARD_CONTIGUOUS,
                                               ROTARY_SHARD_ZIGZAG};

struct Shard {
  int64_t starts[2] = {-1, -1};
  int64_t cu_seqlens[3] = {-1, -1, -1};

  // The positions of its tokens, in order.
  std::vector<int64_t> Ids() const {
    std::vector<int64_t> ids;
    for (const int run : {0, 1}) {
      for (int64_t t = cu_seqlens[run]; t < cu_seqlens[run + 1]; ++t) {
        ids.push_back(starts[run] + t - cu_seqlens[run]);
      }
    }
    return ids;
  }
};

Shard MakeShard(rotary_shard_kind kind, int64_t rank, int64_t ranks,
                int64_t tokens) {
  Shard shard;
  rotary_error error;
  RequireOk(rotary_shard(kind, rank, ranks, tokens, shard.starts,
                         shard.cu_seqlens, &error),
            error);
  return shard;
}

// Of each worker, token by token: that of position p is in the last chunk i of
// n that begins at or before it, i * tokens / n < p + 1.
std::vector<std::vector<int64_t>> Definition(rotary_shard_kind kind,
                                             int64_t ranks, int64_t tokens) {
  const int64_t n = kind == ROTARY_SHARD_ZIGZAG ? 2 * ranks : ranks;
  std::vector<std::vector<int64_t>> ids(static_cast<size_t>(ranks));
  for (int64_t p = 0; p < tokens; ++p) {
    const int64_t chunk = ((p + 1) * n - 1) / tokens;
    const int64_t rank =
        kind == ROTARY_SHARD_ZIGZAG ? std::min(chunk, n - 1 - chunk) : chunk;
    ids[static_cast<size_t>(rank)].push_back(p);
  }
  return ids;
}

// What is true of any shard, beside its tokens.
void CheckShape(rotary_shard_kind kind, const Shard& shard, int64_t rank,
                int64_t ranks, int64_t tokens) {
  CHECK(shard.cu_seqlens[0] == 0);
  CHECK(shard.cu_seqlens[0] <= shard.cu_seqlens[1]);
  CHECK(shard.cu_seqlens[1] <= shard.cu_seqlens[2]);
  CHECK(shard.cu_seqlens[2] <= tokens);
  if (kind == ROTARY_SHARD_CONTIGUOUS) {
    CHECK(shard.cu_seqlens[1] == shard.cu_seqlens[2]);
    CHECK(shard.starts[1] == shard.starts[0] + shard.cu_seqlens[2]);
    CHECK((rank > 0 || shard.starts[0] == 0));
    CHECK((rank < ranks - 1 || shard.starts[1] == tokens));
  } else {
    CHECK(shard.starts[1] >= shard.starts[0] + shard.cu_seqlens[1]);
    const int64_t second = shard.cu_seqlens[2] - shard.cu_seqlens[1];
    CHECK(shard.cu_seqlens[1] <= second + 1);
    CHECK(second <= shard.cu_seqlens[1] + 1);
    CHECK((rank > 0 || shard.starts[1] + second == tokens));
  }
}

TEST_CASE("shards: each token is where the definition has it") {
  for (const rotary_shard_kind kind : kKinds) {
    CAPTURE(kind);
    for (int64_t ranks = 1; ranks <= 12; ++ranks) {
      CAPTURE(ranks);
      for (int64_t tokens = 0; tokens <= 60; ++tokens) {
        CAPTURE(tokens);
        const auto expected = Definition(kind, ranks, tokens);
        std::vector<int> held(static_cast<size_t>(tokens), 0);
        bool as_defined = true;
        for (int64_t rank = 0; rank < ranks; ++rank) {
          const Shard shard = MakeShard(kind, rank, ranks, tokens);
          CheckShape(kind, shard, rank, ranks, tokens);
          const std::vector<int64_t> ids = shard.Ids();
          as_defined = as_defined && ids == expected[static_cast<size_t>(rank)];
          for (const int64_t id : ids) {
            if (id >= 0 && id < tokens) ++held[static_cast<size_t>(id)];
          }
        }
        CHECK(as_defined);
        CHECK(std::count(held.begin(), held.end(), 1) == tokens);
      }
    }
  }
}

// As frameworks write it, for lengths that divide.
TEST_CASE("shards: chunks of equal length are the usual ones") {
  for (const int64_t ranks : {1, 2, 3, 8, 64}) {
    for (const int64_t chunk : {1, 2, 17, 1024}) {
      CAPTURE(ranks);
      CAPTURE(chunk);
      for (int64_t rank = 0; rank < ranks; ++rank) {
        const Shard contiguous =
            MakeShard(ROTARY_SHARD_CONTIGUOUS, rank, ranks, ranks * chunk);
        CHECK(contiguous.starts[0] == rank * chunk);
        CHECK(contiguous.cu_seqlens[2] == chunk);
        const Shard zigzag =
            MakeShard(ROTARY_SHARD_ZIGZAG, rank, ranks, 2 * ranks * chunk);
        CHECK(zigzag.starts[0] == rank * chunk);
        CHECK(zigzag.starts[1] == (2 * ranks - rank - 1) * chunk);
        CHECK(zigzag.cu_seqlens[1] == chunk);
        CHECK(zigzag.cu_seqlens[2] == 2 * chunk);
      }
    }
  }
}

__extension__ typedef unsigned __int128 Wide;

int64_t ChunkBegin(int64_t i, int64_t n, int64_t tokens) {
  return static_cast<int64_t>(static_cast<Wide>(i) * static_cast<Wide>(tokens) /
                              static_cast<Wide>(n));
}

void CheckLarge(int64_t rank, int64_t ranks, int64_t tokens) {
  CAPTURE(rank);
  CAPTURE(ranks);
  CAPTURE(tokens);
  for (const rotary_shard_kind kind : kKinds) {
    const bool zigzag = kind == ROTARY_SHARD_ZIGZAG;
    const int64_t n = zigzag ? 2 * ranks : ranks;
    const auto begin = [&](int64_t i) { return ChunkBegin(i, n, tokens); };
    const int64_t first = begin(rank + 1) - begin(rank);
    const int64_t other = n - 1 - rank;
    const int64_t second = zigzag ? begin(other + 1) - begin(other) : 0;
    const Shard shard = MakeShard(kind, rank, ranks, tokens);
    CheckShape(kind, shard, rank, ranks, tokens);
    CHECK(shard.starts[0] == begin(rank));
    CHECK(shard.starts[1] == begin(zigzag ? other : rank + 1));
    CHECK(shard.cu_seqlens[1] == first);
    CHECK(shard.cu_seqlens[2] == first + second);
  }
}

TEST_CASE("shards: no numbers are too large") {
  const int64_t max = std::numeric_limits<int64_t>::max();
  const std::vector<int64_t> edges = {
      1,       2,           3,      int64_t{1} << 31, int64_t{1} << 32,
      max / 4, max / 2 - 1, max / 2};
  for (const int64_t ranks : edges) {
    for (const int64_t tokens :
         {int64_t{0}, int64_t{1}, max / 2, max / 2 + 1, max - 1, max}) {
      for (const int64_t rank : {int64_t{0}, ranks / 2, ranks - 1}) {
        CheckLarge(rank, ranks, tokens);
      }
    }
  }
  Random random(17);
  for (int i = 0; i < 5000; ++i) {
    const int64_t ranks = random.Integer(1, max / 2 >> random.Integer(0, 61));
    const int64_t tokens = random.Integer(0, max >> random.Integer(0, 62));
    CheckLarge(random.Integer(0, ranks - 1), ranks, tokens);
  }
}

constexpr int64_t kDim = 16;
constexpr int64_t kHeads = 2;
constexpr int64_t kToken = kHeads * kDim;

// In place, dense heads.
rotary_tensor TensorOf(std::vector<float>* data) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = kHeads;
  tensor.head_dim = kDim;
  tensor.input = data->data();
  tensor.input_pairing = ROTARY_HALF;
  return tensor;
}

void Rotate(const rotary_embedding* embedding,
            const rotary_positions& positions, int64_t tokens,
            const char* target, std::vector<float>* data) {
  const std::vector<rotary_tensor> tensors = {TensorOf(data)};
  rotary_apply_args args = MakeApplyArgs(1, tokens, tensors);
  args.embedding = embedding;
  args.positions = &positions;
  args.target = target;
  ApplyOk(args);
}

// The tokens of a sequence that a worker holds.
std::vector<float> Part(const std::vector<float>& whole,
                        const std::vector<int64_t>& ids) {
  std::vector<float> part;
  for (const int64_t id : ids) {
    part.insert(part.end(), whole.begin() + id * kToken,
                whole.begin() + (id + 1) * kToken);
  }
  return part;
}

TEST_CASE("shards: workers rotate their tokens as the whole sequence is") {
  const Embedding embedding = MakeEmbedding(kDim);
  constexpr int64_t kOffset = 100000;
  ForEachTarget([&](const char* target) {
    for (const int64_t tokens : {1, 5, 64, 203}) {
      CAPTURE(tokens);
      std::vector<float> input(static_cast<size_t>(tokens * kToken));
      Random random(static_cast<uint64_t>(tokens));
      for (float& x : input) x = random.Float();
      rotary_positions all;
      rotary_positions_init(&all, sizeof(all));
      all.kind = ROTARY_POSITION_STARTS;
      all.offset = kOffset;
      std::vector<float> rotated = input;
      Rotate(embedding.get(), all, tokens, target, &rotated);

      for (const rotary_shard_kind kind : kKinds) {
        CAPTURE(kind);
        const int64_t ranks = 4;
        const auto expected = Definition(kind, ranks, tokens);
        for (int64_t rank = 0; rank < ranks; ++rank) {
          CAPTURE(rank);
          const auto& ids = expected[static_cast<size_t>(rank)];
          const Shard shard = MakeShard(kind, rank, ranks, tokens);
          rotary_positions positions;
          rotary_positions_init(&positions, sizeof(positions));
          positions.kind = ROTARY_POSITION_PACKED;
          positions.data = shard.starts;
          positions.dtype = ROTARY_I64;
          positions.cu_seqlens = shard.cu_seqlens;
          positions.cu_seqlens_dtype = ROTARY_I64;
          positions.num_sequences = 2;
          positions.offset = kOffset;
          std::vector<float> part = Part(input, ids);
          Rotate(embedding.get(), positions, shard.cu_seqlens[2], target,
                 &part);
          const std::vector<float> of_whole = Part(rotated, ids);
          CHECK(std::equal(part.begin(), part.end(), of_whole.begin(),
                           of_whole.end(), [](float a, float b) {
                             return BitsFromFloat(a) == BitsFromFloat(b);
                           }));
        }
      }
    }
  });
}

}  // namespace
}  // namespace rotary_test
