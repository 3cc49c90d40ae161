// Calls by embeddings of several axes: angles that cancel, heads that the
// embedding does not have, positions that overlap an output, the flat call.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/apply/call_check.h"
#include "tests/config/valid_call.h"
#include "tests/rows/axes_case.h"
#include "tests/rows/axis_rows.h"

namespace rotary_test {

TEST_CASE("axes: angles that cancel") {
  // Equal and opposite on two axes: an angle of exactly 0, or of what the third
  // has.
  AxesCase of(ROTARY_AXES_GIVEN, 8, {0, 0, 0});
  of.inv_freq = {0.1,   1.0 / 3, 7e-5, 2.5,  -0.1,   -1.0 / 3,
                 -7e-5, -2.5,    1e-9, 0.75, 1e-300, 0};
  const Embedding embedding = of.Make();
  std::vector<double> positions;
  Random random(4);
  for (int n = 0; n < 40; ++n) positions.push_back(RandomReal(&random, 31));
  positions.insert(positions.end(), positions.begin(), positions.begin() + 40);
  for (int n = 0; n < 40; ++n) positions.push_back(n % 3 == 0 ? 0 : 1e-3 * n);
  const PositionData data(ROTARY_F64, positions);
  const RowValues values =
      RowsOnAllTargets(embedding.get(), PositionsOf(data), 1, 40);
  ErrorCount errors;
  AddErrors(embedding.get(), positions, values, &errors);
  CHECK_EQ(errors.violations(), 0);
  for (int64_t t = 0; t < 40; ++t) {
    CHECK_EQ(values.Cos(t)[3], 1.0f);
    CHECK_EQ(values.Sin(t)[3], 0.0f);
  }
}

TEST_CASE("axes: more heads than the embedding's are refused") {
  AxesCase of(ROTARY_AXES_BLOCKS, 8, {6, 6});
  of.config.heads = 3;
  const Embedding embedding = of.Make();
  const PositionData data(ROTARY_I32, {1, 2, 3, 4});
  const rotary_positions ids = PositionsOf(data);
  for (const int64_t heads : {2, 3, 4}) {
    CAPTURE(heads);
    const CallTensors tensors(
        1, 2, {Simple(ROTARY_HALF, 1, 8), Simple(ROTARY_HALF, heads, 8)});
    rotary_apply_args args = tensors.Args();
    args.embedding = embedding.get();
    args.positions = &ids;
    rotary_error error;
    const rotary_status status = rotary_apply(&args, &error);
    if (heads <= 3) {
      CHECK_EQ(status, ROTARY_OK);
      continue;
    }
    CHECK_EQ(status, ROTARY_ERROR_ARGUMENT);
    CHECK_EQ(std::string(error.argument), "embedding");
    CHECK_EQ(error.value, 3);
    CHECK(tensors.Untouched());
  }
}

TEST_CASE("axes: positions must not overlap an output, whichever axis does") {
  constexpr int64_t kDistance = 100;
  // Three axes of 6 positions each, the first of them 100 elements from either
  // end, and room for a tensor of 48 behind each.
  std::vector<float> memory(4 * kDistance, 0.0f);
  const Embedding embedding =
      AxesCase(ROTARY_AXES_SECTIONS, ValidCall::kRotaryDim, {2, 1, 1}).Make();
  for (const bool backwards : {false, true}) {
    for (const int64_t axis : {0, 1, 2, 3}) {
      CAPTURE(backwards);
      CAPTURE(axis);
      const auto at = [&](int64_t a) {
        return memory.data() + (backwards ? 3 - a : a) * kDistance;
      };
      ValidCall call;
      call.positions.dtype = ROTARY_I32;
      call.positions.data = at(0);
      call.positions.axis_stride = at(1) - at(0);
      call.args.embedding = embedding.get();
      // In place, on the positions of an axis or behind the last.
      call.tensors[1].input = at(axis);
      if (axis == 3) {
        CheckApplyAccepted(call);
        continue;
      }
      Wrong wrong = {"tensors[1].input"};
      wrong.status = ROTARY_ERROR_OVERLAP;
      wrong.tensor = 1;
      CheckApplyRefused(call, wrong);
    }
  }
}

TEST_CASE("axes: the flat call takes [tokens], the same on every axis") {
  const Embedding embedding = AxesCase(ROTARY_AXES_SECTIONS, 16, {3, 5}).Make();
  const std::vector<int32_t> ids = {1, 20, 3};
  const int64_t head_dim = 16;
  std::vector<float> q(3 * 2 * 16);
  Random random(6);
  for (float& value : q) value = random.Float();
  std::vector<float> expected = q;
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = 2;
  tensor.head_dim = head_dim;
  tensor.input = expected.data();
  tensor.input_pairing = ROTARY_HALF;
  const std::vector<rotary_tensor> tensors = {tensor};
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = ids.data();
  positions.dtype = ROTARY_I32;
  positions.axis_stride = 0;
  rotary_apply_args args = MakeApplyArgs(1, 3, tensors);
  args.embedding = embedding.get();
  args.positions = &positions;
  ApplyOk(args);
  rotary_error error;
  RequireOk(rotary_apply_qk(embedding.get(), ids.data(), ROTARY_I32, 3,
                            ROTARY_F32, ROTARY_HALF, head_dim, q.data(), 2,
                            ROTARY_DENSE, ROTARY_DENSE, nullptr, 0,
                            ROTARY_DENSE, ROTARY_DENSE, 1, &error),
            error);
  CHECK(std::memcmp(q.data(), expected.data(), q.size() * 4) == 0);
  // Errors name the argument as this call does.
  const std::vector<int64_t> far = {1, int64_t{1} << 31, 60};
  CHECK_EQ(rotary_apply_qk(embedding.get(), far.data(), ROTARY_I64, 3,
                           ROTARY_F32, ROTARY_HALF, head_dim, q.data(), 2,
                           ROTARY_DENSE, ROTARY_DENSE, nullptr, 0, ROTARY_DENSE,
                           ROTARY_DENSE, 1, &error),
           ROTARY_ERROR_POSITION);
  CHECK_EQ(std::string(error.argument), "position_ids");
  CHECK_EQ(std::string(error.message).find("positions.data"),
           std::string::npos);
  CHECK_EQ(error.token, 1);
  CHECK(std::memcmp(q.data(), expected.data(), q.size() * 4) == 0);
}

}  // namespace rotary_test
