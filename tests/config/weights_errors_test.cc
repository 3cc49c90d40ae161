// What is wrong with the arguments of rotary_permute_weights.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <functional>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/config/weights_call.h"

namespace rotary_test {
namespace {

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
    call.output = call.At(WeightsCall::kOutput);
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

}  // namespace
}  // namespace rotary_test
