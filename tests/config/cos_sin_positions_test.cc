// Where a call by a caller's own cos and sin takes its rows from: the sources
// that may go together, and positions that the rows must have.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <limits>
#include <string>
#include <type_traits>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

Wrong WrongPosition(int64_t value, int64_t token,
                    const std::string& argument = "positions.data") {
  Wrong wrong = {argument, value};
  wrong.status = ROTARY_ERROR_POSITION;
  wrong.token = token;
  return wrong;
}

TEST_CASE("a call has one source of its rotation") {
  for (const bool by_position : {false, true}) {
    CAPTURE(by_position);
    std::vector<Spoiled> cases;
    const auto add = [&](const auto& spoil, const Wrong& expected) {
      cases.push_back({[=](ValidCall* call) {
                         call->UseCosSin(by_position);
                         spoil(call);
                       },
                       expected});
    };
    add([](ValidCall* call) { call->args.rows = call->rows.get(); }, {"rows"});
    add([](ValidCall* call) { call->args.embedding = call->embedding.get(); },
        {"cos_sin"});
    add(
        [](ValidCall* call) {
          call->args.rows = call->rows.get();
          call->args.embedding = call->embedding.get();
        },
        {"rows"});
    // Nothing, or positions alone.
    add([](ValidCall* call) { call->args.cos_sin = nullptr; }, {"embedding"});
    for (const int32_t mode : {1, 2, 3, -1, INT32_MIN}) {
      add([=](ValidCall* call) { call->args.mode = mode; }, {"mode", mode});
    }
    for (const int64_t stride : {int64_t{1}, int64_t{-1}, kMax64, kMin64}) {
      add([=](ValidCall* call) { call->args.row_head_stride = stride; },
          {"row_head_stride", stride});
    }
    CheckAllRefused(cases);
  }
}

// Puts each position at each token of 2 sequences of 3; the others are at 0.
// kCount rows.
constexpr int64_t kCount = 10;
struct Position {
  int64_t value;
  int64_t offset;
  bool legal;
};
template <typename T>
void CheckIds(rotary_dtype dtype, std::vector<Position> all) {
  CAPTURE(dtype);
  const T sentinel = std::is_signed_v<T> ? std::numeric_limits<T>::min()
                                         : std::numeric_limits<T>::max();
  const auto most = static_cast<int64_t>(std::numeric_limits<T>::max());
  for (const Position& more : std::vector<Position>{
           {0, 0, true},
           {kCount - 1, 0, true},
           {kCount, 0, false},
           {kCount + 1, 0, false},
           {INT32_MAX, 0, false},
           {1, 3, true},
           {kCount - 4, 3, true},
           {kCount - 3, 3, false},
           {kCount - 1, std::numeric_limits<int64_t>::max(), false},
           {0, -1, false},
           {static_cast<int64_t>(sentinel), 0, true},
           {static_cast<int64_t>(sentinel), 5, true},
           {std::is_signed_v<T> ? most : INT32_MAX, 0, false}}) {
    all.push_back(more);
  }
  for (const Position& position : all) {
    CAPTURE(position.value);
    CAPTURE(position.offset);
    for (size_t token = 0; token < 6; ++token) {
      ValidCall call;
      call.UseCosSin(true, ROTARY_WIDTH_HALVES);
      call.cos_sin.rows = kCount;
      // Others with the offset added are legal, unless it alone is too large.
      const bool first_is_bad = position.offset >= kCount;
      const auto other =
          position.offset < 0 ? static_cast<T>(-position.offset) : T{0};
      std::vector<T> ids(6, other);
      ids[token] = static_cast<T>(static_cast<uint64_t>(position.value));
      call.positions.data = ids.data();
      call.positions.dtype = dtype;
      call.positions.offset = position.offset;
      if (position.legal) {
        CheckApplyAccepted(call);
      } else if (first_is_bad && token != 0) {
        CheckApplyRefused(call, WrongPosition(0, 0));
      } else {
        CheckApplyRefused(
            call, WrongPosition(position.value, static_cast<int64_t>(token)));
      }
    }
  }
}

