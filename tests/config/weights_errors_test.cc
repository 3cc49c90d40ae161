// What is wrong with the arguments of rotary_permute_weights, and which memory
// may be its output: against bytes taken one by one.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "tests/apply/weights_model.h"
#include "tests/config/valid_call.h"
#include "tests/support/effort.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr int64_t kOutput = 2048;  // behind the input, in bytes

// A valid call to be spoiled: 6 rows of 5 elements, out of place.
struct WeightsCall {
  WeightsCall() {
    for (int i = 0; i < 4096; ++i) {
      memory.push_back(static_cast<uint8_t>(i * 37 % 251));
    }
    input = At(0);
    output = At(kOutput);
  }
  WeightsCall(const WeightsCall&) = delete;
  WeightsCall& operator=(const WeightsCall&) = delete;
  ~WeightsCall() = default;

  // Row 0 of something, so many bytes behind the usual input.
  uint8_t* At(int64_t byte) { return memory.data() + 1024 + byte; }

  rotary_status Run(rotary_error* error) const {
    return PermuteWeights(shape, input, input_stride, output, output_stride,
                          error);
  }
  void CheckWeightsRefused(const Wrong& expected) const {
    const std::vector<uint8_t> before = memory;
    CheckRefused([&](rotary_error* error) { return Run(error); }, expected);
    CHECK(memory == before);
  }
  void CheckWeightsAccepted() const {
    rotary_error error;
    RequireOk(Run(&error), error);
  }

  std::vector<uint8_t> memory;
  WeightsShape shape = {4, 1, 6, 2, 4, 5, ROTARY_HALF, ROTARY_INTERLEAVED};
  const void* input = nullptr;
  int64_t input_stride = ROTARY_DENSE;
  void* output = nullptr;
  int64_t output_stride = ROTARY_DENSE;
};

// Out of place, and in place with the output's stride as the input's.
void CheckSpoiled(const std::function<void(WeightsCall*)>& spoil,
                  const Wrong& expected) {
  for (const bool in_place : {false, true}) {
    CAPTURE(in_place);
    WeightsCall call;
    if (in_place) call.output = nullptr;
    spoil(&call);
    call.CheckWeightsRefused(expected);
  }
}

TEST_CASE("weights: the call that the others spoil is valid") {
  for (const bool in_place : {false, true}) {
    WeightsCall call;
    if (in_place) call.output = nullptr;
    const std::vector<uint8_t> before = call.memory;
    call.CheckWeightsAccepted();
    CHECK(call.memory != before);
  }
}

TEST_CASE("weights: sizes are checked") {
  struct Field {
    int64_t WeightsShape::*field;
    const char* name;
    std::vector<int64_t> wrong;
  };
  for (const Field& field : std::vector<Field>{
           {&WeightsShape::element_size, "element_size", {0, -1, kMin64}},
           {&WeightsShape::heads,
            "heads",
            {-1, kMin64, kMax64, kMax64 / 6 + 1}},
           {&WeightsShape::head_dim, "head_dim", {-1, kMin64}},
           {&WeightsShape::rotary_offset,
            "rotary_offset",
            {-1, 3, 4, kMin64, kMax64}},
           {&WeightsShape::rotary_dim,
            "rotary_dim",
            {-1, -2, 1, 3, 5, 7, 8, kMin64, kMax64, kMax64 - 1}},
           {&WeightsShape::columns, "columns", {-1, kMin64}}}) {
    for (const int64_t value : field.wrong) {
      CAPTURE(field.name);
      CAPTURE(value);
      CheckSpoiled([&](WeightsCall* call) { call->shape.*field.field = value; },
                   {field.name, value});
    }
  }
  // head_dim may be what is too small.
  CheckSpoiled([](WeightsCall* call) { call->shape.head_dim = 3; },
               {"rotary_dim", 4});
  CheckSpoiled([](WeightsCall* call) { call->shape.head_dim = 5; },
               {"rotary_offset", 2});
  for (const int32_t pairing : {0, -1, 3, INT32_MAX, INT32_MIN}) {
    CheckSpoiled([=](WeightsCall* call) { call->shape.from = pairing; },
                 {"from", pairing});
    CheckSpoiled([=](WeightsCall* call) { call->shape.to = pairing; },
                 {"to", pairing});
  }
}

TEST_CASE("weights: memory must be there, and no further than it can") {
  CheckSpoiled([](WeightsCall* call) { call->input = nullptr; }, {"input"});
  for (const int64_t columns : {kMax64, kMax64 / 4, int64_t{1} << 60}) {
    CheckSpoiled([=](WeightsCall* call) { call->shape.columns = columns; },
                 {"columns", columns});
    CheckSpoiled([=](WeightsCall* call) { call->shape.element_size = columns; },
                 {"columns", 5});
  }
  for (const int64_t stride :
       {kMax64, -kMax64, kMin64 / 4, kMax64 / 5, int64_t{1} << 56}) {
    CheckSpoiled([=](WeightsCall* call) { call->input_stride = stride; },
                 {"input_row_stride", stride});
    WeightsCall call;
    call.output_stride = stride;
    call.CheckWeightsRefused({"output_row_stride", stride});
    // Of a single row it is not used, nor that of an output that is not given.
    call.output = nullptr;
    call.CheckWeightsAccepted();
    call.output = call.At(kOutput);
    call.input_stride = stride;
    call.shape.head_dim = 1;
    call.shape.rotary_offset = call.shape.rotary_dim = 0;
    call.CheckWeightsAccepted();
  }
  CheckSpoiled([](WeightsCall* call) { call->shape.heads = int64_t{1} << 56; },
               {"input_row_stride", 5});
}

TEST_CASE("weights: no size is legal, and nothing is done") {
  for (const int which : {0, 1, 2}) {
    for (const bool in_place : {false, true}) {
      WeightsCall call;
      if (in_place) call.output = nullptr;
      if (which == 0) call.shape.heads = 0;
      if (which == 1) call.shape.columns = 0;
      if (which == 2) {
        call.shape.head_dim = 0;
        call.shape.rotary_offset = call.shape.rotary_dim = 0;
      }
      const std::vector<uint8_t> before = call.memory;
      call.CheckWeightsAccepted();
      call.input_stride = call.output_stride = kMax64;
      call.CheckWeightsAccepted();
      call.input = call.output = nullptr;
      call.CheckWeightsAccepted();
      CHECK(call.memory == before);
      call.shape.from = 0;
      call.CheckWeightsRefused({"from", 0});
    }
  }
}

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
