// What is wrong with positions: the same words from every call that takes them.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

constexpr int64_t kTwoTo31 = int64_t{1} << 31;

// The call's positions are refused by apply, prepare and rows_set.
void CheckPositionsRefused(const ValidCall& call, const Wrong& expected) {
  CheckApplyRefused(call, expected);
  CheckSetRefused(call, call.RowsArgs(), expected);
}

Wrong WrongPosition(int64_t value, int64_t token) {
  Wrong wrong = {"positions.data", value};
  wrong.status = ROTARY_ERROR_POSITION;
  wrong.token = token;
  return wrong;
}

struct Position {
  int64_t value;  // of a u64: its bits
  int64_t offset;
  bool legal;
};

// Puts each position at each token of 2 sequences of 3.
template <typename T>
void CheckPositions(rotary_dtype dtype, const std::vector<Position>& all) {
  CAPTURE(dtype);
  for (const Position& position : all) {
    CAPTURE(position.value);
    CAPTURE(position.offset);
    for (size_t token = 0; token < 6; ++token) {
      ValidCall call;
      // -position.offset would not do for every type.
      std::vector<T> ids(6, static_cast<T>(1));
      ids[token] = static_cast<T>(static_cast<uint64_t>(position.value));
      call.positions.data = ids.data();
      call.positions.dtype = dtype;
      call.positions.offset = position.offset;
      if (position.legal) {
        CheckApplyAccepted(call);
      } else {
        const bool first_is_bad = position.offset == kTwoTo31 - 1;
        const int64_t value = first_is_bad && token != 0 ? 1 : position.value;
        CheckPositionsRefused(
            call, WrongPosition(
                      value, first_is_bad ? 0 : static_cast<int64_t>(token)));
      }
    }
  }
}

TEST_CASE("a position is within (-2^31, 2^31), whatever its type") {
  CheckPositions<int32_t>(ROTARY_I32, {{INT32_MAX, 0, true},
                                       {-INT32_MAX, 0, true},
                                       {INT32_MIN, 0, true},  // the sentinel
                                       {INT32_MAX, 1, false},
                                       {-INT32_MAX, -1, false},
                                       {INT32_MAX, -5, true},
                                       {0, kTwoTo31 - 2, true},
                                       {1, kTwoTo31 - 1, false},
                                       {2, kTwoTo31 - 2, false}});
  CheckPositions<uint32_t>(ROTARY_U32, {{kTwoTo31 - 1, 0, true},
                                        {kTwoTo31, 0, false},
                                        {kTwoTo31, -1, true},
                                        {kTwoTo31 + 1, -1, false},
                                        {UINT32_MAX - 1, 0, false},
                                        {UINT32_MAX, 0, true},  // the sentinel
                                        {2, kTwoTo31 - 2, false}});
  CheckPositions<int64_t>(ROTARY_I64, {{kTwoTo31 - 1, 0, true},
                                       {1 - kTwoTo31, 0, true},
                                       {kTwoTo31, 0, false},
                                       {-kTwoTo31, 0, false},
                                       {-kTwoTo31, 1, true},
                                       {kTwoTo31, -1, true},
                                       {kMin64, 0, true},  // the sentinel
                                       {kMin64 + 1, 0, false},
                                       {kMin64 + 1, -10, false},
                                       {kMin64 + 1, 10, false},
                                       {kMax64, 0, false},
                                       {kMax64, 10, false},
                                       {kMax64, -10, false},
                                       {int64_t{1} << 32, 0, false},
                                       {-(int64_t{1} << 32), 0, false}});
  CheckPositions<uint64_t>(ROTARY_U64, {{kTwoTo31 - 1, 0, true},
                                        {kTwoTo31, 0, false},
                                        {int64_t{1} << 32, 0, false},
                                        {kMax64, 0, false},
                                        {kMin64, 0, false},  // 2^63
                                        {kMin64, -10, false},
                                        {-2, 0, false},  // 2^64 - 2
                                        {-2, 2, false},
                                        {-1, 0, true},  // the sentinel
                                        {kTwoTo31, -1, true}});
}

TEST_CASE("an offset alone can be too large") {
  for (const int64_t offset :
       {kMax64, kMin64, kMin64 + 1, kTwoTo31, -kTwoTo31 - 10}) {
    CAPTURE(offset);
    ValidCall call;
    call.positions.offset = offset;
    CheckPositionsRefused(call, WrongPosition(1, 0));
  }
}