TEST_CASE("cos and sin have a row of every position, whatever its type") {
  const int64_t two_to_32 = int64_t{1} << 32;
  CheckIds<int32_t>(
      ROTARY_I32,
      {{-1, 0, false}, {-1, 1, true}, {-INT32_MAX, 0, false}, {-3, 2, false}});
  CheckIds<uint32_t>(ROTARY_U32, {{two_to_32 - 2, 0, false},
                                  {int64_t{1} << 31, 0, false},
                                  {kCount, -1, true}});
  CheckIds<int64_t>(ROTARY_I64, {{-1, 0, false},
                                 {kMin64 + 1, 0, false},
                                 {kMin64 + 1, -1, false},
                                 {two_to_32, 0, false},
                                 {-two_to_32 + 1, 0, false},
                                 {kCount, -1, true}});
  CheckIds<uint64_t>(ROTARY_U64, {{-2, 0, false},  // 2^64 - 2
                                  {-2, 3, false},
                                  {kMin64, 0, false},  // 2^63
                                  {two_to_32, 0, false},
                                  {kCount, -1, true}});
}

TEST_CASE("the number of rows is not negative, and used by positions only") {
  for (const int64_t rows : {int64_t{-1}, kMin64}) {
    ValidCall call;
    call.UseCosSin(true);
    call.cos_sin.rows = rows;
    CheckApplyRefused(call, {"cos_sin.rows", rows});
    call.UseCosSin(false);
    CheckApplyAccepted(call);
  }
  ValidCall call;
  call.UseCosSin(true);
  call.ids.assign(6, 0);
  call.cos_sin.rows = 0;
  CheckApplyRefused(call, WrongPosition(0, 0));
  call.cos_sin.rows = 1;
  CheckApplyAccepted(call);
  // Of 2^31 rows and more, all the same one, there is one of every position.
  for (const int64_t rows : {int64_t{1} << 31, int64_t{1} << 32, kMax64}) {
    call.cos_sin.rows = rows;
    call.cos_sin.row_stride = 0;
    call.ids[4] = INT32_MAX;
    CheckApplyAccepted(call);
    call.ids[4] = int64_t{1} << 31;
    CheckApplyRefused(call, WrongPosition(int64_t{1} << 31, 4));
  }
  call.cos_sin.rows = INT32_MAX;
  call.ids[4] = INT32_MAX - 1;
  CheckApplyAccepted(call);
  call.ids[4] = INT32_MAX;
  CheckApplyRefused(call, WrongPosition(INT32_MAX, 4));
}

TEST_CASE("starts are within the rows, with their tokens") {
  struct Starts {
    std::vector<int64_t> data;
    int64_t offset;
    int64_t bad_token;  // -1: none
  };
  for (const Starts& starts : std::vector<Starts>{{{0, 7}, 0, -1},
                                                  {{0, 8}, 0, 5},
                                                  {{9, 0}, 0, 2},
                                                  {{10, 0}, 0, 0},
                                                  {{7, -1}, 0, 3},
                                                  {{6, -1}, 1, -1},
                                                  {{7, -1}, 1, 2},
                                                  {{0, kMin64}, 0, -1},
                                                  {{kMin64, 8}, 0, 5},
                                                  {{kMax64, 0}, 0, 0},
                                                  {{0, kMax64}, 0, 3}}) {
    CAPTURE(starts.data);
    CAPTURE(starts.offset);
    ValidCall call;
    call.UseCosSin(true, ROTARY_WIDTH_NEIGHBORS);
    call.cos_sin.rows = kCount;
    call.positions.kind = ROTARY_POSITION_STARTS;
    call.positions.data = starts.data.data();
    call.positions.offset = starts.offset;
    if (starts.bad_token < 0) {
      CheckApplyAccepted(call);
    } else {
      const auto sequence = static_cast<size_t>(starts.bad_token / 3);
      CheckApplyRefused(call,
                        WrongPosition(starts.data[sequence], starts.bad_token));
    }
  }
  // Without data.
  ValidCall call;
  call.UseCosSin(true);
  call.cos_sin.rows = kCount;
  call.positions.kind = ROTARY_POSITION_STARTS;
  call.positions.data = nullptr;
  for (const int64_t offset : {0, 7}) {
    call.positions.offset = offset;
    CheckApplyAccepted(call);
  }
  call.positions.offset = 8;
  CheckApplyRefused(call, WrongPosition(8, 2, "positions.offset"));
  call.positions.offset = -1;
  CheckApplyRefused(call, WrongPosition(-1, 0, "positions.offset"));
}

