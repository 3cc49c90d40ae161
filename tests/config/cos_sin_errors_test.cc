// What is wrong with a caller's own cos and sin (their positions:
// cos_sin_positions_test.cc; values that differ: cos_sin_twins_test.cc; memory
// that overlaps: cos_sin_overlap_test.cc).
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

const std::vector<rotary_width> kWidths = {
    ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS};

// A call by cos_sin in every width, with positions and without, after
// change(&call): then check(call).
template <typename Change, typename Check>
void ForEachCall(const Change& change, const Check& check) {
  for (const bool by_position : {false, true}) {
    CAPTURE(by_position);
    for (const rotary_width width : kWidths) {
      CAPTURE(width);
      ValidCall call;
      call.UseCosSin(by_position, width);
      change(&call);
      check(call);
    }
  }
}

// With one field of cos_sin set to a value.
template <typename Field, typename Value>
void CheckFieldRefused(Field rotary_cos_sin::*field, Value value,
                       const std::string& name,
                       rotary_status status = ROTARY_ERROR_ARGUMENT) {
  Wrong expected = {"cos_sin." + name, static_cast<int64_t>(value)};
  expected.status = status;
  ForEachCall(
      [&](ValidCall* call) {
        call->cos_sin.*field = static_cast<Field>(value);
      },
      [&](const ValidCall& call) { CheckApplyRefused(call, expected); });
}

TEST_CASE("the calls by cos and sin that the others spoil are valid") {
  ForEachCall([](ValidCall*) {},
              [](const ValidCall& call) {
                const std::vector<unsigned char> before = call.Memory();
                CheckApplyAccepted(call);
                CHECK(call.Memory() != before);
              });
}

TEST_CASE("the fields of cos_sin are checked") {
  for (const int64_t value :
       {int64_t{0}, int64_t{-2}, int64_t{1}, int64_t{7}, int64_t{-1},
        int64_t{65537}, int64_t{65538}, kMin64, kMax64, kMax64 - 1}) {
    CheckFieldRefused(&rotary_cos_sin::rotary_dim, value, "rotary_dim");
  }
  for (const int32_t value :
       {0, -1, 5, 15, +ROTARY_F64, +ROTARY_I32, INT32_MAX, INT32_MIN}) {
    CheckFieldRefused(&rotary_cos_sin::dtype, value, "dtype");
  }
  for (const int32_t value : {0, -1, 4, INT32_MAX, INT32_MIN}) {
    CheckFieldRefused(&rotary_cos_sin::width, value, "width");
  }
  for (const size_t value :
       {size_t{0}, size_t{8}, sizeof(rotary_cos_sin) - 8,
        sizeof(rotary_cos_sin) - 1, size_t{4097}, SIZE_MAX}) {
    CheckFieldRefused(&rotary_cos_sin::struct_size, value, "struct_size",
                      ROTARY_ERROR_STRUCT_SIZE);
  }
}

TEST_CASE("a larger cos_sin must be zero behind what is known") {
  struct Later {
    rotary_cos_sin known;
    int64_t more;
  };
  for (const int64_t more : {0, 1}) {
    ValidCall call;
    call.UseCosSin(true);
    Later later = {call.cos_sin, more};
    later.known.struct_size = sizeof(later);
    call.args.cos_sin = &later.known;
    if (more == 0) {
      CheckApplyAccepted(call);
    } else {
      Wrong expected = {"cos_sin.struct_size", sizeof(later)};
      expected.status = ROTARY_ERROR_STRUCT_SIZE;
      CheckApplyRefused(call, expected);
    }
  }
}

