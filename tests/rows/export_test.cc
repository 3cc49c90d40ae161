// Rows that are copied out: every value rounded once to its dtype, at its
// place, and nothing written beside it.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/rows/rows_fixture.h"
#include "tests/support/element.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

const std::vector<rotary_width> kWidths = {
    ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS};

// Where cos and sin lie in one memory.
struct Place {
  std::string name;
  int64_t row_stride, element_stride;
  int64_t sin;  // behind cos
};

// For `count` rows of `width` elements.
std::vector<Place> Places(int64_t count, int64_t width) {
  const int64_t size = count * width;
  return {{"dense", ROTARY_DENSE, ROTARY_DENSE, size},
          {"sin first", width, 1, -size},
          {"gaps", width + 3, 1, count * (width + 3) + 1},
          {"sin behind cos in a row", 2 * width, 1, width},
          {"sin behind cos, gaps", 2 * width + 5, 1, width + 2},
          {"complex", 2 * width, 2, 1},
          {"complex, sin first", 2 * width + 3, 2, -1},
          {"complex backwards", -2 * width, -2, -1},
          {"rows backwards", -width - 1, 1, 2 * count * (width + 1)},
          {"elements backwards", width, -1, size},
          {"every third element", 3 * width, 3, 1},
          {"transposed", 1, count, size},
          {"transposed, in turns", 1, 2 * count, count},
          {"transposed, gaps", 2, 2 * count + 1, 1},
          {"transposed backwards", -1, -count - 2, size + 2 * width}};
}

// Cos and sin in memory of exactly their extent, filled with canaries.
class Exported {
 public:
  Exported(const rotary_rows* rows, int64_t first_row, int64_t count,
           rotary_dtype dtype, rotary_width width, const Place& place,
           Flush flush)
      : dtype_(dtype),
        width_(width),
        pairs_(rotary_rows_rotary_dim(rows) / 2),
        elements_(width == ROTARY_WIDTH_PAIRS ? pairs_ : 2 * pairs_),
        row_stride_(place.row_stride == ROTARY_DENSE ? elements_
                                                     : place.row_stride),
        element_stride_(
            place.element_stride == ROTARY_DENSE ? 1 : place.element_stride),
        low_(Reach(count, false) + std::min(place.sin, int64_t{0})),
        memory_(Bytes(Reach(count, true) + std::max(place.sin, int64_t{0}) + 1 -
                      low_),
                flush),
        cos_(memory_.As<char>() - low_ * Size()),
        sin_(cos_ + place.sin * Size()) {
    std::memset(memory_.data(), kCanary, memory_.bytes());
    rotary_error error;
    RequireOk(
        rotary_rows_export(rows, first_row, count, dtype, width, cos_, sin_,
                           place.row_stride, place.element_stride, &error),
        error);
  }

  // The bits of the copy (0 or 1) of a pair's value.
  uint32_t Bits(bool is_sin, int64_t row, int64_t pair, int copy) const {
    return LoadBits(dtype_, is_sin ? sin_ : cos_, At(row, pair, copy));
  }
  int copies() const { return width_ == ROTARY_WIDTH_PAIRS ? 1 : 2; }

  // Whether nothing is written but the elements of so many rows.
  bool GapsIntact(int64_t count) {
    for (int64_t row = 0; row < count; ++row) {
      for (int64_t pair = 0; pair < pairs_; ++pair) {
        for (int copy = 0; copy < copies(); ++copy) {
          const int64_t at = At(row, pair, copy) * Size();
          std::memset(cos_ + at, kCanary, static_cast<size_t>(Size()));
          std::memset(sin_ + at, kCanary, static_cast<size_t>(Size()));
        }
      }
    }
    const auto* const begin = memory_.As<uint8_t>();
    return memory_.CanariesIntact() &&
           std::all_of(begin, begin + memory_.bytes(),
                       [](uint8_t byte) { return byte == kCanary; });
  }

