// The ways to make rows of row_check.h.
#include "tests/rows/row_check.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <utility>

#include "tests/support/element.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

template <typename T>
rotary_positions MakeIds(const std::vector<T>& data, rotary_dtype dtype) {
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = data.data();
  positions.dtype = dtype;
  return positions;
}

// Rotates by the rows and without them.
void CheckOneShot(const rotary_rows* rows, const rotary_embedding* embedding,
                  const rotary_positions& positions, int64_t tokens,
                  const RowsWay& way, const char* target) {
  const int64_t heads = rotary_embedding_heads(embedding);
  const Shape shape{1, tokens, heads, rotary_embedding_rotary_dim(embedding)};
  StridedTensor by_rows(shape, StridesOf(shape));
  StridedTensor one_shot(shape, StridesOf(shape));
  by_rows.FillRandom(7);
  one_shot.FillRandom(7);
  std::vector<rotary_tensor> tensors = {
      InPlace(by_rows.view(), ROTARY_INTERLEAVED)};
  rotary_apply_args args = MakeApplyArgs(1, tokens, tensors);
  args.target = target;
  args.rows = rows;
  args.row_token_stride = heads;
  args.row_head_stride = heads == 1 ? 0 : 1;
  ApplyOk(args);
  tensors = {InPlace(one_shot.view(), ROTARY_INTERLEAVED)};
  args = MakeApplyArgs(1, tokens, tensors);
  args.target = target;
  args.embedding = embedding;
  args.positions = &positions;
  args.mode = way.mode;
  args.log_n_length = way.log_n_length;
  ApplyOk(args);
  CHECK(SameValues(by_rows.view(), one_shot.view()));
}

// In the order of the numbers that they stand for.
int64_t Ordered(rotary_dtype dtype, uint32_t bits) {
  const uint32_t sign = dtype == ROTARY_F32 ? 0x80000000u : 0x8000u;
  const auto magnitude = static_cast<int64_t>(bits & (sign - 1));
  return (bits & sign) != 0 ? -magnitude : magnitude;
}

}  // namespace

rotary_embedding_config MakeConfig(int64_t rotary_dim) {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = rotary_dim;
  return config;
}

Embedding Create(const rotary_embedding_config& config) {
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_create(&config, &embedding, &error), error);
  return Embedding(embedding);
}

rotary_positions PositionsOf(const std::vector<int64_t>& data) {
  return MakeIds(data, ROTARY_I64);
}
rotary_positions PositionsOf(const std::vector<float>& data) {
  return MakeIds(data, ROTARY_F32);
}
rotary_positions PositionsOf(const std::vector<double>& data) {
  return MakeIds(data, ROTARY_F64);
}

RowValues RowsOf(const rotary_embedding* embedding,
                 const rotary_positions& positions, int64_t tokens,
                 const RowsWay& way) {
  RowValues all;
  bool first = true;
  ForEachTarget([&](const char* target) {
    for (const int32_t threads : {1, 2}) {
      rotary_rows* made = nullptr;
      rotary_error error;
      RequireOk(rotary_rows_create(embedding,
                                   tokens * rotary_embedding_heads(embedding),
                                   &made, &error),
                error);
      const Rows rows(made);
      rotary_rows_args args =
          MakeRowsArgs(embedding, &positions, tokens, way.mode);
      args.log_n_length = way.log_n_length;
      args.target = target;
      args.num_threads = threads;
      SetRowsOk(made, args);
      RowValues values = ReadRows(made);
      if (threads == 1) {
        CheckOneShot(made, embedding, positions, tokens, way, target);
      }
      if (first) {
        all = std::move(values);
        first = false;
      } else {
        CHECK(values == all);
      }
    }
  });
  return all;
}

int64_t Distance(rotary_dtype dtype, float a, float b) {
  const uint32_t from = Narrowed(dtype, a);
  const uint32_t to = Narrowed(dtype, b);
  REQUIRE(Widened(dtype, from) == a);
  REQUIRE(Widened(dtype, to) == b);
  return std::abs(Ordered(dtype, from) - Ordered(dtype, to));
}

void Agreement::Add(float got, float expected) {
  const int64_t distance = Distance(dtype, got, expected);
  ++count;
  if (distance != 0) ++different;
  farthest = std::max(farthest, distance);
}

}  // namespace rotary_test