// Sequences of 3 tokens from a start on.
TEST_CASE("starts are checked with their tokens") {
  struct Starts {
    std::vector<int64_t> data;
    int64_t offset;
    int64_t bad_token;  // -1: none
  };
  for (const Starts& starts : std::vector<Starts>{{{5, kTwoTo31 - 3}, 0, -1},
                                                  {{5, kTwoTo31 - 2}, 0, 5},
                                                  {{5, kTwoTo31 - 1}, 0, 5},
                                                  {{kTwoTo31 - 2, 5}, 0, 2},
                                                  {{kTwoTo31 - 3, 5}, 1, 2},
                                                  {{kTwoTo31 - 3, 5}, -1, -1},
                                                  {{1 - kTwoTo31, 5}, 0, -1},
                                                  {{5, -kTwoTo31}, 0, 3},
                                                  {{kMin64, kMin64}, 0, -1},
                                                  {{kMin64, kTwoTo31}, 0, 3},
                                                  {{kMax64, 0}, 0, 0},
                                                  {{0, kMax64}, kMax64, 0}}) {
    CAPTURE(starts.data);
    CAPTURE(starts.offset);
    ValidCall call;
    call.positions.kind = ROTARY_POSITION_STARTS;
    call.positions.data = starts.data.data();
    call.positions.offset = starts.offset;
    if (starts.bad_token < 0) {
      CheckApplyAccepted(call);
    } else {
      const auto sequence = static_cast<size_t>(starts.bad_token / 3);
      CheckPositionsRefused(
          call, WrongPosition(starts.data[sequence], starts.bad_token));
    }
  }
  ValidCall call;
  call.positions.kind = ROTARY_POSITION_STARTS;
  call.positions.data = nullptr;
  call.positions.offset = kTwoTo31 - 3;
  CheckApplyAccepted(call);
  Wrong offset = WrongPosition(kTwoTo31 - 2, 2);
  offset.argument = "positions.offset";
  call.positions.offset = kTwoTo31 - 2;
  CheckPositionsRefused(call, offset);
  offset.value = -kTwoTo31;
  offset.token = 0;
  call.positions.offset = -kTwoTo31;
  CheckPositionsRefused(call, offset);
}

TEST_CASE("positions are integers of a known type, and of a known kind") {
  for (const int32_t dtype :
       {0, +ROTARY_F16, +ROTARY_BF16, 5, 15, 20, -1, INT32_MIN, INT32_MAX}) {
    ValidCall call;
    call.positions.dtype = dtype;
    CheckPositionsRefused(call, {"positions.dtype", dtype});
  }
  for (const int32_t kind : {-1, 3, INT32_MIN, INT32_MAX}) {
    ValidCall call;
    call.positions.kind = kind;
    CheckPositionsRefused(call, {"positions.kind", kind});
  }
}

TEST_CASE("ids need data, aligned to its element") {
  ValidCall call;
  call.positions.data = nullptr;
  CheckPositionsRefused(call, {"positions.data"});
  for (const int offset : {1, 2, 4}) {
    call.positions.data =
        reinterpret_cast<const char*>(call.ids.data()) + offset;
    CheckPositionsRefused(call, {"positions.data"});
  }
  call.positions.dtype = ROTARY_U32;
  call.positions.data = reinterpret_cast<const char*>(call.ids.data()) + 2;
  CheckPositionsRefused(call, {"positions.data"});
}

TEST_CASE("strides of positions must fit") {
  for (const int64_t stride :
       {kMax64, -kMax64, kMax64 / 2 + 1, kMin64 / 4, int64_t{1} << 61}) {
    CAPTURE(stride);
    ValidCall call;
    call.positions.batch_stride = stride;
    CheckPositionsRefused(call, {"positions.batch_stride", stride});
    call.positions.kind = ROTARY_POSITION_STARTS;
    CheckPositionsRefused(call, {"positions.batch_stride", stride});
    ValidCall by_tokens;
    by_tokens.positions.token_stride = stride;
    CheckPositionsRefused(by_tokens, {"positions.token_stride", stride});
    // Unused.
    by_tokens.positions.kind = ROTARY_POSITION_STARTS;
    CheckApplyAccepted(by_tokens);
    ValidCall single;
    single.args.batch = 1;
    single.args.tokens = 1;
    single.positions.batch_stride = stride;
    single.positions.token_stride = stride;
    CheckApplyAccepted(single);
  }
}

}  // namespace
}  // namespace rotary_test