  // As an argument of an apply call with positions.
  rotary_cos_sin CosSin(int64_t rows) const {
    rotary_cos_sin from;
    rotary_cos_sin_init(&from, sizeof(from));
    from.cos = cos_;
    from.sin = sin_;
    from.rotary_dim = 2 * pairs_;
    from.rows = rows;
    from.row_stride = row_stride_;
    from.element_stride = element_stride_;
    from.dtype = dtype_;
    from.width = width_;
    return from;
  }

 private:
  static constexpr int kCanary = 0x5A;

  int64_t Size() const { return static_cast<int64_t>(ElementBytes(dtype_)); }
  size_t Bytes(int64_t elements) const {
    return static_cast<size_t>(elements * Size());
  }
  int64_t At(int64_t row, int64_t pair, int copy) const {
    const int64_t element = width_ == ROTARY_WIDTH_NEIGHBORS
                                ? 2 * pair + copy
                                : pair + copy * pairs_;
    return row * row_stride_ + element * element_stride_;
  }
  // The lowest or highest element of cos.
  int64_t Reach(int64_t count, bool up) const {
    const int64_t steps[] = {(count - 1) * row_stride_,
                             (elements_ - 1) * element_stride_};
    int64_t reach = 0;
    for (const int64_t step : steps) reach += (step > 0) == up ? step : 0;
    return reach;
  }

  const rotary_dtype dtype_;
  const rotary_width width_;
  const int64_t pairs_;
  const int64_t elements_;
  const int64_t row_stride_;
  const int64_t element_stride_;
  const int64_t low_;
  const GuardedBuffer memory_;
  char* const cos_;
  char* const sin_;
};

