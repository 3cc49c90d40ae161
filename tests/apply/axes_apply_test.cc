// Rotation by embeddings of several axes and with rows for each head: rows
// against MPFR, and calls that make their rows themselves against calls by
// these rows.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
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

// Queries, keys with fewer heads, some of them in place: of one head alone
// there is no other.
std::vector<TensorKind> DrawKinds(Random* random, int64_t heads,
                                  int64_t rotary_dim) {
  static const std::vector<Formats> all = AllFormats();
  std::vector<TensorKind> kinds;
  for (const int64_t count : {heads, (heads + 1) / 2, int64_t{0}, heads}) {
    TensorKind kind{random->Choose(all), false, count, 0};
    kind.in_place = kind.formats.same_size() && random->Integer(0, 1) == 0;
    kind.rotary_offset = rotary_dim < 4096 ? random->Integer(0, 3) : 0;
    kind.head_dim = rotary_dim + kind.rotary_offset;
    kind.gap = random->Integer(0, 1);
    kinds.push_back(kind);
  }
  return kinds;
}

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
  const int64_t count = size.batch * size.tokens;
  rotary_rows* rows = nullptr;
  rotary_error error;
  RequireOk(rotary_rows_create(embedding, count * heads, &rows, &error), error);
  const Rows owner(rows);
  rotary_rows_args rows_args = MakeRowsArgs(embedding, &ids, size.tokens);
  rows_args.batch = size.batch;
  rows_args.num_threads = static_cast<int32_t>(random->Integer(0, 2));
  SetRowsOk(rows, rows_args);
  rotary_apply_args by_rows = tensors.Args();
  by_rows.rows = rows;
  by_rows.transpose = args.transpose;
  if (heads > 1) {
    by_rows.row_batch_stride = size.tokens * heads;
    by_rows.row_token_stride = heads;
    by_rows.row_head_stride = 1;
  }
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

TEST_CASE("axes: the flat call takes [axes][tokens]") {
  const Embedding embedding = AxesCase(ROTARY_AXES_SECTIONS, 16, {3, 5}).Make();
  const std::vector<int32_t> ids = {1, 2, 3, 40, 50, 60};
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
  const std::vector<int64_t> far = {1, 2, 3, 40, int64_t{1} << 31, 60};
  CHECK_EQ(rotary_apply_qk(embedding.get(), far.data(), ROTARY_I64, 3,
                           ROTARY_F32, ROTARY_HALF, head_dim, q.data(), 2,
                           ROTARY_DENSE, ROTARY_DENSE, nullptr, 0, ROTARY_DENSE,
                           ROTARY_DENSE, 1, &error),
           ROTARY_ERROR_POSITION);
  CHECK_EQ(std::string(error.argument), "position_ids (axis 1)");
  CHECK_EQ(std::string(error.message).find("positions.data"),
           std::string::npos);
  CHECK_EQ(error.token, 1);
  CHECK(std::memcmp(q.data(), expected.data(), q.size() * 4) == 0);
}

}  // namespace rotary_test
