// The positions that each axis may have: both ends, and what is said about the
// next ones, of ids and of sequences, whole and real.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/rows/axes_case.h"
#include "tests/rows/axis_rows.h"

namespace rotary_test {
namespace {

constexpr int64_t kAxes = 3;
constexpr double kLow[kAxes] = {-3, 0, 1.5};
constexpr double kHigh[kAxes] = {5, 0, 7.25};

Embedding MakeRanges() {
  AxesCase of(ROTARY_AXES_SECTIONS, ValidCall::kRotaryDim, {2, 1, 1});
  std::copy(kLow, kLow + kAxes, of.axes.low);
  std::copy(kHigh, kHigh + kAxes, of.axes.high);
  return of.Make();
}

void Use(Embedding embedding, ValidCall* call) {
  call->embedding = std::move(embedding);
  call->args.embedding = call->embedding.get();
}

// Positions [axes][2][3] that are legal.
std::vector<double> LegalPositions() {
  return {1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 2, 2};
}

void CheckAccepted(const ValidCall& call) {
  CheckApplyAccepted(call);
  const rotary_rows_args args = call.RowsArgs();
  rotary_error error;
  CHECK_EQ(rotary_rows_set(call.rows.get(), &args, &error), ROTARY_OK);
}

void CheckPositionRefused(const ValidCall& call, const std::string& argument,
                          double value, int64_t token, bool real) {
  Wrong wrong = {argument};
  wrong.status = ROTARY_ERROR_POSITION;
  wrong.token = token;
  if (real) {
    wrong.real_value = value;
  } else {
    wrong.value = static_cast<int64_t>(value);
  }
  CheckApplyRefused(call, wrong);
  CheckSetRefused(call, call.RowsArgs(), wrong);
}

// An element of one axis, at one token, is the position.
void CheckOne(rotary_dtype dtype, int64_t axis, int64_t token, double position,
              bool legal) {
  CAPTURE(dtype);
  CAPTURE(axis);
  CAPTURE(token);
  CAPTURE(position);
  std::vector<double> positions = LegalPositions();
  positions[static_cast<size_t>(axis * 6 + token)] = position;
  const PositionData data(dtype, positions);
  ValidCall call;
  Use(MakeRanges(), &call);
  call.positions = PositionsOf(data);
  if (legal) {
    CheckAccepted(call);
  } else {
    CheckPositionRefused(call, "positions.data", position, token,
                         IsReal(dtype));
  }
}

TEST_CASE("axes: whole positions from end to end") {
  for (const rotary_dtype dtype : PositionDtypes()) {
    for (int64_t axis = 0; axis < kAxes; ++axis) {
      const double low = std::ceil(kLow[axis]);
      const double high = std::floor(kHigh[axis]);
      for (const int64_t token : {0, 2, 4}) {
        CheckOne(dtype, axis, token, high, true);
        CheckOne(dtype, axis, token, high + 1, false);
        CheckOne(dtype, axis, token, kNone, true);
        if (IsUnsigned(dtype) && low <= 0) continue;
        CheckOne(dtype, axis, token, low, true);
        CheckOne(dtype, axis, token, low - 1, false);
      }
    }
  }
}

TEST_CASE("axes: real positions from end to end") {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  for (int64_t axis = 0; axis < kAxes; ++axis) {
    const double low = kLow[axis];
    const double high = kHigh[axis];
    CheckOne(ROTARY_F64, axis, 5, low, true);
    CheckOne(ROTARY_F64, axis, 5, high, true);
    CheckOne(ROTARY_F64, axis, 5, std::nextafter(low, -kInfinity), false);
    CheckOne(ROTARY_F64, axis, 5, std::nextafter(high, kInfinity), false);
    CheckOne(ROTARY_F32, axis, 5, low, true);
    CheckOne(ROTARY_F32, axis, 5, high, true);
    CheckOne(ROTARY_F32, axis, 5, low - 0x1p-20, false);
    CheckOne(ROTARY_F32, axis, 5, high + 0x1p-20, false);
    CheckOne(ROTARY_F64, axis, 1, kInfinity, false);
    CheckOne(ROTARY_F64, axis, 1, kNone, true);
  }
}

TEST_CASE("axes: sequences stay in the ranges to their ends") {
  AxesCase of(ROTARY_AXES_SECTIONS, ValidCall::kRotaryDim, {2, 1, 1});
  of.axes.low[1] = -4;
  of.axes.high[1] = 6.5;
  struct Start {
    double value;
    int64_t offset;
    int64_t wrong_token;  // of its sequence; -1: none
  };
  for (const rotary_dtype dtype : {ROTARY_I32, ROTARY_I64, ROTARY_F64}) {
    for (const Start& start : std::vector<Start>{{-4, 0, -1},
                                                 {-5, 0, 0},
                                                 {-5, 1, -1},
                                                 {-4, -1, 0},
                                                 {4, 0, -1},
                                                 {5, 0, 2},
                                                 {3, 2, 2},
                                                 {7, 0, 0},
                                                 {kNone, 1, -1}}) {
      CAPTURE(dtype);
      CAPTURE(start.value);
      CAPTURE(start.offset);
      // Of the second sequence.
      const PositionData data(dtype, {9, 9, 0, start.value, -9, -9});
      ValidCall call;
      Use(of.Make(), &call);
      call.positions = PositionsOf(data);
      call.positions.kind = ROTARY_POSITION_STARTS;
      call.positions.offset = start.offset;
      const std::vector<int32_t> ends = {0, 1, 4};
      for (const bool packed : {false, true}) {
        CAPTURE(packed);
        if (packed) {
          call.positions.kind = ROTARY_POSITION_PACKED;
          call.positions.cu_seqlens = ends.data();
          call.positions.cu_seqlens_dtype = ROTARY_I32;
          call.positions.num_sequences = 2;
          call.args.batch = 1;
          call.args.tokens = 4;
          // Of as many tokens.
          call.args.num_tensors = 0;
        }
        if (start.wrong_token < 0) {
          CheckAccepted(call);
        } else {
          CheckPositionRefused(call, "positions.data", start.value,
                               (packed ? 1 : 3) + start.wrong_token,
                               IsReal(dtype));
        }
      }
    }
  }
}

TEST_CASE("axes: an offset alone, and one axis, are named alike") {
  ValidCall call;
  Use(MakeRanges(), &call);
  rotary_positions_init(&call.positions, sizeof(call.positions));
  call.positions.kind = ROTARY_POSITION_STARTS;
  call.positions.offset = 4;
  CheckPositionRefused(call, "positions.offset", 4, 2, false);
  call.positions.offset = 3;
  CheckPositionRefused(call, "positions.offset", 3, 0, false);

  AxesCase of(ROTARY_AXES_SECTIONS, ValidCall::kRotaryDim, {4});
  of.axes.low[0] = -1.5;
  of.axes.high[0] = 1.5;
  Use(of.Make(), &call);
  call.positions.offset = 0;
  CheckPositionRefused(call, "positions.offset", 0, 2, false);
  const PositionData data(ROTARY_F64, {1.5, 1, 0, 0, -1.5, -1.6});
  call.positions = PositionsOf(data);
  CheckPositionRefused(call, "positions.data", -1.6, 5, true);
}

TEST_CASE("axes: ranges leave the rotation as it is") {
  AxesCase of(ROTARY_AXES_SECTIONS, 8, {2, 1, 1});
  const std::vector<double> positions = LegalPositions();
  const PositionData data(ROTARY_I32, positions);
  const rotary_positions ids = PositionsOf(data);
  CHECK(RowsOnAllTargets(MakeRanges().get(), ids, 2, 3) ==
        RowsOnAllTargets(of.Make().get(), ids, 2, 3));
}

}  // namespace
}  // namespace rotary_test
