// Rows, caches, weights and tensors that have more than 2^32 elements
// themselves, of which few are used, in sparse memory.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/sparse_memory.h"

namespace rotary_test {
namespace {

constexpr int64_t kHeadDim = 64;

std::vector<float> RandomFloats(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> floats;
  for (int64_t i = 0; i < count; ++i) floats.push_back(random.Float());
  return floats;
}

bool SameBytes(const void* a, const void* b, size_t bytes) {
  return std::memcmp(a, b, bytes) == 0;
}

TEST_CASE("huge sizes: the last of 2^26 rows of 64 elements") {
  constexpr int64_t kCount = (int64_t{1} << 26) + 3;
  const Embedding embedding = MakeEmbedding(kHeadDim);
  const std::vector<int64_t> ids = {2147483647, 12345};
  const size_t bytes = RowsBytesNeeded(embedding.get(), kCount);
  CHECK(bytes > (size_t{1} << 32) * sizeof(float));
  SparseMemory memory(bytes);
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_init(memory.OpenAll(), bytes, embedding.get(), kCount,
                             &rows, &error),
            error);
  const rotary_positions positions = MakePositions(ids);
  rotary_rows_args args = MakeRowsArgs(embedding.get(), &positions, 2);
  args.first_row = kCount - 2;
  SetRowsOk(rows, args);

  const RowValues expected = ReadRows(MakeRows(embedding.get(), ids).get());
  std::vector<float> cos(expected.cos.size()), sin(expected.sin.size());
  RequireOk(rotary_rows_read(rows, kCount - 2, 2, cos.data(), sin.data(),
                             ROTARY_DENSE, &error),
            error);
  CHECK(cos == expected.cos);
  CHECK(sin == expected.sin);

