// Positions of every dtype and kind, by ids and by starts.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// Reads the rows that a positions struct gives.
RowValues RowsOf(const rotary_embedding* embedding,
                 const rotary_positions& positions, int64_t batch,
                 int64_t tokens, const char* target) {
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_create(embedding, batch * tokens, &rows, &error),
            error);
  const Rows owner(rows);
  rotary_rows_args args = MakeRowsArgs(embedding, &positions, tokens);
  args.batch = batch;
  args.target = target;
  SetRowsOk(rows, args);
  return ReadRows(rows);
}

// Copies ids to guarded memory as T, so that reading behind them ends the test.
template <typename T>
void CheckIds(const Embedding& embedding, rotary_dtype dtype, T sentinel,
              bool is_signed) {
  constexpr int64_t kBatch = 2;
  constexpr int64_t kTokens = 5;
  Random random(11);
  // Positions are offset + id.
  const int64_t offset = is_signed ? -1000 : 7;
  std::vector<int64_t> positions;
  const GuardedBuffer buffer(sizeof(T) * kBatch * kTokens, Flush::kEnd);
  T* const ids = buffer.As<T>();
  for (int64_t i = 0; i < kBatch * kTokens; ++i) {
    int64_t id = random.Integer(is_signed ? -2000000000 : 0, 2000000000);
    if (i == 4) id = 0;
    ids[i] = static_cast<T>(id);
    positions.push_back(offset + id);
  }
  ids[3] = sentinel;
  rotary_positions described;
  rotary_positions_init(&described, sizeof(described));
  described.data = ids;
  described.dtype = dtype;
  described.offset = offset;

  RowValues expected = ReadRows(MakeRows(embedding.get(), positions).get());
  for (int64_t i = 3 * expected.pairs; i < 4 * expected.pairs; ++i) {
    expected.cos[static_cast<size_t>(i)] = 1.0f;
    expected.sin[static_cast<size_t>(i)] = 0.0f;
  }
  ForEachTarget([&](const char* target) {
    CAPTURE(dtype);
    const RowValues got =
        RowsOf(embedding.get(), described, kBatch, kTokens, target);
    CHECK(got == expected);
    // Starts: the ids of a sequence are its first one and those behind it.
    rotary_positions starts = described;
    starts.kind = ROTARY_POSITION_STARTS;
    std::vector<int64_t> counted;
    for (int64_t b = 0; b < kBatch; ++b) {
      for (int64_t t = 0; t < kTokens; ++t) {
        counted.push_back(positions[static_cast<size_t>(b)] + t);
      }
    }
    const RowValues from_starts =
        RowsOf(embedding.get(), starts, kBatch, kTokens, target);
    const RowValues from_ids =
        ReadRows(MakeRows(embedding.get(), counted).get());
    CHECK(from_starts == from_ids);
    // A sentinel as a start is a sequence that is not rotated.
    starts.data = ids + 3;
    const RowValues unrotated =
        RowsOf(embedding.get(), starts, 1, kTokens, target);
    for (const float cosine : unrotated.cos) CHECK_EQ(cosine, 1.0f);
    for (const float sine : unrotated.sin) CHECK_EQ(sine, 0.0f);
  });
}

}  // namespace

TEST_CASE("positions: positions of every dtype, as ids and as starts") {
  const Embedding embedding = MakeEmbedding(36, 10000, 1.138629436);
  CheckIds<int32_t>(embedding, ROTARY_I32, ROTARY_NO_POSITION_I32, true);
  CheckIds<uint32_t>(embedding, ROTARY_U32, ROTARY_NO_POSITION_U32, false);
  CheckIds<int64_t>(embedding, ROTARY_I64, ROTARY_NO_POSITION_I64, true);
  CheckIds<uint64_t>(embedding, ROTARY_U64, ROTARY_NO_POSITION_U64, false);
}

TEST_CASE("positions: strides of positions, and no data") {
  const Embedding embedding = MakeEmbedding(36);
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < 24; ++i) ids.push_back(i * 89478485 - 7);
  rotary_positions positions = MakePositions(ids);
  struct PositionStrides {
    int64_t first, batch, token;
  };
  for (const PositionStrides& strides :
       {PositionStrides{0, 8, 2}, PositionStrides{23, -6, -1},
        PositionStrides{5, 0, 1}, PositionStrides{5, 3, 0},
        PositionStrides{0, 1, 3}}) {
    CAPTURE(strides.batch);
    positions.data = ids.data() + strides.first;
    positions.batch_stride = strides.batch;
    positions.token_stride = strides.token;
    std::vector<int64_t> expected;
    for (int64_t b = 0; b < 3; ++b) {
      for (int64_t t = 0; t < 4; ++t) {
        expected.push_back(ids[static_cast<size_t>(
            strides.first + b * strides.batch + t * strides.token)]);
      }
    }
    const RowValues want = ReadRows(MakeRows(embedding.get(), expected).get());
    const RowValues got = RowsOf(embedding.get(), positions, 3, 4, nullptr);
    CHECK(got == want);
  }

  positions = MakePositions(ids);
  positions.data = nullptr;
  positions.kind = ROTARY_POSITION_STARTS;
  positions.offset = -2;
  const std::vector<int64_t> counted = {-2, -1, 0, 1, -2, -1, 0, 1};
  const RowValues want = ReadRows(MakeRows(embedding.get(), counted).get());
  const RowValues got = RowsOf(embedding.get(), positions, 2, 4, nullptr);
  CHECK(got == want);
}