TEST_CASE("heads have all elements that cos_sin rotates") {
  ForEachCall([](ValidCall* call) { call->cos_sin.rotary_dim = 10; },
              [](ValidCall& call) {
                Wrong expected = {"tensors[1].head_dim", 8};
                expected.tensor = 1;
                CheckApplyRefused(call, expected);
                // Of the first tensor's 12, from element 2 on.
                call.cos_sin.rotary_dim = 12;
                expected = {"tensors[0].rotary_offset", 2};
                expected.tensor = 0;
                CheckApplyRefused(call, expected);
                call.tensors[0].rotary_offset = 0;
                expected = {"tensors[1].head_dim", 8};
                expected.tensor = 1;
                CheckApplyRefused(call, expected);
              });
}

TEST_CASE("cos and sin must be there and aligned") {
  const auto at = [](const void* data, int offset) {
    return static_cast<const void*>(static_cast<const char*>(data) + offset);
  };
  for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_F16, ROTARY_BF16}) {
    CAPTURE(dtype);
    ForEachCall(
        [&](ValidCall* call) {
          call->cos_sin.dtype = dtype;
          // Of 16 bits, halves of one f32 are no neighbors' equal values.
          call->cos_sin.element_stride = dtype == ROTARY_F32 ? 1 : 2;
          call->cos_sin.row_stride = dtype == ROTARY_F32 ? 8 : 16;
        },
        [&](ValidCall& call) {
          for (const int offset : {1, 2, 3, 5}) {
            CAPTURE(offset);
            const bool legal = dtype != ROTARY_F32 && offset == 2;
            for (const bool is_sin : {false, true}) {
              const void*& data = is_sin ? call.cos_sin.sin : call.cos_sin.cos;
              const char* const name = is_sin ? "cos_sin.sin" : "cos_sin.cos";
              const void* const was = data;
              data = at(was, offset);
              if (legal) {
                CheckApplyAccepted(call);
              } else {
                CheckApplyRefused(call,
                                  {name, reinterpret_cast<intptr_t>(data)});
              }
              data = nullptr;
              CheckApplyRefused(call, {name});
              data = was;
            }
          }
        });
  }
}

// The values of no stride that is used may reach out of memory.
TEST_CASE("the strides of cos and sin must fit") {
  for (const int64_t value :
       {kMax64, kMax64 - 1, -kMax64, kMin64 + 2, kMax64 / 2 + 1, kMin64 / 4,
        int64_t{1} << 60, -(int64_t{1} << 60)}) {
    CAPTURE(value);
    CheckFieldRefused(&rotary_cos_sin::element_stride, value, "element_stride");
    CheckFieldRefused(&rotary_cos_sin::row_stride, value, "row_stride");
    CheckFieldRefused(&rotary_cos_sin::head_stride, value, "head_stride");
    for (const rotary_width width : kWidths) {
      ValidCall call;
      call.UseCosSin(false, width);
      call.cos_sin.batch_stride = value;
      CheckApplyRefused(call, {"cos_sin.batch_stride", value});
      // With positions it is not used.
      call.UseCosSin(true, width);
      CheckApplyAccepted(call);
    }
  }
  // ROTARY_DENSE says nothing about heads.
  CheckFieldRefused(&rotary_cos_sin::head_stride, ROTARY_DENSE, "head_stride");
}

TEST_CASE("rows that are too many for memory are refused by their stride") {
  for (const int64_t rows : {kMax64, kMax64 / 2, int64_t{1} << 60}) {
    CAPTURE(rows);
    ValidCall call;
    call.UseCosSin(true);
    call.cos_sin.rows = rows;
    CheckApplyRefused(call, {"cos_sin.row_stride", ValidCall::kRotaryDim});
    // One that they share is not.
    call.cos_sin.row_stride = 0;
    CheckApplyAccepted(call);
  }
  // From the very end of memory a few rows on.
  ValidCall call;
  call.UseCosSin(true);
  for (const bool is_sin : {false, true}) {
    const void*& data = is_sin ? call.cos_sin.sin : call.cos_sin.cos;
    const void* const was = data;
    data = reinterpret_cast<const void*>(UINTPTR_MAX - 63);
    CheckApplyRefused(call, {is_sin ? "cos_sin.sin" : "cos_sin.cos", -64});
    data = reinterpret_cast<const void*>(uintptr_t{64});
    call.cos_sin.row_stride = -8;
    CheckApplyRefused(call, {is_sin ? "cos_sin.sin" : "cos_sin.cos", 64});
    data = was;
    call.cos_sin.row_stride = 8;
  }
}

