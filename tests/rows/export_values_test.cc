// What rows' values become as they are copied out: of 16 bits the nearest of
// any f32, subnormals, ties and what overflows among them.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// What the values that were exported were like.
struct Seen {
  int subnormal = 0;  // in the dtype, but not 0
  int infinite = 0;
  int tie = 0;
  int zero = 0;  // of a value that is not
};

// Exports rows to a dtype and compares each with the nearest to what is read.
void CheckValues(const rotary_rows* rows, rotary_dtype dtype, Seen* seen) {
  const RowValues values = ReadRows(rows);
  const auto size = static_cast<int64_t>(values.cos.size());
  std::vector<uint32_t> cos(values.cos.size()), sin(values.sin.size());
  rotary_error error;
  RequireOk(rotary_rows_export(rows, 0, rotary_rows_count(rows), dtype,
                               ROTARY_WIDTH_PAIRS, cos.data(), sin.data(),
                               ROTARY_DENSE, ROTARY_DENSE, &error),
            error);
  for (const bool is_sin : {false, true}) {
    CAPTURE(is_sin);
    for (int64_t i = 0; i < size; ++i) {
      const float value =
          (is_sin ? values.sin : values.cos)[static_cast<size_t>(i)];
      const uint32_t got = LoadBits(dtype, (is_sin ? sin : cos).data(), i);
      const uint32_t expected = Narrowed(dtype, value);
      if (got != expected) {
        CAPTURE(value);
        CAPTURE(got);
        CHECK(got == expected);
      }
      const double from = static_cast<double>(value);
      const double to = ValueOf(dtype, expected);
      const double magnitude = std::fabs(to);
      const double least = dtype == ROTARY_F16 ? 0x1p-14 : 0x1p-126;
      seen->infinite += std::isinf(to);
      seen->zero += to == 0 && from != 0;
      seen->subnormal += to != 0 && magnitude < least;
      seen->tie += std::isfinite(to) && to != from &&
                   std::fabs(to - from) == HalfUlp(dtype, from);
    }
  }
}

// Gains are what position 0 gives: of any f32 within 2^-126 .. 2^126, cos is
// that number, or by a half turn its negative; sin is it by a quarter turn, and
// else about 10^-16 of it.
void CheckGain(double gain, rotary_dtype dtype, Seen* seen) {
  if (gain < 0x1p-126 || gain > 0x1p126) return;
  CAPTURE(gain);
  const double half_turn = std::acos(-1.0);
  const Embedding embedding =
      MakeEmbedding({0.0, half_turn, half_turn / 2, -half_turn / 2, 1.0}, gain);
  CheckValues(MakeRows(embedding.get(), {1}).get(), dtype, seen);
  CheckValues(MakeRows(embedding.get(), {1}, ROTARY_INVERSE).get(), dtype,
              seen);
}

// An element, the middle between it and the next, and the f32 around both.
void CheckAround(uint32_t bits, rotary_dtype dtype, Seen* seen) {
  const double value = ValueOf(dtype, bits);
  if (std::isnan(value) || std::isinf(value)) return;
  for (const double middle : {value, value + HalfUlp(dtype, value)}) {
    const auto nearest = static_cast<float>(middle);
    for (const float from : {nearest, std::nextafter(nearest, 0.0f),
                             std::nextafter(nearest, HUGE_VALF)}) {
      CheckGain(static_cast<double>(from), dtype, seen);
    }
  }
}

TEST_CASE("values are rounded to the nearest element, ties to even") {
  for (const rotary_dtype dtype : {ROTARY_F16, ROTARY_BF16}) {
    CAPTURE(dtype);
    Seen seen;
    std::vector<uint32_t> elements = {
        0,      1,      2,      3,      0x3FF, 0x400, 0x401,  0x3C00, 0x3F7F,
        0x3F80, 0x3F81, 0x7BFF, 0x7BFE, 0x80,  0x81,  0x7E7F, 0x7E80};
    Random random(4);
    for (int i = 0; i < 24; ++i) {
      elements.push_back(static_cast<uint32_t>(random.Integer(0, 0x7FFF)));
    }
    for (int i = 0; i < 8; ++i) {  // subnormal in f16
      elements.push_back(static_cast<uint32_t>(random.Integer(0, 0x3FF)));
    }
    for (const uint32_t bits : elements) CheckAround(bits, dtype, &seen);
    for (const double gain : {0x1p126, 0x1p-126, 0x1p64, 0x1p-100, 65504.0,
                              65519.996, 65520.0, 65536.0, 0x1p-24, 0x1p-25}) {
      CheckGain(gain, dtype, &seen);
    }
    CHECK(seen.tie > 20);
    CHECK(seen.subnormal > 20);
    // The most that bf16 holds is more than 2^126.
    CHECK((seen.infinite > 20) == (dtype == ROTARY_F16));
    CHECK(seen.zero > 0);
  }
}

TEST_CASE("to f32 the very bits of rows are copied") {
  Seen seen;
  for (const double gain : {1.0, 0x1p126, 0x1p-126, 1.1, 65520.0}) {
    CheckGain(gain, ROTARY_F32, &seen);
  }
  CHECK(seen.subnormal > 0);
  CHECK(seen.tie == 0);
}

TEST_CASE("random rows are exported to 16 bits") {
  for (const double gain : {1.0, 0.1, 70000.0, 0x1p-16}) {
    const Embedding embedding = MakeEmbedding(128, 10000, gain);
    for (const rotary_mode mode :
         {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
      const Rows rows = MakeRows(embedding.get(), RandomPositions(50, 3), mode);
      for (const rotary_dtype dtype : Dtypes()) {
        Seen seen;
        CheckValues(rows.get(), dtype, &seen);
      }
    }
  }
}

}  // namespace
}  // namespace rotary_test
