// Calls by a caller's own cos and sin: several tensors, in place and out of
// place, rows for each head, threads, slices; and calls that are refused since
// the two values of a pair differ.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/apply/call_check.h"
#include "tests/apply/own_cos_sin.h"
#include "tests/apply/own_positions.h"
#include "tests/config/valid_call.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// In place and of all formats that can be.
std::vector<TensorKind> InPlaceKinds(int64_t heads, int64_t head_dim,
                                     int64_t rotary_offset) {
  std::vector<TensorKind> kinds;
  for (const Formats& formats : InPlaceFormats()) {
    kinds.push_back({formats, true, heads, head_dim, rotary_offset});
  }
  return kinds;
}

// More tensors than are checked at a time, neighbors of one kernel and not.
std::vector<TensorKind> ManyKinds(int64_t rotary_dim) {
  std::vector<TensorKind> kinds;
  int64_t heads = 0;
  for (const Formats& formats : AllFormats()) {
    // Some have no head.
    kinds.push_back({formats, formats.same_size() && heads % 2 == 0, heads % 4,
                     rotary_dim + heads % 3, heads % 3 == 2 ? 1 : 0});
    kinds.push_back(kinds.back());
    ++heads;
  }
  Random random(1);
  random.Shuffle(&kinds);
  kinds.resize(21);
  return kinds;
}

struct Way {
  rotary_dtype dtype;
  rotary_width width;
  int64_t heads;  // that have rows of their own; 1: they share them
  bool by_position;
};

// In place where they lie, gathered by token and by position.
std::vector<Way> Ways(int64_t heads) {
  std::vector<Way> ways;
  for (const int64_t own : {int64_t{1}, heads}) {
    ways.push_back({ROTARY_F32, ROTARY_WIDTH_HALVES, own, false});
    ways.push_back({ROTARY_F32, ROTARY_WIDTH_NEIGHBORS, own, false});
    ways.push_back({ROTARY_BF16, ROTARY_WIDTH_PAIRS, own, true});
    ways.push_back({ROTARY_F16, ROTARY_WIDTH_NEIGHBORS, own, true});
  }
  return ways;
}

// Every way to cut the calls of these tensors.
void CheckCalls(int64_t batch, int64_t tokens, int64_t rotary_dim,
                const std::vector<TensorKind>& kinds, int64_t heads,
                const std::vector<int64_t>& slices) {
  for (const Way& way : Ways(heads)) {
    CAPTURE(way.dtype);
    CAPTURE(way.width);
    CAPTURE(way.heads);
    CAPTURE(way.by_position);
    CAPTURE(rotary_dim);
    const int64_t rows = tokens + 2;
    CosSinLayout layout = DenseLayout(
        way.dtype, way.width, rotary_dim, way.by_position ? 1 : batch,
        way.by_position ? rows : tokens, way.heads);
    // Heads before tokens, or in the order of memory.
    if (way.heads > 1 && way.by_position) {
      layout.row_stride = layout.elements();
      layout.head_stride = -rows * layout.elements() - 3;
    }
    const OwnCosSin own(layout, 1);
    const rotary_cos_sin cos_sin = own.Struct();
    Random random(2);
    const OwnPositions positions(&random, ROTARY_POSITION_IDS, ROTARY_I64,
                                 batch, tokens, rows);
    CallTensors tensors(batch, tokens, kinds);
    rotary_apply_args args = tensors.Args();
    args.cos_sin = &cos_sin;
    if (way.by_position) args.positions = &positions.positions;
    CheckCall(&tensors,
              own.Rows(batch, tokens, way.by_position ? &positions : nullptr),
              args);
    CheckThreads(tensors, args);
    CheckSlices(tensors, args, slices);
  }
}

// Rows of HALVES or NEIGHBORS for two heads, of which the call uses some.
struct TwinCall {
  static constexpr int64_t kDim = 200;
  static constexpr int64_t kRows = 5;

  TwinCall(rotary_dtype dtype, rotary_width width, bool by_position, bool heads)
      : own(DenseLayout(dtype, width, kDim, by_position ? 1 : 2, kRows,
                        heads ? 3 : 1),
            7),
        tensors(2, kRows - 1,
                {Simple(ROTARY_HALF, 2, kDim), Simple(ROTARY_HALF, 1, kDim)}),
        // Row 1 is that of no token.
        ids({4, 2, ROTARY_NO_POSITION_I64, 0, 0, 3, 3, 4}),
        positions(MakePositions(ids)),
        cos_sin(own.Struct()),
        args(tensors.Args()) {
    // Not that of as many tokens as there are: a row stands behind them.
    cos_sin.batch_stride = own.layout().batch_stride;
    args.cos_sin = &cos_sin;
    if (by_position) args.positions = &positions;
  }

  uint32_t Bits(double value) const {
    return Nearest(own.layout().dtype, value);
  }

  OwnCosSin own;
  CallTensors tensors;
  std::vector<int64_t> ids;
  rotary_positions positions;
  rotary_cos_sin cos_sin;
  rotary_apply_args args;
};