TEST_CASE("strides of cos and sin that are never used may be any") {
  for (const int64_t value : {kMax64, kMin64 + 1, kMax64 / 2 + 1, -kMax64 / 3,
                              int64_t{1} << 62, int64_t{0}}) {
    CAPTURE(value);
    ForEachCall(
        [&](ValidCall* call) {
          call->args.num_tensors = 1;
          call->args.tensors = call->tensors + 1;  // of one head
          call->cos_sin.head_stride = value;
        },
        CheckApplyAccepted);
    ForEachCall(
        [&](ValidCall* call) {
          call->args.batch = call->args.tokens = 1;
          call->positions.offset = -call->ids[0];
          call->cos_sin.rows = 1;
          call->cos_sin.row_stride = value;
          call->cos_sin.batch_stride = value;
        },
        CheckApplyAccepted);
    // Rows by position are one, tokens are not.
    ValidCall one;
    one.UseCosSin(true);
    one.ids.assign(6, 0);
    one.cos_sin.rows = 1;
    one.cos_sin.row_stride = value;
    CheckApplyAccepted(one);
    // A row of one element.
    for (const bool by_position : {false, true}) {
      ValidCall pair;
      pair.UseCosSin(by_position);
      pair.cos_sin.rotary_dim = 2;
      pair.cos_sin.element_stride = value;
      CheckApplyAccepted(pair);
    }
  }
}

TEST_CASE("a call that does nothing takes cos and sin that are not there") {
  for (const int which : {0, 1, 2, 3}) {
    CAPTURE(which);
    ForEachCall(
        [&](ValidCall* call) {
          if (which == 0) call->args.batch = 0;
          if (which == 1) call->args.tokens = 0;
          if (which == 2) call->tensors[0].heads = call->tensors[1].heads = 0;
          if (which == 3) {
            call->args.num_tensors = 0;
            call->args.tensors = nullptr;
          }
          call->cos_sin.cos = call->cos_sin.sin = nullptr;
          call->cos_sin.row_stride = kMax64;
          call->cos_sin.head_stride = kMax64;
        },
        [](const ValidCall& call) {
          const std::vector<unsigned char> before = call.Memory();
          CheckApplyAccepted(call);
          CHECK(call.Memory() == before);
        });
  }
  // No row, and no token that has one; though heads would have their own.
  ValidCall call;
  call.UseCosSin(true, ROTARY_WIDTH_HALVES);
  call.ids.assign(6, ROTARY_NO_POSITION_I64);
  call.cos_sin.rows = 0;
  call.cos_sin.cos = call.cos_sin.sin = nullptr;
  for (const int64_t head_stride : {0, 8, -8}) {
    call.cos_sin.head_stride = head_stride;
    CheckApplyAccepted(call);
  }
  // Of sizes that could never be gone through.
  for (const int64_t size : {int64_t{1} << 40, kMax64 / 8}) {
    ForEachCall(
        [&](ValidCall* none) {
          none->args.batch = size;
          none->args.tokens = 0;
        },
        CheckApplyAccepted);
    ValidCall no_heads;
    no_heads.UseCosSin(true, ROTARY_WIDTH_HALVES);
    no_heads.args.batch = 1;
    no_heads.args.tokens = size;
    no_heads.positions.token_stride = 0;
    no_heads.tensors[0].heads = no_heads.tensors[1].heads = 0;
    CheckApplyAccepted(no_heads);
  }
}

}  // namespace
}  // namespace rotary_test
