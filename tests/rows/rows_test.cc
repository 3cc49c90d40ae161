// How rows are filled: whole or in parts, from any number of threads, again and
// by other embeddings; and what unset rows do.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "tests/rows/rows_fixture.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {

TEST_CASE("rows: filled in parts, in any order, from several threads") {
  const Embedding embedding = MakeEmbedding(44, 500000, 1.138629436);
  const std::vector<int64_t> positions = RandomPositions(kCount, 2);
  const RowValues expected =
      ReadRows(MakeRows(embedding.get(), positions).get());
  Random random(3);
  for (const int64_t part : {1, 2, 5, 16}) {
    CAPTURE(part);
    std::vector<int64_t> firsts;
    for (int64_t first = 0; first < kCount; first += part) {
      firsts.push_back(first);
    }
    random.Shuffle(&firsts);
    const auto set = [&](rotary_rows* rows, int64_t first) {
      rotary_positions ids = MakePositions(positions);
      ids.data = positions.data() + first;
      rotary_rows_args args =
          MakeRowsArgs(embedding.get(), &ids, std::min(part, kCount - first));
      args.first_row = first;
      return rotary_rows_set(rows, &args, nullptr);
    };
    const GuardedBuffer memory(RowsBytesNeeded(embedding.get(), kCount),
                               Flush::kEnd);
    rotary_rows* rows = Init(memory, embedding.get(), kCount);
    for (const int64_t first : firsts) REQUIRE_EQ(set(rows, first), ROTARY_OK);
    CHECK(ReadRows(rows) == expected);

    rows = Init(memory, embedding.get(), kCount);
    std::vector<rotary_status> statuses(firsts.size(), -1);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] {
        for (size_t f = i; f < firsts.size(); f += 4) {
          statuses[f] = set(rows, firsts[f]);
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(statuses == std::vector<rotary_status>(firsts.size(), ROTARY_OK));
    CHECK(ReadRows(rows) == expected);
    CHECK_EQ(ApplyDiffers(rows, expected, nullptr), "");
  }
}

TEST_CASE("rows: every number of threads gives the same") {
  const Embedding embedding = MakeEmbedding(128);
  constexpr int64_t kMany = 3000;
  const std::vector<int64_t> positions = RandomPositions(kMany, 4);
  const Rows rows = MakeRows(embedding.get(), positions);
  const rotary_positions ids = MakePositions(positions);
  rotary_rows_args args = MakeRowsArgs(embedding.get(), &ids, kMany);
  args.num_threads = 1;
  SetRowsOk(rows.get(), args);
  const RowValues expected = ReadRows(rows.get());
  // Another shape of the same rows, so that nothing is right by what was there.
  args.batch = 3;
  args.tokens = kMany / 3;
  for (const int32_t threads : {0, 2, 3, 7}) {
    CAPTURE(threads);
    args.num_threads = threads;
    args.mode = ROTARY_INVERSE;
    SetRowsOk(rows.get(), args);
    CHECK_FALSE(ReadRows(rows.get()) == expected);
    args.mode = ROTARY_FORWARD;
    SetRowsOk(rows.get(), args);
    CHECK(ReadRows(rows.get()) == expected);
  }
}

TEST_CASE("rows: unset and unset again, they rotate nothing") {
  const Embedding embedding = MakeEmbedding(38, 10000, 2.0);
  std::vector<int64_t> ids = RandomPositions(kCount, 6);
  const GuardedBuffer memory(RowsBytesNeeded(embedding.get(), kCount),
                             Flush::kEnd);
  std::memset(memory.data(), 0xff, memory.bytes());
  rotary_rows* const rows = Init(memory, embedding.get(), kCount);

  const Shape shape{1, kCount, 2, 40};
  StridedTensor input(shape, StridesOf(shape));
  input.FillBits(7, [](Random* random) {
    const auto any = static_cast<uint32_t>(random->Bits());
    return (any & 1) != 0 ? any | 0x7f800000u : any;
  });
  const Snapshot before(input);
  const auto check_all_unset = [&] {
    const RowValues values = ReadRows(rows);
    CHECK(values.cos == std::vector<float>(values.cos.size(), 1.0f));
    CHECK(values.sin == std::vector<float>(values.sin.size(), 0.0f));
    ForEachTarget([&](const char* target) {
      StridedTensor output(shape, StridesOf(shape));
      std::vector<rotary_tensor> tensors = {
          OutOfPlace(input.view(), output.view(), ROTARY_HALF, 1)};
      rotary_apply_args args = MakeApplyArgs(1, kCount, tensors);
      args.rows = rows;
      args.target = target;
      ApplyOk(args);
      CHECK_EQ(CompareCopied(before.view(), output.view()), "");
      tensors[0] = InPlace(input.view(), ROTARY_INTERLEAVED, 1);
      ApplyOk(args);
      CHECK(before.SameBits(input));
    });
  };
  check_all_unset();
  SetPart(rows, embedding.get(), ids, 0, kCount);
  CHECK_NE(ReadRows(rows).sin[0], 0.0f);
  ids.assign(ids.size(), ROTARY_NO_POSITION_I64);
  SetPart(rows, embedding.get(), ids, 0, kCount);
  check_all_unset();
}

TEST_CASE("rows: set by other embeddings of the same rotary_dim") {
  const Embedding embedding = MakeEmbedding(20, 10000);
  const Embedding other = MakeEmbedding(20, 500000, 0.5);
  const std::vector<int64_t> positions = RandomPositions(kCount, 8);
  const Rows rows = MakeRows(embedding.get(), positions);
  const RowValues first = ReadRows(rows.get());
  const RowValues second = ReadRows(MakeRows(other.get(), positions).get());
  CHECK_FALSE(first == second);
  SetPart(rows.get(), other.get(), positions, 0, kCount);
  CHECK(ReadRows(rows.get()) == second);
  // Half of each.
  SetPart(rows.get(), embedding.get(), positions, 10, kCount - 10);
  const RowValues mixed = ReadRows(rows.get());
  for (int64_t row = 0; row < kCount; ++row) {
    const RowValues& from = row < 10 ? second : first;
    for (int64_t pair = 0; pair < mixed.pairs; ++pair) {
      CHECK_EQ(mixed.Cos(row)[pair], from.Cos(row)[pair]);
      CHECK_EQ(mixed.Sin(row)[pair], from.Sin(row)[pair]);
    }
  }
}

}  // namespace rotary_test
