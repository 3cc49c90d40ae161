// Positions of F32 and F64 on one axis: rows of any of them against MPFR, those
// of sequences, tokens without one, and how large an angle may be.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/rows/axis_rows.h"
#include "tests/support/effort.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr double kLargest = 2147483647;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// What a real position is: the element, the offset and the step, each addition
// rounded to f64.
double Sum(double element, int64_t offset, int64_t step) {
  return element + static_cast<double>(offset) + static_cast<double>(step);
}

void CheckPositions(const rotary_embedding* embedding, rotary_dtype dtype,
                    const std::vector<double>& positions, ErrorCount* errors,
                    rotary_mode mode = ROTARY_FORWARD) {
  const PositionData data(dtype, positions);
  const RowValues values =
      RowsOnAllTargets(embedding, PositionsOf(data), 1,
                       static_cast<int64_t>(positions.size()), mode);
  AddErrors(embedding, positions, values, errors, mode);
}

rotary_status SetOne(const rotary_embedding* embedding, rotary_dtype dtype,
                     double position, int64_t offset, rotary_error* error) {
  const PositionData data(dtype, {position});
  rotary_positions positions = PositionsOf(data);
  positions.offset = offset;
  rotary_rows* rows = nullptr;
  RequireOk(rotary_rows_create(embedding, 1, &rows, error), *error);
  const Rows owner(rows);
  const rotary_rows_args args = MakeRowsArgs(embedding, &positions, 1);
  return rotary_rows_set(rows, &args, error);
}

void CheckRefusedPosition(const rotary_embedding* embedding, rotary_dtype dtype,
                          double position, int64_t offset = 0) {
  CAPTURE(position);
  CAPTURE(offset);
  rotary_error error;
  CHECK_EQ(SetOne(embedding, dtype, position, offset, &error),
           ROTARY_ERROR_POSITION);
  CHECK_EQ(std::string(error.argument), "positions.data");
  CHECK_EQ(error.real_value, position);
  CHECK_EQ(error.token, 0);
}

void CheckAcceptedPosition(const rotary_embedding* embedding,
                           rotary_dtype dtype, double position) {
  CAPTURE(position);
  rotary_error error;
  CHECK_EQ(SetOne(embedding, dtype, position, 0, &error), ROTARY_OK);
  ErrorCount errors;
  CheckPositions(embedding, dtype, {position}, &errors);
  CHECK_EQ(errors.violations(), 0);
}

}  // namespace

TEST_CASE("real positions: of every size, every mode") {
  ErrorCount errors;
  Random random(1);
  for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_F64}) {
    for (const double gain : {1.0, 1.25, 0x1p-126, 0x1p126}) {
      for (const rotary_mode mode :
           {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
        CAPTURE(dtype);
        CAPTURE(gain);
        CAPTURE(mode);
        const Embedding embedding = MakeEmbedding(30, 10000, gain);
        // Of some denormals the angle is the position's last bit.
        std::vector<double> positions = {
            0.0,       -0.0,      0.5,       -0.25, 1.0,      kNone,
            0x1p-1074, -0x1p-149, 0x1p-1022, 1e-30, 16777216, -16777217};
        for (int64_t n = 0; n < Effort<int64_t>(30, 1000); ++n) {
          positions.push_back(RandomReal(&random, 31));
        }
        positions.push_back(kLargest);
        positions.push_back(-kLargest);
        for (double& position : positions) {
          position = Representable(dtype, position);
        }
        CheckPositions(embedding.get(), dtype, positions, &errors, mode);
        CHECK_EQ(errors.violations(), 0);
      }
    }
  }
}

TEST_CASE("real positions: near zeros of cos and sin") {
  // The least angles modulo pi / 2 that whole positions below 2^31 have.
  const Embedding embedding = MakeEmbedding(128);
  const std::vector<double> inv_freq = InvFreq(embedding.get());
  ErrorCount errors;
  for (const size_t pair : {0u, 10u, 31u}) {
    std::vector<double> positions;
    for (const int64_t position : PositionsNearZeros(inv_freq[pair])) {
      positions.push_back(static_cast<double>(position));
    }
    CheckPositions(embedding.get(), ROTARY_F64, positions, &errors);
    // In f64 any multiple of pi / 2 has a position nearly as near.
    positions.clear();
    for (const double n : {1.0, 2.0, 3.0, 1001.0, 987654.0, -77777.0}) {
      positions.push_back(n * 1.5707963267948966 / inv_freq[pair]);
    }
    CheckPositions(embedding.get(), ROTARY_F64, positions, &errors);
  }
  CHECK_EQ(errors.violations(), 0);
  CHECK_GT(errors.worst_absolute(), 0.0);
}

TEST_CASE("real positions: whole ones as the integers") {
  ErrorCount real;
  ErrorCount whole;
  const Embedding embedding = MakeEmbedding(40, 500000, 1.5);
  std::vector<double> positions;
  for (const int64_t position : RandomPositions(50, 3)) {
    positions.push_back(static_cast<double>(position));
  }
  positions.push_back(kNone);
  CheckPositions(embedding.get(), ROTARY_F64, positions, &real);
  CheckPositions(embedding.get(), ROTARY_I64, positions, &whole);
  CHECK_EQ(real.violations(), 0);
  CHECK_EQ(whole.violations(), 0);
  // Both are rounded from f64: these are good to 2^-43, whole ones to 2^-50.
  CHECK_LE(real.worst_ulps(), 0.500002);
  CHECK_LE(whole.worst_ulps(), 0.5000001);
}

