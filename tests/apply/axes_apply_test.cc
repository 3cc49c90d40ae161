// Rotation by embeddings of several axes and with rows for each head: rows
// against MPFR, and calls that make their rows themselves against calls by
// these rows.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/apply/call_check.h"
#include "tests/rows/axes_case.h"
#include "tests/rows/axis_rows.h"
#include "tests/support/effort.h"

namespace rotary_test {
namespace {

struct Size {
  int64_t batch, tokens, heads;
};

const std::vector<Size> kSizes = {{1, 1, 1},  {1, 1, 5}, {2, 3, 4}, {3, 1, 2},
                                  {1, 70, 2}, {2, 5, 3}, {1, 20, 1}};

std::vector<double> DrawPositions(Random* random, rotary_dtype dtype,
                                  int64_t axes, int64_t count, int bits) {
  std::vector<double> positions;
  for (int64_t i = 0; i < axes * count; ++i) {
    const bool none = random->Integer(0, 8 * axes) == 0;
    positions.push_back(none ? kNone
                             : Representable(dtype, RandomReal(random, bits)));
  }
  return positions;
}

// What each head of each token is to be rotated by.
HeadRows RowsOf(const rotary_embedding* embedding, const Size& size,
                const std::vector<double>& positions, const RowValues& values) {
  const int64_t heads = rotary_embedding_heads(embedding);
  const int64_t count = size.batch * size.tokens;
  HeadRows rows(2 * values.pairs, size.batch, size.tokens, heads);
  rows.cos = values.cos;
  rows.sin = values.sin;
  for (int64_t n = 0; n < count * heads; ++n) {
    bool none = false;
    for (int64_t a = 0; a < rotary_embedding_axes(embedding); ++a) {
      none |= std::isnan(positions[static_cast<size_t>(a * count + n / heads)]);
    }
    rows.positions[static_cast<size_t>(n)] = none ? ROTARY_NO_POSITION_I64 : 0;
  }
  return rows;
}

// Rows of all tokens, which args are set to use.
Rows MakeTokenRows(const rotary_embedding* embedding,
                   const rotary_positions& positions, const Size& size,
                   rotary_apply_args* args) {
  const int64_t heads = rotary_embedding_heads(embedding);
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_create(embedding, size.batch * size.tokens * heads,
                               &rows, &error),
            error);
  Rows owner(rows);
  rotary_rows_args rows_args = MakeRowsArgs(embedding, &positions, size.tokens);
  rows_args.batch = size.batch;
  SetRowsOk(rows, rows_args);
  args->rows = rows;
  if (heads > 1) {
    args->row_batch_stride = size.tokens * heads;
    args->row_token_stride = heads;
    args->row_head_stride = 1;
  }
  return owner;
}

// Of the sizes, of tensors of `size.heads`, positions below 2^bits.
void CheckEmbedding(const rotary_embedding* embedding, rotary_dtype dtype,
                    const Size& size, int bits, Random* random,
                    const std::vector<int64_t>& slices, ErrorCount* errors) {
  const int64_t dim = rotary_embedding_rotary_dim(embedding);
  const int64_t heads = rotary_embedding_heads(embedding);
  CAPTURE(dtype);
  CAPTURE(dim);
  CAPTURE(heads);
  CAPTURE(size.batch);
  CAPTURE(size.tokens);
  CAPTURE(size.heads);
  const std::vector<double> positions =
      DrawPositions(random, dtype, rotary_embedding_axes(embedding),
                    size.batch * size.tokens, bits);
  const PositionData data(dtype, positions);
  const rotary_positions ids = PositionsOf(data);
  const RowValues values =
      RowsOnAllTargets(embedding, ids, size.batch, size.tokens);
  AddErrors(embedding, positions, values, errors);
  CHECK_EQ(errors->violations(), 0);

  CallTensors tensors(size.batch, size.tokens,
                      DrawKinds(random, size.heads, dim), random->Bits());
  rotary_apply_args args = tensors.Args();
  args.embedding = embedding;
  args.positions = &ids;
  args.transpose = random->Integer(0, 3) == 0 ? 1 : 0;
  CheckCall(&tensors, RowsOf(embedding, size, positions, values), args);
  CheckThreads(tensors, args);
  CheckSlices(tensors, args, slices);

  // By rows that are kept.
  rotary_apply_args by_rows = tensors.Args();
  by_rows.transpose = args.transpose;
  const Rows rows = MakeTokenRows(embedding, ids, size, &by_rows);
  tensors.Reset();
  ApplyOk(by_rows);
  CHECK(tensors.AsKept());
}

// [heads][axes][pairs], `turned_in` in so many of which are not 0.
Embedding MakeGiven(Random* random, int64_t heads, int64_t axes, int64_t pairs,
                    int64_t turned_in, double gain) {
  AxesCase of(ROTARY_AXES_GIVEN, 2 * pairs,
              std::vector<int64_t>(static_cast<size_t>(axes), 0));
  of.config.heads = heads;
  of.config.gain = gain;
  for (int64_t i = 0; i < heads * axes * pairs; ++i) {
    const bool turns = random->Integer(1, turned_in) == 1;
    of.inv_freq.push_back(turns ? RandomReal(random, 2) : 0.0);
  }
  Embedding embedding = of.Make();
  CHECK(Matrix(embedding.get()) == of.inv_freq);
  return embedding;
}

}  // namespace

