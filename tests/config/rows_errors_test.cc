// What is wrong with the arguments of the functions about rows
// (rotary_rows_export, of which rotary_rows_read is one use:
// export_errors_test.cc).
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

rotary_rows* Untouched() { return reinterpret_cast<rotary_rows*>(8); }

TEST_CASE("the count of rows must be sensible") {
  const Embedding embedding = MakeEmbedding(8);
  std::vector<uint64_t> memory(1000, 5);
  const std::vector<uint64_t> before = memory;
  const auto refused = [&](const rotary_embedding* from, int64_t count,
                           const Wrong& expected) {
    size_t bytes = 12345;
    rotary_rows* rows = Untouched();
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_rows_bytes_needed(from, count, &bytes, error);
        },
        expected);
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_rows_create(from, count, &rows, error);
        },
        expected);
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_rows_init(memory.data(), 8000, from, count, &rows,
                                  error);
        },
        expected);
    CHECK(bytes == 12345);
    CHECK(rows == Untouched());
    CHECK(memory == before);
  };
  for (const int64_t count :
       {int64_t{-1}, kMin64, kMax64, kMax64 / 2, int64_t{1} << 60}) {
    refused(embedding.get(), count, {"count", count});
  }
  refused(nullptr, 1, {"embedding"});
}

TEST_CASE("rows need memory that is large enough and aligned") {
  const Embedding embedding = MakeEmbedding(8);
  size_t needed = 0;
  REQUIRE(rotary_rows_bytes_needed(embedding.get(), 3, &needed, nullptr) ==
          ROTARY_OK);
  std::vector<uint64_t> memory(needed / 8 + 2, 5);
  const std::vector<uint64_t> before = memory;
  rotary_rows* rows = Untouched();
  const auto refused = [&](void* to, size_t bytes, const Wrong& expected) {
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_rows_init(to, bytes, embedding.get(), 3, &rows, error);
        },
        expected);
    CHECK(rows == Untouched());
    CHECK(memory == before);
  };
  for (const size_t bytes : {size_t{0}, size_t{8}, needed - 8, needed - 1}) {
    refused(memory.data(), bytes, {"bytes", static_cast<int64_t>(bytes)});
  }
  refused(nullptr, needed, {"memory"});
  for (const int offset : {1, 2, 4, 7}) {
    refused(reinterpret_cast<char*>(memory.data()) + offset, needed,
            {"memory"});
  }
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_rows_init(memory.data(), needed, embedding.get(), 3,
                                nullptr, error);
      },
      {"rows"});
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_rows_create(embedding.get(), 3, nullptr, error);
      },
      {"rows"});
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_rows_bytes_needed(embedding.get(), 3, nullptr, error);
      },
      {"bytes"});
  CHECK(memory == before);
  REQUIRE(rotary_rows_init(memory.data(), needed, embedding.get(), 3, &rows,
                           nullptr) == ROTARY_OK);
  CHECK(static_cast<void*>(rows) == memory.data());
  CHECK(rotary_rows_bytes(rows) == needed);
}

// Rows for 6 tokens and valid arguments to set them.
struct ValidSet {
  ValidCall call;
  rotary_rows_args args;

  ValidSet() : args(call.RowsArgs()) { args.num_threads = 1; }
};

TEST_CASE("the arguments of rotary_rows_set are checked") {
  ValidSet valid;
  const std::vector<unsigned char> before = valid.call.Memory();
  REQUIRE(rotary_rows_set(valid.call.rows.get(), &valid.args, nullptr) ==
          ROTARY_OK);
  CHECK(valid.call.Memory() != before);

  const auto refused = [](auto field, auto value, const std::string& name) {
    ValidSet set;
    set.args.*field = value;
    CheckSetRefused(set.call, set.args, {name, static_cast<int64_t>(value)});
  };
  for (const int64_t value : {int64_t{-1}, kMin64}) {
    refused(&rotary_rows_args::batch, value, "batch");
    refused(&rotary_rows_args::tokens, value, "tokens");
    refused(&rotary_rows_args::first_row, value, "first_row");
  }
  refused(&rotary_rows_args::batch, kMax64, "batch");
  for (const int64_t value : {int64_t{7}, kMax64}) {
    refused(&rotary_rows_args::first_row, value, "first_row");
  }
  for (const int32_t value : {-1, 3, INT32_MAX, INT32_MIN}) {
    refused(&rotary_rows_args::mode, value, "mode");
  }
  for (const int32_t value : {-1, INT32_MIN}) {
    refused(&rotary_rows_args::num_threads, value, "num_threads");
  }

  ValidSet set;
  set.args.target = "avx9";
  Wrong no_target = {"target"};
  no_target.status = ROTARY_ERROR_TARGET;
  CheckSetRefused(set.call, set.args, no_target);
  set.args.target = nullptr;
  set.args.embedding = nullptr;
  CheckSetRefused(set.call, set.args, {"embedding"});
  const Embedding other = MakeEmbedding(10);
  set.args.embedding = other.get();
  CheckSetRefused(set.call, set.args, {"embedding"});
  set.args.embedding = set.call.embedding.get();
  set.args.positions = nullptr;
  CheckSetRefused(set.call, set.args, {"positions"});
}

