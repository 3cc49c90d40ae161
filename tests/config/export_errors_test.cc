// What is wrong with the arguments of rotary_rows_export, and with those of
// rotary_rows_read in the same words.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

constexpr int64_t kRows = 6, kPairs = 4;

// A valid export of all rows of a ValidCall to be spoiled.
struct Export {
  Export() : memory(4096, 5) {}

  char* At(int64_t byte) {
    return reinterpret_cast<char*>(memory.data()) + byte;
  }
  rotary_status Run(rotary_error* error) const {
    return rotary_rows_export(rows, first_row, count, dtype, width, cos, sin,
                              row_stride, element_stride, error);
  }
  void CheckExportRefused(const Wrong& expected) const {
    const std::vector<uint64_t> before = memory;
    const std::vector<unsigned char> call_before = call.Memory();
    CheckRefused([&](rotary_error* error) { return Run(error); }, expected);
    // A read is an export to dense elements of f32.
    if (dtype == ROTARY_F32 && width == ROTARY_WIDTH_PAIRS &&
        element_stride == ROTARY_DENSE) {
      const auto read = [&](rotary_error* error) {
        return rotary_rows_read(rows, first_row, count,
                                static_cast<float*>(cos),
                                static_cast<float*>(sin), row_stride, error);
      };
      CheckRefused(read, expected);
    }
    CHECK(memory == before);
    CHECK(call.Memory() == call_before);
  }
  void CheckExportAccepted() const {
    rotary_error error;
    RequireOk(Run(&error), error);
  }

  const ValidCall call;
  std::vector<uint64_t> memory;
  const rotary_rows* rows = call.rows.get();
  int64_t first_row = 0;
  int64_t count = kRows;
  rotary_dtype dtype = ROTARY_F32;
  rotary_width width = ROTARY_WIDTH_PAIRS;
  void* cos = At(4096);
  void* sin = At(8192);
  int64_t row_stride = ROTARY_DENSE;
  int64_t element_stride = ROTARY_DENSE;
};

void CheckSpoiled(const std::function<void(Export*)>& spoil,
                  const Wrong& expected) {
  Export spoiled;
  spoil(&spoiled);
  spoiled.CheckExportRefused(expected);
}

Wrong Overlap(const std::string& argument,
              std::optional<int64_t> value = std::nullopt) {
  Wrong wrong = {argument, value};
  wrong.status = ROTARY_ERROR_OVERLAP;
  return wrong;
}

TEST_CASE("the export that the others spoil is valid") {
  for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_F16, ROTARY_BF16}) {
    for (const rotary_width width :
         {ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS}) {
      Export valid;
      valid.dtype = dtype;
      valid.width = width;
      const std::vector<uint64_t> before = valid.memory;
      valid.CheckExportAccepted();
      CHECK(valid.memory != before);
    }
  }
}

TEST_CASE("what is exported are rows that there are") {
  CheckSpoiled([](Export* to) { to->rows = nullptr; }, {"rows"});
  CheckSpoiled(
      [](Export* to) {
        to->rows = reinterpret_cast<const rotary_rows*>(to->At(0));
      },
      {"rows"});
  for (const int64_t first : {int64_t{-1}, kRows + 1, kMin64, kMax64}) {
    CheckSpoiled([=](Export* to) { to->first_row = first; },
                 {"first_row", first});
  }
  for (const int64_t first : {int64_t{0}, int64_t{1}, kRows}) {
    for (const int64_t count :
         {int64_t{-1}, kMin64, kRows - first + 1, kMax64}) {
      CheckSpoiled(
          [=](Export* to) {
            to->first_row = first;
            to->count = count;
          },
          {"count", count});
    }
  }
}

TEST_CASE("rows are exported to dtypes and widths of cos and sin") {
  for (const int32_t dtype : {0, -1, 5, 15, +ROTARY_F64, +ROTARY_I32,
                              +ROTARY_U64, INT32_MAX, INT32_MIN}) {
    CheckSpoiled([=](Export* to) { to->dtype = dtype; }, {"dtype", dtype});
  }
  for (const int32_t width : {0, -1, 4, INT32_MAX, INT32_MIN}) {
    CheckSpoiled([=](Export* to) { to->width = width; }, {"width", width});
  }
}

TEST_CASE("memory for cos and sin must be there and aligned") {
  CheckSpoiled([](Export* to) { to->cos = nullptr; }, {"cos"});
  CheckSpoiled([](Export* to) { to->sin = nullptr; }, {"sin"});
  for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_F16, ROTARY_BF16}) {
    for (const int64_t offset : {1, 2, 3, 6}) {
      for (const bool is_sin : {false, true}) {
        Export to;
        to.dtype = dtype;
        void*& data = is_sin ? to.sin : to.cos;
        data = static_cast<char*>(data) + offset;
        if (dtype != ROTARY_F32 && offset % 2 == 0) {
          to.CheckExportAccepted();
        } else {
          to.CheckExportRefused(
              {is_sin ? "sin" : "cos", reinterpret_cast<intptr_t>(data)});
        }
      }
    }
  }
}

TEST_CASE("nothing is exported to anywhere") {
  for (const int64_t stride : {int64_t{0}, kMin64 + 1, kMax64}) {
    Export to;
    to.count = 0;
    to.cos = to.sin = nullptr;
    to.row_stride = stride;
    to.CheckExportAccepted();
    to.first_row = kRows;
    to.cos = to.sin = to.At(1);
    to.CheckExportAccepted();
    to.first_row = kRows + 1;
    to.CheckExportRefused({"first_row", kRows + 1});
  }
}