// Tokens 1, 2 and 3, 4, 5 of 6.
TEST_CASE("packed sequences are within the rows, padding is not looked at") {
  struct Packed {
    std::vector<int64_t> starts;
    int64_t bad_token;  // -1: none
  };
  const std::vector<int32_t> cu_seqlens = {1, 3, 3, 6};
  for (const Packed& packed : std::vector<Packed>{{{8, 99, 7}, -1},
                                                  {{9, 99, 7}, 2},
                                                  {{10, 99, 7}, 1},
                                                  {{8, 99, 8}, 5},
                                                  {{8, -99, -1}, 3},
                                                  {{kMin64, 0, 9}, 5},
                                                  {{0, 0, kMin64}, -1},
                                                  {{kMax64, 0, 0}, 1}}) {
    CAPTURE(packed.starts);
    ValidCall call;
    call.UseCosSin(true, ROTARY_WIDTH_HALVES);
    call.cos_sin.rows = kCount;
    call.args.batch = 1;
    call.args.tokens = 6;
    call.positions.kind = ROTARY_POSITION_PACKED;
    call.positions.data = packed.starts.data();
    call.positions.cu_seqlens = cu_seqlens.data();
    call.positions.cu_seqlens_dtype = ROTARY_I32;
    call.positions.num_sequences = 3;
    if (packed.bad_token < 0) {
      CheckApplyAccepted(call);
    } else {
      const size_t s = packed.bad_token < 3 ? 0 : 2;
      CheckApplyRefused(call,
                        WrongPosition(packed.starts[s], packed.bad_token));
    }
  }
}

TEST_CASE("other rules about positions are those of an embedding") {
  std::vector<Spoiled> cases;
  const auto add = [&](const auto& spoil, const Wrong& expected) {
    cases.push_back({[=](ValidCall* call) {
                       call->UseCosSin(true);
                       spoil(&call->positions);
                     },
                     expected});
  };
  add([](rotary_positions* positions) { positions->data = nullptr; },
      {"positions.data"});
  add([](rotary_positions* positions) { positions->dtype = ROTARY_F32; },
      {"positions.dtype", ROTARY_F32});
  add([](rotary_positions* positions) { positions->kind = 3; },
      {"positions.kind", 3});
  add([](rotary_positions* positions) { positions->reserved = 1; },
      {"positions.reserved", 1});
  add([](rotary_positions* positions) { positions->token_stride = kMax64; },
      {"positions.token_stride", kMax64});
  add([](rotary_positions* positions) { positions->batch_stride = kMax64; },
      {"positions.batch_stride", kMax64});
  add(
      [](rotary_positions* positions) {
        positions->kind = ROTARY_POSITION_PACKED;
      },
      {"batch", 2});
  Wrong size = {"positions.struct_size", 4};
  size.status = ROTARY_ERROR_STRUCT_SIZE;
  add([](rotary_positions* positions) { positions->struct_size = 4; }, size);
  CheckAllRefused(cases);
}

}  // namespace
}  // namespace rotary_test