TEST_CASE("rotary_rows_set stays within the rows") {
  struct Range {
    int64_t batch, tokens, first_row;
    bool legal;
  };
  for (const Range& range : std::vector<Range>{{2, 3, 0, true},
                                               {1, 1, 5, true},
                                               {0, 9, 6, true},
                                               {9, 0, 6, true},
                                               {2, 3, 1, false},
                                               {1, 7, 0, false},
                                               {1, 1, 6, false},
                                               {1, 2, 5, false}}) {
    ValidSet set;
    set.args.batch = range.batch;
    set.args.tokens = range.tokens;
    set.args.first_row = range.first_row;
    set.call.positions.batch_stride = 0;
    set.call.positions.token_stride = 0;
    if (range.legal) {
      CHECK(rotary_rows_set(set.call.rows.get(), &set.args, nullptr) ==
            ROTARY_OK);
      continue;
    }
    rotary_error error;
    const std::vector<unsigned char> before = set.call.Memory();
    CHECK(rotary_rows_set(set.call.rows.get(), &set.args, &error) ==
          ROTARY_ERROR_ARGUMENT);
    const std::string argument = error.argument;
    CHECK(argument == (range.batch == 1 ? "tokens" : "batch * tokens"));
    CHECK(error.value == range.batch * range.tokens);
    CHECK(set.call.Memory() == before);
  }
}

TEST_CASE("rotary_rows_set takes rows only") {
  const ValidSet valid;
  const auto refused = [&](rotary_rows* rows, const rotary_rows_args* args,
                           const Wrong& expected) {
    CheckRefused(
        [&](rotary_error* error) { return rotary_rows_set(rows, args, error); },
        expected);
  };
  refused(nullptr, &valid.args, {"rows"});
  refused(valid.call.rows.get(), nullptr, {"args"});
  std::vector<uint64_t> garbage(1000, 0x0123456789abcdefu);
  const std::vector<uint64_t> before = garbage;
  refused(reinterpret_cast<rotary_rows*>(garbage.data()), &valid.args,
          {"rows"});
  refused(reinterpret_cast<rotary_rows*>(
              reinterpret_cast<char*>(valid.call.rows.get()) + 4),
          &valid.args, {"rows"});
  CHECK(garbage == before);
}

TEST_CASE("the arguments of rotary_rows_read are checked") {
  const ValidCall valid;
  std::vector<float> cos(24, 5.0f), sin(24, 6.0f);
  const std::vector<float> cos_before = cos, sin_before = sin;
  struct Read {
    const rotary_rows* rows;
    int64_t first_row, count;
    float* cos;
    float* sin;
    int64_t row_stride;
    Wrong expected;
  };
  const rotary_rows* rows = valid.rows.get();
  float* const c = cos.data();
  float* const s = sin.data();
  for (const Read& read : std::vector<Read>{
           {nullptr, 0, 6, c, s, 4, {"rows"}},
           {reinterpret_cast<const rotary_rows*>(c), 0, 6, c, s, 4, {"rows"}},
           {rows, -1, 6, c, s, 4, {"first_row", -1}},
           {rows, 7, 0, c, s, 4, {"first_row", 7}},
           {rows, kMin64, 1, c, s, 4, {"first_row", kMin64}},
           {rows, kMax64, kMax64, c, s, 4, {"first_row", kMax64}},
           {rows, 0, -1, c, s, 4, {"count", -1}},
           {rows, 0, kMin64, c, s, 4, {"count", kMin64}},
           {rows, 0, 7, c, s, 4, {"count", 7}},
           {rows, 1, 6, c, s, 4, {"count", 6}},
           {rows, 1, kMax64, c, s, 4, {"count", kMax64}},
           {rows, 0, 6, nullptr, s, 4, {"cos"}},
           {rows, 0, 6, c, nullptr, 4, {"sin"}},
           {rows, 0, 2, c, s, 3, {"row_stride", 3, ROTARY_ERROR_OVERLAP}},
           {rows, 0, 2, c, s, 0, {"row_stride", 0, ROTARY_ERROR_OVERLAP}},
           {rows, 0, 2, c, s, -3, {"row_stride", -3, ROTARY_ERROR_OVERLAP}},
           {rows, 0, 2, c, c, 4, {"sin", {}, ROTARY_ERROR_OVERLAP}},
           {rows, 0, 2, c, c + 3, 4, {"sin", {}, ROTARY_ERROR_OVERLAP}},
           {rows, 0, 2, c, c + 3, 8, {"sin", {}, ROTARY_ERROR_OVERLAP}},
           {rows, 0, 2, c, s, kMin64 + 1, {"row_stride", kMin64 + 1}},
           {rows, 0, 3, c, s, kMax64, {"row_stride", kMax64}}}) {
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_rows_read(read.rows, read.first_row, read.count,
                                  read.cos, read.sin, read.row_stride, error);
        },
        read.expected);
  }
  CHECK(cos == cos_before);
  CHECK(sin == sin_before);
  CHECK(rotary_rows_read(rows, 6, 0, c, s, 4, nullptr) == ROTARY_OK);
  CHECK(rotary_rows_read(rows, 0, 6, c, s, ROTARY_DENSE, nullptr) == ROTARY_OK);
  CHECK(cos != cos_before);
  // Sin behind cos in each row; rows backwards; a stride that is not used.
  CHECK(rotary_rows_read(rows, 0, 3, c, c + 4, 8, nullptr) == ROTARY_OK);
  CHECK(rotary_rows_read(rows, 0, 6, c + 20, s + 20, -4, nullptr) == ROTARY_OK);
  CHECK(rotary_rows_read(rows, 5, 1, c, s, kMax64, nullptr) == ROTARY_OK);
}

TEST_CASE("getters of rows take NULL") {
  CHECK(rotary_rows_count(nullptr) == 0);
  CHECK(rotary_rows_rotary_dim(nullptr) == 0);
  CHECK(rotary_rows_bytes(nullptr) == 0);
}

}  // namespace
}  // namespace rotary_test