// Compares with rows as they are read; a row that does not rotate is read as 1
// and 0.
void CheckExport(const rotary_rows* rows, int64_t first_row, int64_t count,
                 rotary_dtype dtype, rotary_width width, const Place& place,
                 Flush flush) {
  const RowValues values = ReadRows(rows);
  Exported got(rows, first_row, count, dtype, width, place, flush);
  int wrong = 0;
  for (int64_t row = 0; row < count; ++row) {
    const float* const cos = values.Cos(first_row + row);
    const float* const sin = values.Sin(first_row + row);
    for (int64_t pair = 0; pair < values.pairs; ++pair) {
      for (int copy = 0; copy < got.copies(); ++copy) {
        wrong += got.Bits(false, row, pair, copy) != Narrowed(dtype, cos[pair]);
        wrong += got.Bits(true, row, pair, copy) != Narrowed(dtype, sin[pair]);
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(got.GapsIntact(count));
}

template <typename Check>
void ForEachFormat(const Check& check) {
  for (const rotary_dtype dtype : Dtypes()) {
    CAPTURE(dtype);
    for (const rotary_width width : kWidths) {
      CAPTURE(width);
      check(dtype, width);
    }
  }
}

int64_t Elements(rotary_width width, int64_t rotary_dim) {
  return width == ROTARY_WIDTH_PAIRS ? rotary_dim / 2 : rotary_dim;
}

TEST_CASE("rows are exported to every layout, and nothing beside it") {
  for (const int64_t rotary_dim : {2, 6, 130}) {
    CAPTURE(rotary_dim);
    const Embedding embedding = MakeEmbedding(rotary_dim, 10000, 1.25);
    // Some of no position.
    const Rows rows = MakeRows(
        embedding.get(),
        {5, -7, ROTARY_NO_POSITION_I64, 123456, ROTARY_NO_POSITION_I64, 1, 0});
    ForEachFormat([&](rotary_dtype dtype, rotary_width width) {
      for (const int64_t count : {1, 2, 7}) {
        CAPTURE(count);
        for (const Place& place : Places(count, Elements(width, rotary_dim))) {
          CAPTURE(place.name);
          for (const Flush flush : {Flush::kStart, Flush::kEnd}) {
            CheckExport(rows.get(), 7 - count, count, dtype, width, place,
                        flush);
          }
        }
      }
    });
  }
}

TEST_CASE("rows that do not rotate are exported as 1 and 0") {
  const Embedding embedding = MakeEmbedding(6, 10000, 3);
  rotary_rows* made = nullptr;  // never set
  REQUIRE(rotary_rows_create(embedding.get(), 2, &made, nullptr) == ROTARY_OK);
  const Rows unset(made);
  const Rows without = MakeRows(
      embedding.get(), {ROTARY_NO_POSITION_I64, ROTARY_NO_POSITION_I64});
  for (const rotary_rows* rows : {unset.get(), without.get()}) {
    ForEachFormat([&](rotary_dtype dtype, rotary_width width) {
      const Exported got(rows, 0, 2, dtype, width, Places(2, 6)[0],
                         Flush::kEnd);
      for (int64_t i = 0; i < 2 * 3 * got.copies(); ++i) {
        const auto copy = static_cast<int>(i % got.copies());
        const int64_t pair = i / got.copies() % 3, row = i / got.copies() / 3;
        CHECK(got.Bits(false, row, pair, copy) == Nearest(dtype, 1.0));
        CHECK(got.Bits(true, row, pair, copy) == Nearest(dtype, 0.0));
      }
    });
  }
}

TEST_CASE("any range of rows is exported") {
  const Embedding embedding = MakeEmbedding(8);
  const Rows rows = MakeRows(embedding.get(), {9, 8, 7, 6, 5});
  for (int64_t first = 0; first <= 5; ++first) {
    for (int64_t count = 1; first + count <= 5; ++count) {
      CAPTURE(first);
      CAPTURE(count);
      CheckExport(rows.get(), first, count, ROTARY_BF16, ROTARY_WIDTH_HALVES,
                  Places(count, 8)[0], Flush::kEnd);
    }
    CHECK(rotary_rows_export(rows.get(), first, 0, ROTARY_F16,
                             ROTARY_WIDTH_PAIRS, nullptr, nullptr, 0, 0,
                             nullptr) == ROTARY_OK);
  }
}

// As a cache of cos and sin, of which tokens take their rows.
TEST_CASE("a tensor is rotated by what was exported") {
  constexpr int64_t kRotaryDim = 22;
  const std::vector<int64_t> positions = {0, 3, 77, -9, 1000, 31};
  const Embedding embedding = MakeEmbedding(kRotaryDim, 500, 0.75);
  const Rows rows = MakeRows(embedding.get(), positions);
  const RowValues values = ReadRows(rows.get());
  const std::vector<int64_t> ids = {4, 0, 5, 5, 2, 1, 3};
  const rotary_positions by_ids = MakePositions(ids);
  const Shape shape{1, 7, 2, kRotaryDim};
  StridedTensor input(shape, StridesOf(shape));
  input.FillRandom(8);
  ForEachFormat([&](rotary_dtype dtype, rotary_width width) {
    for (const Place& place : Places(6, Elements(width, kRotaryDim))) {
      CAPTURE(place.name);
      const Exported exported(rows.get(), 0, 6, dtype, width, place,
                              Flush::kEnd);
      const rotary_cos_sin cos_sin = exported.CosSin(6);
      // The rows of the tokens, rounded.
      std::vector<float> cos, sin;
      for (const int64_t id : ids) {
        for (int64_t pair = 0; pair < kRotaryDim / 2; ++pair) {
          const auto round = [&](float value) {
            return Widened(dtype, Narrowed(dtype, value));
          };
          cos.push_back(round(values.Cos(id)[pair]));
          sin.push_back(round(values.Sin(id)[pair]));
        }
      }
      ForEachTarget([&](const char* target) {
        const StridedTensor output(shape, StridesOf(shape));
        const std::vector<rotary_tensor> tensors = {
            OutOfPlace(input.view(), output.view(), ROTARY_INTERLEAVED)};
        rotary_apply_args args = MakeApplyArgs(1, shape.tokens, tensors);
        args.cos_sin = &cos_sin;
        args.positions = &by_ids;
        args.target = target;
        ApplyOk(args);
        CHECK(CompareRotated(input.view(), output.view(),
                             {ROTARY_INTERLEAVED, 0, kRotaryDim, cos.data(),
                              sin.data(), 0, 1}) == "");
      });
    }
  });
}

}  // namespace
}  // namespace rotary_test