TEST_CASE("the strides of an export must fit") {
  for (const int64_t value :
       {kMax64, -kMax64, kMax64 / 2 + 1, kMin64 / 4, int64_t{1} << 60}) {
    CAPTURE(value);
    for (const rotary_width width :
         {ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS}) {
      Export rows;
      rows.width = width;
      rows.row_stride = value;
      rows.CheckExportRefused({"row_stride", value});
      Export elements;
      elements.width = width;
      elements.element_stride = value;
      elements.CheckExportRefused({"element_stride", value});
      // That of one row is not used,
      rows.count = 1;
      rows.CheckExportAccepted();
    }
    // nor that of one element.
    const Rows one = MakeRows(MakeEmbedding(2).get(), {1, 2, 3});
    Export single;
    single.rows = one.get();
    single.count = 3;
    single.row_stride = 1;
    single.element_stride = value;
    single.CheckExportAccepted();
  }
}

TEST_CASE("elements of an export must not coincide") {
  struct Strides {
    int64_t row, element;
    const char* wrong;  // nullptr: none
  };
  for (const Strides& strides :
       std::vector<Strides>{{kPairs, 1, nullptr},
                            {-kPairs, -1, nullptr},
                            {1, kRows, nullptr},
                            {-1, kRows, nullptr},
                            {2, 2 * kRows - 1, nullptr},
                            {kPairs - 1, 1, "row_stride"},
                            {1 - kPairs, ROTARY_DENSE, "row_stride"},
                            {0, 1, "row_stride"},
                            {0, ROTARY_DENSE, "row_stride"},
                            {1, 1, "row_stride"},
                            {2 * kPairs - 2, 2, "row_stride"},
                            {kPairs, 0, "element_stride"},
                            {1, kRows - 1, "element_stride"},
                            {1, 1 - kRows, "element_stride"},
                            // No two are the same, but that is not provable.
                            {2, 3, "element_stride"}}) {
    CAPTURE(strides.row);
    CAPTURE(strides.element);
    Export to;
    to.row_stride = strides.row;
    to.element_stride = strides.element;
    if (strides.wrong == nullptr) {
      to.CheckExportAccepted();
      continue;
    }
    to.CheckExportRefused(
        Overlap(strides.wrong, std::string(strides.wrong) == "row_stride"
                                   ? strides.row
                                   : strides.element));
  }
}

TEST_CASE("cos and sin of an export must not overlap") {
  struct Layout {
    int64_t row, element;
    int64_t sin;  // elements behind cos
    bool legal;
  };
  const int64_t size = kRows * kPairs;
  for (const Layout& layout :
       std::vector<Layout>{{kPairs, 1, size, true},
                           {kPairs, 1, -size, true},
                           {kPairs, 1, 0, false},
                           {kPairs, 1, 1, false},
                           {kPairs, 1, size - 1, false},
                           {kPairs, 1, 1 - size, false},
                           {2 * kPairs, 1, kPairs, true},
                           {2 * kPairs, 1, -kPairs, true},
                           {2 * kPairs, 1, kPairs - 1, false},
                           {2 * kPairs, 1, kPairs + 1, false},
                           {2 * kPairs, 2, 1, true},
                           {2 * kPairs, 2, -1, true},
                           {2 * kPairs, 2, 2, false},
                           {1, 2 * kRows, kRows, true},
                           {1, 2 * kRows, kRows - 1, false},
                           {1, 2 * kRows, kRows + 1, false}}) {
    CAPTURE(layout.row);
    CAPTURE(layout.sin);
    for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_BF16}) {
      Export to;
      to.dtype = dtype;
      to.row_stride = layout.row;
      to.element_stride = layout.element;
      to.sin = static_cast<char*>(to.cos) +
               layout.sin * (dtype == ROTARY_F32 ? 4 : 2);
      if (layout.legal) {
        to.CheckExportAccepted();
      } else {
        to.CheckExportRefused(
            Overlap("sin", reinterpret_cast<intptr_t>(to.sin)));
      }
    }
  }
}

TEST_CASE("rows are not exported to their own memory") {
  for (const bool is_sin : {false, true}) {
    Export to;
    auto* const rows = reinterpret_cast<char*>(to.call.rows.get());
    const auto bytes = static_cast<int64_t>(rotary_rows_bytes(to.rows));
    void*& data = is_sin ? to.sin : to.cos;
    for (const int64_t at :
         {int64_t{0}, bytes - 4, bytes / 2 / 4 * 4, 4 - kRows * kPairs * 4}) {
      data = rows + at;
      to.CheckExportRefused(
          Overlap(is_sin ? "sin" : "cos", reinterpret_cast<intptr_t>(data)));
    }
  }
  // Right behind them.
  const Embedding embedding = MakeEmbedding(2 * kPairs);
  const size_t needed = RowsBytesNeeded(embedding.get(), kRows);
  std::vector<uint64_t> memory(needed / 8 + 100);
  Export to;
  rotary_rows* rows = nullptr;
  REQUIRE(rotary_rows_init(memory.data(), needed, embedding.get(), kRows, &rows,
                           nullptr) == ROTARY_OK);
  to.rows = rows;
  to.cos = reinterpret_cast<char*>(memory.data()) + needed;
  to.CheckExportAccepted();
}

}  // namespace
}  // namespace rotary_test