TEST_CASE("positions: starts of sequences longer than a block of rows") {
  constexpr int64_t kBatch = 2;
  constexpr int64_t kTokens = 201;
  const Embedding embedding = MakeEmbedding(36);
  const std::vector<int64_t> first = {-100, 70000};
  rotary_positions starts = MakePositions(first);
  starts.kind = ROTARY_POSITION_STARTS;
  std::vector<int64_t> ids;
  for (const int64_t start : first) {
    for (int64_t t = 0; t < kTokens; ++t) ids.push_back(start + t);
  }
  const RowValues want = ReadRows(MakeRows(embedding.get(), ids).get());
  const Shape shape{kBatch, kTokens, 2, 36};
  StridedTensor input(shape, StridesOf(shape));
  const StridedTensor output(shape, StridesOf(shape));
  input.FillRandom(6);
  const std::vector<rotary_tensor> tensors = {
      OutOfPlace(input.view(), output.view(), ROTARY_HALF)};
  ForEachTarget([&](const char* target) {
    CHECK(RowsOf(embedding.get(), starts, kBatch, kTokens, target) == want);
    rotary_apply_args args = MakeApplyArgs(kBatch, kTokens, tensors);
    args.embedding = embedding.get();
    args.positions = &starts;
    args.target = target;
    ApplyOk(args);
    CHECK_EQ(CompareRotated(input.view(), output.view(),
                            {ROTARY_HALF, 0, 36, want.cos.data(),
                             want.sin.data(), kTokens, 1}),
             "");
  });
}

TEST_CASE("positions: many sequences of one token") {
  constexpr int64_t kBatch = 6;
  const Embedding embedding = MakeEmbedding(36);
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < 3 * kBatch; ++i) ids.push_back(i * 7919 - 1);
  std::vector<int64_t> every_third;
  for (int64_t b = 0; b < kBatch; ++b) {
    every_third.push_back(ids[static_cast<size_t>(3 * b)]);
  }
  const RowValues want = ReadRows(MakeRows(embedding.get(), every_third).get());
  const Rows all = MakeRows(embedding.get(), ids);
  const Shape shape{kBatch, 1, 2, 36};
  StridedTensor input(shape, StridesOf(shape));
  const StridedTensor output(shape, StridesOf(shape));
  input.FillRandom(7);
  const std::vector<rotary_tensor> tensors = {
      OutOfPlace(input.view(), output.view(), ROTARY_HALF)};
  const auto check = [&](const rotary_apply_args& args) {
    ApplyOk(args);
    CHECK_EQ(CompareRotated(
                 input.view(), output.view(),
                 {ROTARY_HALF, 0, 36, want.cos.data(), want.sin.data(), 1, 1}),
             "");
  };
  ForEachTarget([&](const char* target) {
    rotary_apply_args args = MakeApplyArgs(kBatch, 1, tensors);
    args.target = target;
    args.rows = all.get();
    args.row_batch_stride = 3;
    check(args);
    args.rows = nullptr;
    args.embedding = embedding.get();
    rotary_positions positions = MakePositions(ids);
    positions.batch_stride = 3;
    args.positions = &positions;
    check(args);
    positions.kind = ROTARY_POSITION_STARTS;
    check(args);
    CHECK(RowsOf(embedding.get(), positions, kBatch, 1, target) == want);
  });
}

TEST_CASE("positions: only the sum with offset must be in range") {
  const Embedding embedding = MakeEmbedding(36);
  constexpr int64_t kFar = int64_t{1} << 40;
  const std::vector<int64_t> near = {5, -5, 2147483647, -2147483647};
  const RowValues want = ReadRows(MakeRows(embedding.get(), near).get());
  std::vector<int64_t> far = near;
  for (int64_t& position : far) position += kFar;
  rotary_positions positions = MakePositions(far);
  positions.offset = -kFar;
  for (const rotary_dtype dtype : {ROTARY_I64, ROTARY_U64}) {
    positions.dtype = dtype;
    const RowValues got = RowsOf(embedding.get(), positions, 1, 4, nullptr);
    CHECK(got == want);
  }
}

}  // namespace rotary_test