TEST_CASE("real positions: offsets and sequences") {
  const Embedding embedding = MakeEmbedding(20);
  ErrorCount errors;
  Random random(4);
  for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_F64}) {
    for (int n = 0; n < 20; ++n) {
      CAPTURE(dtype);
      CAPTURE(n);
      const int64_t batch = random.Integer(1, 3);
      const int64_t tokens = random.Integer(1, 9);
      const int64_t offset = random.Integer(-1000, 1000);
      std::vector<double> starts;
      for (int64_t b = 0; b < batch; ++b) {
        starts.push_back(random.Integer(0, 4) == 0
                             ? kNone
                             : Representable(dtype, RandomReal(&random, 20)));
      }
      const PositionData data(dtype, starts);
      rotary_positions positions = PositionsOf(data);
      positions.offset = offset;
      positions.kind = ROTARY_POSITION_STARTS;
      std::vector<double> all;
      for (const double start : starts) {
        for (int64_t t = 0; t < tokens; ++t) {
          all.push_back(Sum(start, offset, t));
        }
      }
      AddErrors(embedding.get(), all,
                RowsOnAllTargets(embedding.get(), positions, batch, tokens),
                &errors);

      // The same starts, of sequences of any length, with padding behind.
      positions.kind = ROTARY_POSITION_PACKED;
      std::vector<int32_t> ends = {0};
      all.clear();
      for (const double start : starts) {
        const int64_t length = random.Integer(0, tokens);
        ends.push_back(ends.back() + static_cast<int32_t>(length));
        for (int64_t t = 0; t < length; ++t) {
          all.push_back(Sum(start, offset, t));
        }
      }
      positions.cu_seqlens = ends.data();
      positions.cu_seqlens_dtype = ROTARY_I32;
      positions.num_sequences = batch;
      all.insert(all.end(), 2, kNone);
      AddErrors(embedding.get(), all,
                RowsOnAllTargets(embedding.get(), positions, 1,
                                 static_cast<int64_t>(all.size())),
                &errors);
    }
  }
  CHECK_EQ(errors.violations(), 0);
  CHECK_GT(errors.count(), 1000);
}

TEST_CASE("real positions: a token without one is copied") {
  const Embedding embedding = MakeEmbedding(8, 10000, 2);
  for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_F64}) {
    const PositionData data(dtype, {0.5, kNone, -7.25, kNone});
    const rotary_positions positions = PositionsOf(data);
    ForEachTarget([&](const char* target) {
      const Shape shape{1, 4, 2, 12};
      StridedTensor input(shape, StridesOf(shape));
      const StridedTensor output(shape, StridesOf(shape));
      input.FillRandom(5);
      const std::vector<rotary_tensor> tensors = {
          OutOfPlace(input.view(), output.view(), ROTARY_HALF, 3)};
      rotary_apply_args args = MakeApplyArgs(1, 4, tensors);
      args.embedding = embedding.get();
      args.positions = &positions;
      args.target = target;
      ApplyOk(args);
      for (const int64_t t : {1, 3}) {
        CHECK(
            SameValues(input.view().Tokens(t, 1), output.view().Tokens(t, 1)));
      }
      for (const int64_t t : {0, 2}) {
        CHECK_FALSE(
            SameValues(input.view().Tokens(t, 1), output.view().Tokens(t, 1)));
      }
    });
  }
}

TEST_CASE("real positions: which are refused") {
  const Embedding embedding = MakeEmbedding(8);
  for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_F64}) {
    for (const double sign : {1.0, -1.0}) {
      CheckRefusedPosition(embedding.get(), dtype, sign * 0x1p31);
      CheckRefusedPosition(embedding.get(), dtype, sign * kInfinity);
      CheckRefusedPosition(embedding.get(), dtype, sign * 0x1p100);
      CheckAcceptedPosition(embedding.get(), dtype, sign * (0x1p31 - 128));
    }
  }
  CheckRefusedPosition(embedding.get(), ROTARY_F64, 1, 2147483647);
  CheckRefusedPosition(embedding.get(), ROTARY_F64, 0.5, INT64_MAX);
  CheckRefusedPosition(embedding.get(), ROTARY_F64, -0.5, INT64_MIN);
  // Of a sequence the last token's.
  const PositionData data(ROTARY_F64, {kLargest - 2.5});
  rotary_positions positions = PositionsOf(data);
  positions.kind = ROTARY_POSITION_STARTS;
  for (const int64_t tokens : {3, 4}) {
    rotary_rows* rows = nullptr;
    rotary_error error;
    RequireOk(rotary_rows_create(embedding.get(), tokens, &rows, &error),
              error);
    const Rows owner(rows);
    const rotary_rows_args args =
        MakeRowsArgs(embedding.get(), &positions, tokens);
    CHECK_EQ(rotary_rows_set(rows, &args, &error),
             tokens == 3 ? ROTARY_OK : ROTARY_ERROR_POSITION);
    if (tokens == 4) CHECK_EQ(error.token, 3);
  }
}

}  // namespace rotary_test
