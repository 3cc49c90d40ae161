// How large an angle of real positions may be: 2^40, on one axis or several,
// and where it is a sum.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/rows/axes_case.h"
#include "tests/rows/axis_rows.h"

namespace rotary_test {
namespace {

constexpr double kLargest = 2147483647;

// Just within and just beyond.
constexpr double kWithin = 1 - 0x1p-50;
constexpr double kBeyond = 1 + 0x1p-50;

// [axes][tokens]
int64_t TokensOf(const rotary_embedding* embedding,
                 const std::vector<double>& positions) {
  return static_cast<int64_t>(positions.size()) /
         rotary_embedding_axes(embedding);
}

void CheckRight(const rotary_embedding* embedding, rotary_dtype dtype,
                const std::vector<double>& positions) {
  const PositionData data(dtype, positions);
  ErrorCount errors;
  AddErrors(embedding, positions,
            RowsOnAllTargets(embedding, PositionsOf(data), 1,
                             TokensOf(embedding, positions)),
            &errors);
  CHECK_EQ(errors.violations(), 0);
}

void CheckTooFar(const rotary_embedding* embedding,
                 const std::vector<double>& positions, int64_t token,
                 double position) {
  const PositionData data(ROTARY_F64, positions);
  const rotary_positions ids = PositionsOf(data);
  const int64_t tokens = TokensOf(embedding, positions);
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_create(embedding, tokens, &rows, &error), error);
  const Rows owner(rows);
  const rotary_rows_args args = MakeRowsArgs(embedding, &ids, tokens);
  CHECK_EQ(rotary_rows_set(rows, &args, &error), ROTARY_ERROR_POSITION);
  CHECK_EQ(error.token, token);
  CHECK_EQ(error.real_value, position);
}

}  // namespace

TEST_CASE("angle reach: 2^40 on one axis") {
  for (const double inv_freq : {1024.0, 1e5, -12345.678, 1e12, 1e250}) {
    CAPTURE(inv_freq);
    const Embedding embedding = MakeEmbedding({0.5, inv_freq, 0.0});
    const double reach = 0x1p40 / std::fabs(inv_freq);
    for (const double sign : {1.0, -1.0}) {
      CheckRight(embedding.get(), ROTARY_F64, {0.0, sign * reach * kWithin});
      const double far = sign * reach * kBeyond;
      CheckTooFar(embedding.get(), {0.0, far}, 1, far);
    }
  }
  // Integers go by the table, which reaches all of them.
  const Embedding embedding = MakeEmbedding({1e12, 1.0});
  CheckRight(embedding.get(), ROTARY_I64, {kLargest, -kLargest, 1});
}

TEST_CASE("angle reach: 2^40 on each axis that turns a pair") {
  AxesCase of(ROTARY_AXES_SECTIONS, 8, {2, 1, 1});
  of.inv_freq = {1024, 0.5, 1e9, -3e5};
  const Embedding embedding = of.Make();
  const double reach[] = {0x1p30, 0x1p40 / 1e9, 0x1p40 / 3e5};
  for (size_t axis = 0; axis < 3; ++axis) {
    CAPTURE(axis);
    std::vector<double> positions = {0.5, -0.5, 0.25, 1, 0.125, -1};
    positions[2 * axis] = reach[axis] * kWithin;
    positions[2 * axis + 1] = -reach[axis] * kWithin;
    CheckRight(embedding.get(), ROTARY_F64, positions);
    positions[2 * axis + 1] = -reach[axis] * kBeyond;
    CheckTooFar(embedding.get(), positions, 1, positions[2 * axis + 1]);
  }
}

TEST_CASE("angle reach: 2^40 is a sum of four axes") {
  AxesCase of(ROTARY_AXES_GIVEN, 4, {0, 0, 0, 0});
  of.inv_freq = {1e4, 1, 0.5, 1e5, -1e6, 0, 2, 1e3};
  const Embedding embedding = of.Make();
  const double quarter = 0x1p38 * kWithin;
  CheckRight(embedding.get(), ROTARY_F64,
             {quarter / 1e4, -quarter / 1e4, quarter / 1e5, quarter / 1e5,
              -quarter / 1e6, quarter / 1e6, quarter / 1e3, 0});
}

}  // namespace rotary_test
