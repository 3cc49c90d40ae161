// What is wrong with the arguments of the functions about prepared calls that
// rotary_apply does not have (those it has: errors_test.cc).
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

size_t BytesNeeded(int64_t num_tensors) {
  size_t bytes = 0;
  rotary_error error;
  RequireOk(rotary_prepared_bytes_needed(num_tensors, &bytes, &error), error);
  return bytes;
}

TEST_CASE("the number of tensors to be prepared must be sensible") {
  size_t bytes = 12345;
  for (const int64_t value : {int64_t{-1}, kMin64, kMax64, kMax64 / 8}) {
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_prepared_bytes_needed(value, &bytes, error);
        },
        {"num_tensors", value});
  }
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_prepared_bytes_needed(1, nullptr, error);
      },
      {"bytes"});
  CHECK(bytes == 12345);
  CHECK(BytesNeeded(0) > 0);
  CHECK(BytesNeeded(3) > BytesNeeded(2));
}

TEST_CASE("a prepared call needs memory that is large enough and aligned") {
  const ValidCall call;
  const size_t needed = BytesNeeded(2);
  std::vector<uint64_t> memory(needed / 8 + 2, 5);
  const std::vector<uint64_t> before = memory;
  auto* const untouched = reinterpret_cast<rotary_prepared*>(8);
  rotary_prepared* prepared = untouched;
  const auto refused = [&](const rotary_apply_args* args, void* to,
                           size_t bytes, rotary_prepared** out,
                           const Wrong& expected) {
    CheckRefused(
        [&](rotary_error* error) {
          return rotary_prepare(args, to, bytes, out, error);
        },
        expected);
    CHECK(prepared == untouched);
    CHECK(memory == before);
  };
  for (const size_t bytes :
       {size_t{0}, size_t{8}, BytesNeeded(1), needed - 1}) {
    refused(&call.args, memory.data(), bytes, &prepared,
            {"bytes", static_cast<int64_t>(bytes)});
  }
  refused(&call.args, nullptr, needed, &prepared, {"memory"});
  for (const int offset : {1, 2, 4, 7}) {
    refused(&call.args, reinterpret_cast<char*>(memory.data()) + offset, needed,
            &prepared, {"memory"});
  }
  refused(&call.args, memory.data(), needed, nullptr, {"prepared"});
  refused(nullptr, memory.data(), needed, &prepared, {"args"});
}

TEST_CASE("a prepared call is not kept in what it moves") {
  std::vector<uint64_t> memory(BytesNeeded(9) / 8 + 1000, 5);
  const std::vector<uint64_t> before = memory;
  std::vector<uint64_t> other(4000);
  rotary_prepared* prepared = nullptr;
  const Embedding embedding = MakeEmbedding(64);
  const std::vector<int64_t> ids = {1, 2, 3};
  const rotary_positions positions = MakePositions(ids);
  // The last of several, of more than are looked at together too.
  for (const size_t count : {size_t{1}, size_t{2}, size_t{9}}) {
    for (const bool reads : {false, true}) {
      CAPTURE(count);
      CAPTURE(reads);
      std::vector<rotary_tensor> tensors(count);
      for (size_t i = 0; i < count; ++i) {
        rotary_tensor_init(&tensors[i], sizeof(tensors[i]));
        tensors[i].head_dim = 64;
        tensors[i].input = other.data() + 200 * i;
        tensors[i].input_pairing = ROTARY_HALF;
        tensors[i].output = other.data() + 200 * i + 100;
      }
      rotary_tensor* last = &tensors.back();
      const rotary_apply_args args = [&] {
        rotary_apply_args made = MakeApplyArgs(1, 3, tensors);
        made.embedding = embedding.get();
        made.positions = &positions;
        return made;
      }();
      if (reads) {
        last->input = memory.data() + 8;
      } else {
        last->output = memory.data() + 8;
      }
      rotary_error error = {};
      CHECK(rotary_prepare(&args, memory.data(), memory.size() * 8, &prepared,
                           &error) == ROTARY_ERROR_OVERLAP);
      CHECK(std::string(error.argument) == "memory");
      CHECK(memory == before);
      CHECK(prepared == nullptr);
    }
  }
}

TEST_CASE("a prepared call is not kept in the rows that it goes by") {
  const Embedding embedding = MakeEmbedding(64);
  constexpr int64_t kRows = 100;
  const size_t bytes = RowsBytesNeeded(embedding.get(), kRows);
  // Of the rows the first bytes, some between, and the last; then none.
  const size_t needed = BytesNeeded(1);
  REQUIRE(bytes > 2 * needed);
  std::vector<uint64_t> memory((bytes + needed) / 8 + 2);
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_init(memory.data(), bytes, embedding.get(), kRows,
                             &rows, &error),
            error);
  std::vector<float> x(64);
  std::vector<rotary_tensor> tensors(1);
  rotary_tensor_init(&tensors[0], sizeof(tensors[0]));
  tensors[0].head_dim = 64;
  tensors[0].input = x.data();
  tensors[0].input_pairing = ROTARY_HALF;
  rotary_apply_args args = MakeApplyArgs(1, 1, tensors);
  args.rows = rows;
  const std::vector<uint64_t> before = memory;
  rotary_prepared* prepared = nullptr;
  for (const size_t at : {size_t{0}, bytes / 16, bytes / 8 - 1}) {
    CAPTURE(at);
    CHECK(rotary_prepare(&args, memory.data() + at, needed, &prepared,
                         &error) == ROTARY_ERROR_OVERLAP);
    CHECK(std::string(error.argument) == "memory");
    CHECK(memory == before);
  }
  RequireOk(rotary_prepare(&args, memory.data() + bytes / 8 + 1, needed,
                           &prepared, &error),
            error);
}

TEST_CASE("slices of a prepared call are checked") {
  ValidCall call;
  std::vector<uint64_t> memory(BytesNeeded(2) / 8 + 1);
  rotary_prepared* prepared = nullptr;
  rotary_error error;
  RequireOk(rotary_prepare(&call.args, memory.data(), memory.size() * 8,
                           &prepared, &error),
            error);
  CHECK(static_cast<void*>(prepared) == memory.data());
  const std::vector<unsigned char> before = call.Memory();
  const auto refused = [&](const rotary_prepared* of, int64_t slice,
                           int64_t num_slices, const Wrong& expected) {
    CheckRefused(
        [&](rotary_error* e) {
          return rotary_prepared_run(of, slice, num_slices, e);
        },
        expected);
  };
  refused(nullptr, 0, 1, {"prepared"});
  for (const int64_t value : {int64_t{0}, int64_t{-1}, kMin64}) {
    refused(prepared, 0, value, {"num_slices", value});
  }
  for (const int64_t value : {int64_t{-1}, int64_t{3}, kMin64, kMax64}) {
    refused(prepared, value, 3, {"slice", value});
  }
  refused(prepared, kMax64, kMax64, {"slice", kMax64});
  CHECK(call.Memory() == before);
  // More slices than there is work: most are empty.
  CHECK(rotary_prepared_run(prepared, kMax64 - 1, kMax64, nullptr) ==
        ROTARY_OK);
  CHECK(call.Memory() == before);

  CHECK(rotary_prepared_slices(nullptr) == 0);
  CHECK(rotary_prepared_slices(prepared) == 1);
}

}  // namespace
}  // namespace rotary_test
