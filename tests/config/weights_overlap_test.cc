// Which memory may be the output of rotary_permute_weights: against bytes taken
// one by one.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <utility>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/config/weights_call.h"
#include "tests/support/effort.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

TEST_CASE("weights: rows of an output must not coincide") {
  for (const int64_t stride : {0, 1, -1, 4, -4}) {
    Wrong wrong = {"output_row_stride", stride};
    wrong.status = ROTARY_ERROR_OVERLAP;
    WeightsCall call;
    call.output_stride = stride;
    call.CheckWeightsRefused(wrong);
    // Those of an input may, but not in place.
    call.input_stride = stride;
    call.output_stride = ROTARY_DENSE;
    call.CheckWeightsAccepted();
    call.output = nullptr;
    wrong.argument = "input_row_stride";
    call.CheckWeightsRefused(wrong);
  }
}

TEST_CASE("weights: input and output are disjoint, or the same") {
  struct Layout {
    int64_t input_stride, output_stride;
    int64_t output;  // behind the input, in bytes
    bool legal;
  };
  for (const Layout& layout : std::vector<Layout>{{5, 5, 0, true},
                                                  {5, ROTARY_DENSE, 0, true},
                                                  {-7, -7, 0, true},
                                                  {5, 6, 0, false},
                                                  {5, -5, 0, false},
                                                  {0, 5, 0, false},
                                                  {5, 5, 120, true},
                                                  {5, 5, -120, true},
                                                  {5, 5, 119, false},
                                                  {5, 5, -119, false},
                                                  {5, 5, 4, false},
                                                  {5, 5, 1, false},
                                                  {5, -5, 220, true},
                                                  {5, -5, 219, false},
                                                  // Side by side.
                                                  {10, 10, 20, true},
                                                  {10, 10, -20, true},
                                                  {10, 10, 19, false},
                                                  {10, 10, 21, false},
                                                  {10, -10, 180, true},
                                                  {10, -10, 190, false},
                                                  {10, -10, 160, false},
                                                  {10, -10, 220, true}}) {
    CAPTURE(layout.input_stride);
    CAPTURE(layout.output_stride);
    CAPTURE(layout.output);
    WeightsCall call;
    call.input_stride = layout.input_stride;
    call.output_stride = layout.output_stride;
    call.output = call.At(layout.output);
    if (layout.legal) {
      call.CheckWeightsAccepted();
    } else {
      Wrong wrong = {"output", reinterpret_cast<intptr_t>(call.output)};
      wrong.status = ROTARY_ERROR_OVERLAP;
      call.CheckWeightsRefused(wrong);
    }
  }
}

// Whether some byte is in a row of both, or in two rows of the output.
bool Coincide(const WeightsShape& shape, int64_t size, int64_t input_begin,
              int64_t input_stride, int64_t output_begin,
              int64_t output_stride) {
  std::vector<bool> taken(static_cast<size_t>(size), false);
  const auto each_byte = [&](int64_t begin, int64_t stride, const auto& see) {
    for (int64_t row = 0; row < shape.rows(); ++row) {
      for (int64_t i = 0; i < shape.row_bytes(); ++i) {
        see(static_cast<size_t>(begin + row * stride + i));
      }
    }
  };
  bool coincide = false;
  each_byte(output_begin, output_stride, [&](size_t byte) {
    coincide = coincide || taken[byte];
    taken[byte] = true;
  });
  each_byte(input_begin, input_stride,
            [&](size_t byte) { coincide = coincide || taken[byte]; });
  return coincide;
}

TEST_CASE("weights: what is accepted in one memory is done right") {
  Random random(23);
  int accepted = 0, in_place = 0, refused = 0;
  for (int i = 0; i < Effort(20000, 500000); ++i) {
    CAPTURE(i);
    WeightsCall call;
    call.shape.element_size = random.Integer(1, 4);
    call.shape.columns = random.Integer(1, 5);
    call.shape.heads = random.Integer(1, 2);
    if (random.Integer(0, 1) == 0) std::swap(call.shape.from, call.shape.to);
    const int64_t size = call.shape.element_size;
    call.input_stride = random.Integer(-12, 12);
    call.output_stride =
        random.Integer(0, 1) == 0 ? call.input_stride : random.Integer(-12, 12);
    const int64_t apart = random.Integer(0, 3) == 0
                              ? 0
                              : random.Integer(-90, 90) * random.Integer(1, 4);
    call.output = call.At(apart);
    const std::vector<uint8_t> before = call.memory;
    const int64_t input_begin = 1024, output_begin = 1024 + apart;
    const bool same = apart == 0 && call.input_stride == call.output_stride;
    rotary_error error;
    const rotary_status status = call.Run(&error);
    if (status != ROTARY_OK) {
      ++refused;
      CHECK(status == ROTARY_ERROR_OVERLAP);
      CHECK(call.memory == before);
      continue;
    }
    ++(same ? in_place : accepted);
    // In place, the rows must be apart from each other.
    const int64_t elsewhere = same ? 3000 : input_begin;
    CHECK_FALSE(Coincide(call.shape, 8192, elsewhere, call.input_stride * size,
                         output_begin, call.output_stride * size));
    std::vector<uint8_t> expected = before;
    WriteExpected(call.shape, before, input_begin, call.input_stride * size,
                  output_begin, call.output_stride * size, &expected);
    CHECK(call.memory == expected);
  }
  CHECK(accepted > 1000);
  CHECK(in_place > 500);
  CHECK(refused > 1000);
}

}  // namespace
}  // namespace rotary_test
