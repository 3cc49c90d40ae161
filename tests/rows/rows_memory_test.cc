// Rows as memory: exactly of the size asked for, at any multiple of 8 bytes,
// moved, and read in parts.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/rows/rows_fixture.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {

TEST_CASE("rows: in memory of just their size, at any multiple of 8 bytes") {
  for (const int64_t rotary_dim : {2, 30, 32, 34, 64, 128}) {
    const Embedding embedding = MakeEmbedding(rotary_dim);
    const std::vector<int64_t> positions = RandomPositions(kCount, 1);
    const RowValues expected =
        ReadRows(MakeRows(embedding.get(), positions).get());
    for (const int64_t count : {int64_t{1}, int64_t{2}, kCount}) {
      for (const Flush flush : {Flush::kStart, Flush::kEnd}) {
        for (const size_t misalignment : {0u, 8u, 24u, 32u, 56u}) {
          CAPTURE(rotary_dim);
          CAPTURE(count);
          CAPTURE(misalignment);
          const size_t bytes = RowsBytesNeeded(embedding.get(), count);
          REQUIRE_EQ(bytes % 8, 0);
          const GuardedBuffer memory(bytes, flush, misalignment);
          rotary_rows* const rows = Init(memory, embedding.get(), count);
          CHECK_EQ(rotary_rows_count(rows), count);
          CHECK_EQ(rotary_rows_rotary_dim(rows), rotary_dim);
          CHECK_EQ(rotary_rows_bytes(rows), bytes);
          ForEachTarget([&](const char* target) {
            SetPart(rows, embedding.get(), positions, 0, count, target);
            const RowValues values = ReadRows(rows);
            for (size_t i = 0; i < values.cos.size(); ++i) {
              CHECK_EQ(values.cos[i], expected.cos[i]);
              CHECK_EQ(values.sin[i], expected.sin[i]);
            }
            CHECK_EQ(ApplyDiffers(rows, values, target), "");
          });
          CHECK(memory.CanariesIntact());
        }
      }
    }
  }
}

TEST_CASE("rows: about 4 * rotary_dim bytes each") {
  for (const int64_t rotary_dim : {2, 32, 34, 64, 128, 576}) {
    CAPTURE(rotary_dim);
    const Embedding embedding = MakeEmbedding(rotary_dim);
    const size_t one = static_cast<size_t>((rotary_dim / 2 + 15) / 16 * 64) * 2;
    const size_t difference = RowsBytesNeeded(embedding.get(), 1064) -
                              RowsBytesNeeded(embedding.get(), 64);
    // Beside cos and sin at most a few bytes to tell what is set.
    CHECK_GE(difference, 1000 * one);
    CHECK_LE(difference, 1000 * (one + 8) + 64);
  }
}

TEST_CASE("rows: moved to other memory") {
  const Embedding embedding = MakeEmbedding(44);
  const std::vector<int64_t> positions = RandomPositions(kCount, 5);
  std::vector<int64_t> ids = positions;
  ids[7] = ROTARY_NO_POSITION_I64;
  const Rows original = MakeRows(embedding.get(), ids);
  const RowValues expected = ReadRows(original.get());
  const size_t bytes = rotary_rows_bytes(original.get());
  for (const size_t misalignment : {0u, 8u, 40u}) {
    CAPTURE(misalignment);
    const GuardedBuffer memory(bytes, Flush::kEnd, misalignment);
    std::memcpy(memory.data(), static_cast<const void*>(original.get()), bytes);
    auto* const moved = memory.As<rotary_rows>();
    CHECK(ReadRows(moved) == expected);
    ForEachTarget([&](const char* target) {
      // Token 7 is copied: a rotation by cos 1 and sin 0, for finite values.
      CHECK_EQ(ApplyDiffers(moved, expected, target), "");
    });
    SetPart(moved, embedding.get(), positions, 0, kCount);
    CHECK(ReadRows(moved) ==
          ReadRows(MakeRows(embedding.get(), positions).get()));
    CHECK(memory.CanariesIntact());
  }
}

TEST_CASE("rows: read in parts, with gaps") {
  const Embedding embedding = MakeEmbedding(20);
  const Rows rows = MakeRows(embedding.get(), RandomPositions(kCount, 9));
  const RowValues all = ReadRows(rows.get());
  constexpr int64_t kPairs = 10;
  constexpr int64_t kStride = 13;
  constexpr int64_t kFirst = 4;
  constexpr int64_t kRows = 5;
  const Shape shape{1, kRows, 1, kPairs};
  const StridedTensor cos(shape, {0, kStride, 0});
  const StridedTensor sin(shape, {0, kStride, 0});
  REQUIRE_EQ(
      rotary_rows_read(rows.get(), kFirst, kRows, cos.view().Floats(0, 0, 0),
                       sin.view().Floats(0, 0, 0), kStride, nullptr),
      ROTARY_OK);
  for (int64_t row = 0; row < kRows; ++row) {
    for (int64_t pair = 0; pair < kPairs; ++pair) {
      CHECK_EQ(cos.view().Floats(0, row, 0)[pair], all.Cos(kFirst + row)[pair]);
      CHECK_EQ(sin.view().Floats(0, row, 0)[pair], all.Sin(kFirst + row)[pair]);
    }
  }
  CHECK(cos.GapsIntact());
  CHECK(sin.GapsIntact());
}

TEST_CASE("rows: none at all") {
  const Embedding embedding = MakeEmbedding(20);
  const GuardedBuffer memory(RowsBytesNeeded(embedding.get(), 0), Flush::kEnd);
  rotary_rows* const rows = Init(memory, embedding.get(), 0);
  CHECK_EQ(rotary_rows_count(rows), 0);
  CHECK_EQ(rotary_rows_rotary_dim(rows), 20);
  const std::vector<int64_t> ids = {1};
  SetPart(rows, embedding.get(), ids, 0, 0);
  CHECK_EQ(
      rotary_rows_read(rows, 0, 0, nullptr, nullptr, ROTARY_DENSE, nullptr),
      ROTARY_OK);
  CHECK(memory.CanariesIntact());
}

}  // namespace rotary_test