TEST_CASE("axes: matrices that are given, shared or for each head") {
  Random random(1);
  ErrorCount errors;
  for (const Size& size : kSizes) {
    for (const bool shared : {false, true}) {
      for (int n = 0; n < Effort(4, 40); ++n) {
        const int64_t heads =
            shared ? 1 : size.heads + random.Integer(0, 5 - size.heads);
        const int64_t axes = random.Integer(1, 8);
        const Embedding embedding =
            MakeGiven(&random, heads, axes, random.Integer(1, 33),
                      random.Choose<int64_t>({1, 1, axes}),
                      random.Choose<double>({1, 1.138629436}));
        CheckEmbedding(embedding.get(), random.Choose(PositionDtypes()), size,
                       24, &random, {1, 3, 40}, &errors);
      }
    }
  }
  CHECK_GT(errors.count(), 5000);
}

TEST_CASE("axes: layouts and real positions, of tensors with many heads") {
  Random random(2);
  ErrorCount errors;
  const std::vector<Embedding> embeddings = [] {
    std::vector<Embedding> all;
    all.push_back(MakeEmbedding(44, 10000, 1.25));
    all.push_back(AxesCase(ROTARY_AXES_SECTIONS, 44, {9, 3, 10}).Make());
    all.push_back(AxesCase(ROTARY_AXES_INTERLEAVED, 44, {8, 7, 7}).Make());
    all.push_back(AxesCase(ROTARY_AXES_ALTERNATING, 44, {0, 0, 0}).Make());
    AxesCase by_head(ROTARY_AXES_BLOCKS, 12, {20, 0, 10});
    by_head.config.heads = 5;
    all.push_back(by_head.Make());
    return all;
  }();
  for (const Embedding& embedding : embeddings) {
    for (const Size& size : kSizes) {
      for (const rotary_dtype dtype :
           {ROTARY_I64, ROTARY_U32, ROTARY_F32, ROTARY_F64}) {
        CheckEmbedding(embedding.get(), dtype, size, 31, &random, {2, 7, 90},
                       &errors);
      }
    }
  }
}

TEST_CASE("axes: sequences, packed or not, as by rows that are kept") {
  Random random(7);
  AxesCase by_head(ROTARY_AXES_BLOCKS, 20, {12, 18});
  by_head.config.heads = 3;
  const Embedding of_heads = by_head.Make();
  const Embedding shared = AxesCase(ROTARY_AXES_STRIDED, 20, {0, 0}).Make();
  const Embedding given = MakeGiven(&random, 1, 2, 10, 1, 1.5);
  for (const rotary_embedding* embedding :
       {of_heads.get(), shared.get(), given.get()}) {
    const int64_t heads = rotary_embedding_heads(embedding);
    for (const rotary_dtype dtype : {ROTARY_I32, ROTARY_F32}) {
      for (const bool packed : {false, true}) {
        CAPTURE(heads);
        CAPTURE(dtype);
        CAPTURE(packed);
        // [axes][sequences]
        const PositionData data(dtype, {5, kNone, -100, 7, 1, 1e6});
        rotary_positions positions = PositionsOf(data);
        positions.kind = ROTARY_POSITION_STARTS;
        const std::vector<int64_t> ends = {2, 40, 41, 67};
        if (packed) {
          positions.kind = ROTARY_POSITION_PACKED;
          positions.cu_seqlens = ends.data();
          positions.cu_seqlens_dtype = ROTARY_I64;
          positions.num_sequences = 3;
        }
        const Size size = {packed ? 1 : 3, packed ? 70 : 9, 3};
        CallTensors tensors(size.batch, size.tokens,
                            DrawKinds(&random, size.heads, 20), random.Bits());
        rotary_apply_args args = tensors.Args();
        const Rows rows = MakeTokenRows(embedding, positions, size, &args);
        ApplyOk(args);
        tensors.Keep();
        rotary_apply_args one_shot = tensors.Args();
        one_shot.embedding = embedding;
        one_shot.positions = &positions;
        CheckThreads(tensors, one_shot);
        CheckSlices(tensors, one_shot, {1, 5, 100});
      }
    }
  }
}

TEST_CASE("axes: heads that are wider than rows on the stack") {
  Random random(3);
  ErrorCount errors;
  const Embedding given = MakeGiven(&random, 1, 2, 2048, 1, 1);
  const Embedding by_head = MakeGiven(&random, 3, 2, 2048, 2, 1);
  const Embedding sections =
      AxesCase(ROTARY_AXES_SECTIONS, 4096, {1000, 401, 647}).Make();
  const Embedding strided = AxesCase(ROTARY_AXES_STRIDED, 4096, {0, 0}).Make();
  const Embedding one = MakeEmbedding(4096);
  for (const rotary_embedding* embedding :
       {given.get(), by_head.get(), sections.get(), strided.get(), one.get()}) {
    for (const rotary_dtype dtype : {ROTARY_I32, ROTARY_F64}) {
      CheckEmbedding(embedding, dtype, {1, 2, 2}, 24, &random, {3}, &errors);
    }
  }
}

}  // namespace rotary_test