// With one value of a pair set, the call must be refused, and is legal again
// when both are equal.
void CheckTwin(TwinCall* call, bool is_sin, int64_t b, int64_t row,
               int64_t head, int64_t pair, int64_t token) {
  CAPTURE(Describe(call->own.layout()));
  CAPTURE(is_sin);
  CAPTURE(row);
  CAPTURE(pair);
  OwnCosSin& own = call->own;
  const auto set = [&](int64_t e, double value) {
    own.Set(is_sin, b, row, head, e, call->Bits(value));
  };
  const int64_t first = own.FirstPlace(pair);
  const int64_t second = own.SecondPlace(pair);
  const uint32_t was = own.Get(is_sin, b, row, head, first);
  const Wrong wrong = {is_sin ? "cos_sin.sin" : "cos_sin.cos", pair,
                       ROTARY_ERROR_ARGUMENT, -1, token};
  const auto refused = [&] {
    ForEachTarget([&](const char* target) {
      rotary_apply_args args = call->args;
      args.target = target;
      CheckRefused(
          [&](rotary_error* error) { return rotary_apply(&args, error); },
          wrong);
      std::vector<uint64_t> memory(1024);
      rotary_prepared* prepared = nullptr;
      CheckRefused(
          [&](rotary_error* error) {
            return rotary_prepare(&args, memory.data(), memory.size() * 8,
                                  &prepared, error);
          },
          wrong);
      CHECK(prepared == nullptr);
      CHECK(call->tensors.Untouched());
    });
  };
  const auto accepted = [&] {
    ApplyOk(call->args);
    call->tensors.Reset();
  };
  // The least difference.
  own.Set(is_sin, b, row, head, second, was ^ 1);
  refused();
  set(first, std::nan(""));
  refused();
  set(second, -std::nan(""));
  accepted();
  set(first, 0.0);
  refused();
  set(second, -0.0);
  accepted();
  own.SetPair(is_sin, b, row, head, pair, was);
  accepted();
}

}  // namespace

TEST_CASE("cos_sin: many tensors of every format in one call") {
  CheckCalls(2, 5, 38, ManyKinds(38), 3, {1, 2, 7, 31, 400});
  CheckCalls(3, 1, 12, ManyKinds(12), 3, {1, 2, 5, 64});
}

TEST_CASE("cos_sin: changes of pairing and dtype in place") {
  CheckCalls(1, 3, 40, InPlaceKinds(5, 53, 6), 5, {1, 4, 13});
  // Heads that are copied one by one, with more pairs than are gathered.
  const auto wide = [](int64_t rotary_dim, int64_t head_dim, int64_t offset) {
    const std::vector<TensorKind> kinds = {
        {{ROTARY_F32, ROTARY_F32, ROTARY_HALF, ROTARY_INTERLEAVED},
         true,
         2,
         head_dim,
         offset},
        {{ROTARY_BF16, ROTARY_F16, ROTARY_INTERLEAVED, ROTARY_HALF},
         true,
         3,
         head_dim,
         offset},
        {{ROTARY_F16, ROTARY_F16, ROTARY_HALF, ROTARY_HALF},
         true,
         1,
         head_dim,
         offset}};
    CheckCalls(1, 2, rotary_dim, kinds, 3, {3});
  };
  wide(4096, 4096, 0);
  wide(3074, 3100, 5);
}

TEST_CASE("cos_sin: calls that are worth several threads") {
  // More than 256 KB for each of four.
  CheckCalls(2, 70, 128,
             {Simple(ROTARY_HALF, 8, 128), Simple(ROTARY_INTERLEAVED, 2, 128)},
             8, {1, 3, 8, 9, 41, 1300});
}

TEST_CASE("cos_sin: pairs with two values are refused") {
  for (const rotary_dtype dtype : Dtypes()) {
    for (const rotary_width width :
         {ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS}) {
      for (const bool heads : {false, true}) {
        const int64_t head = heads ? 1 : 0;
        TwinCall by_token(dtype, width, false, heads);
        CheckTwin(&by_token, false, 0, 0, 0, 0, 0);
        CheckTwin(&by_token, true, 1, 3, head, 99, 7);
        TwinCall by_position(dtype, width, true, heads);
        CheckTwin(&by_position, true, 0, 4, head, 63, 0);
        CheckTwin(&by_position, false, 0, 3, head, 64, 5);
      }
    }
  }
}

TEST_CASE("cos_sin: pairs of two values, in a row that begins in another") {
  // The row of batch 1 begins at the second element of that of batch 0.
  constexpr int64_t kDim = 8;
  std::vector<float> cos(kDim + 1, 0.5f);
  const std::vector<float> sin(kDim + 1, 0.25f);
  CallTensors tensors(2, 1, {Simple(ROTARY_HALF, 1, kDim)});
  rotary_cos_sin cos_sin;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = cos.data();
  cos_sin.sin = sin.data();
  cos_sin.rotary_dim = kDim;
  cos_sin.width = ROTARY_WIDTH_HALVES;
  cos_sin.batch_stride = 1;
  rotary_apply_args args = tensors.Args();
  args.cos_sin = &cos_sin;
  ApplyOk(args);
  tensors.Reset();
  cos.back() = 0.75f;
  CheckRefused([&](rotary_error* error) { return rotary_apply(&args, error); },
               {"cos_sin.cos", kDim / 2 - 1, ROTARY_ERROR_ARGUMENT, -1, 1});
  CHECK(tensors.Untouched());
}

TEST_CASE("cos_sin: pairs that are not used may have two values") {
  for (const rotary_width width :
       {ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS}) {
    for (const bool by_position : {false, true}) {
      TwinCall call(ROTARY_F32, width, by_position, true);
      const uint32_t one = call.Bits(1.0);
      for (const bool is_sin : {false, true}) {
        for (int64_t head = 0; head < 3; ++head) {
          // Behind the last token, or at no position.
          call.own.Set(is_sin, 0, by_position ? 1 : 4, head, 3, one);
        }
        // Of a head that no tensor has.
        call.own.Set(is_sin, 0, 0, 2, 3, one);
        call.own.Set(is_sin, 0, 3, 2, 3, one);
      }
      ApplyOk(call.args);
      call.tensors.Reset();
      call.own.Set(false, 0, 3, 0, 3, one);
      CHECK(rotary_apply(&call.args, nullptr) == ROTARY_ERROR_ARGUMENT);
      CHECK(call.tensors.Untouched());
    }
  }
}

}  // namespace rotary_test