  std::vector<float> x = RandomFloats(2 * kHeadDim, 1), by_few = x;
  std::vector<rotary_tensor> tensors(1);
  rotary_tensor_init(&tensors[0], sizeof(tensors[0]));
  tensors[0].head_dim = kHeadDim;
  tensors[0].input = by_few.data();
  tensors[0].input_pairing = ROTARY_HALF;
  rotary_apply_args apply = MakeApplyArgs(1, 2, tensors);
  apply.embedding = embedding.get();
  apply.positions = &positions;
  ApplyOk(apply);
  tensors[0].input = x.data();
  apply = MakeApplyArgs(1, 2, tensors);
  apply.rows = rows;
  apply.first_row = kCount - 2;
  ApplyOk(apply);
  CHECK(x == by_few);
}

TEST_CASE("huge sizes: a cache of 2^34 elements") {
  constexpr int64_t kSlots = int64_t{1} << 28;
  constexpr int64_t kBlock = 16;
  const Embedding embedding = MakeEmbedding(kHeadDim);
  const std::vector<int64_t> ids = {5, 6, 7};
  const std::vector<int64_t> slot_ids = {kSlots - 1, 3, kSlots / 2 + 1};
  const rotary_positions positions = MakePositions(ids);
  const rotary_positions slot_positions = MakePositions(slot_ids);
  std::vector<float> x = RandomFloats(3 * kHeadDim, 2);
  std::vector<float> expected = x;
  std::vector<rotary_tensor> tensors(1);
  rotary_tensor_init(&tensors[0], sizeof(tensors[0]));
  tensors[0].head_dim = kHeadDim;
  tensors[0].input = expected.data();
  tensors[0].input_pairing = ROTARY_HALF;
  rotary_apply_args apply = MakeApplyArgs(1, 3, tensors);
  apply.embedding = embedding.get();
  apply.positions = &positions;
  ApplyOk(apply);

  rotary_slots_args slots_args;
  rotary_slots_args_init(&slots_args, sizeof(slots_args));
  slots_args.tokens = 3;
  slots_args.num_slots = kSlots;
  slots_args.positions = &slot_positions;
  size_t bytes = 0;
  rotary_error error;
  RequireOk(rotary_slots_bytes_needed(3, kSlots, &bytes, &error), error);
  SparseMemory slots_memory(bytes);
  rotary_slots* slots = nullptr;
  RequireOk(rotary_slots_init(slots_memory.OpenAll(), bytes, &slots_args,
                              &slots, &error),
            error);

  SparseMemory memory(static_cast<size_t>(kSlots * kHeadDim) * sizeof(float));
  const auto slot_bytes = static_cast<size_t>(kHeadDim) * sizeof(float);
  for (const int64_t slot : slot_ids) {
    memory.Open(static_cast<size_t>(slot) * slot_bytes, slot_bytes);
  }
  rotary_cache cache = MakeCache(memory.As<void>(), ROTARY_F32);
  cache.block_size = kBlock;
  std::vector<rotary_fusion> fusions = {MakeFusion()};
  fusions[0].cache = &cache;
  tensors[0].input = x.data();
  apply.tensors = tensors.data();
  rotary_fused_args args = MakeFusedArgs(&apply, fusions);
  args.slots = slots;
  FuseOk(args);
  for (size_t t = 0; t < 3; ++t) {
    CHECK(SameBytes(
        memory.As<void>(static_cast<size_t>(slot_ids[t]) * slot_bytes),
        expected.data() + t * kHeadDim, slot_bytes));
  }
}

TEST_CASE("huge sizes: weights of 2^34 elements") {
  constexpr int64_t kStride = int64_t{1} << 29;
  constexpr int64_t kRows = 32, kColumns = 8;
  const std::vector<float> dense = RandomFloats(kRows * kColumns, 3);
  std::vector<float> expected = dense;
  rotary_error error;
  const auto permute = [&](float* weights, int64_t stride) {
    RequireOk(rotary_permute_weights(weights, nullptr, sizeof(float), 1, kRows,
                                     0, kRows, kColumns, stride, ROTARY_DENSE,
                                     ROTARY_INTERLEAVED, ROTARY_HALF, &error),
              error);
  };
  permute(expected.data(), ROTARY_DENSE);
  SparseMemory memory(static_cast<size_t>(kRows * kStride) * sizeof(float));
  const size_t row_bytes = kColumns * sizeof(float);
  const auto row_at = [&](size_t row) {
    return row * static_cast<size_t>(kStride) * sizeof(float);
  };
  for (size_t row = 0; row < kRows; ++row) {
    std::memcpy(memory.Open(row_at(row), row_bytes),
                dense.data() + row * kColumns, row_bytes);
  }
  permute(memory.As<float>(), kStride);
  for (size_t row = 0; row < kRows; ++row) {
    CHECK(SameBytes(memory.As<void>(row_at(row)),
                    expected.data() + row * kColumns, row_bytes));
  }
}

TEST_CASE("huge sizes: the last 3 of 2^27 tokens, all others padding") {
  constexpr int64_t kTokens = int64_t{1} << 27;
  const Embedding embedding = MakeEmbedding(kHeadDim);
  const int64_t starts[1] = {2147483645};
  const int64_t cu_seqlens[2] = {kTokens - 3, kTokens};
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.kind = ROTARY_POSITION_PACKED;
  positions.data = starts;
  positions.dtype = ROTARY_I64;
  positions.cu_seqlens = cu_seqlens;
  positions.cu_seqlens_dtype = ROTARY_I64;
  positions.num_sequences = 1;
  const auto token_bytes = static_cast<size_t>(kHeadDim) * sizeof(float);
  SparseMemory memory(static_cast<size_t>(kTokens) * token_bytes);
  std::vector<float> dense = RandomFloats(3 * kHeadDim, 4);
  void* const last = memory.Open((kTokens - 3) * token_bytes, 3 * token_bytes);
  std::memcpy(last, dense.data(), 3 * token_bytes);

  std::vector<rotary_tensor> tensors(1);
  rotary_tensor_init(&tensors[0], sizeof(tensors[0]));
  tensors[0].head_dim = kHeadDim;
  tensors[0].input_pairing = ROTARY_INTERLEAVED;
  tensors[0].input = memory.As<void>();
  rotary_apply_args args = MakeApplyArgs(1, kTokens, tensors);
  args.embedding = embedding.get();
  args.positions = &positions;
  ApplyOk(args);

  const std::vector<int64_t> ids = {2147483645, 2147483646, 2147483647};
  const rotary_positions by_ids = MakePositions(ids);
  tensors[0].input = dense.data();
  args = MakeApplyArgs(1, 3, tensors);
  args.embedding = embedding.get();
  args.positions = &by_ids;
  ApplyOk(args);
  CHECK(SameBytes(last, dense.data(), 3 * token_bytes));
}

}  // namespace
}  // namespace rotary_test
