// Where the positions of several axes lie: every dtype and stride, sequences,
// sentinels on any axis.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tests/rows/axes_case.h"
#include "tests/rows/axis_rows.h"
#include "tests/support/effort.h"
#include "tests/support/strided.h"

namespace rotary_test {
namespace {

constexpr int64_t kAxes = 3;

// Pairs of groups that one axis turns, and of groups that all do.
Embedding MakeThree() {
  return AxesCase(ROTARY_AXES_SECTIONS, 60, {17, 3, 10}).Make();
}

// Strides of [axes][sequences][tokens].
struct Layout {
  int64_t axis;
  int64_t batch;
  int64_t token;
};

// An array of just the elements that a layout reaches.
struct Placed {
  Placed(const Layout& layout, const std::vector<double>& positions,
         int64_t sequences, int64_t tokens, rotary_dtype dtype, Flush flush)
      : elements(static_cast<size_t>(Size(layout, sequences, tokens)), 12345.0),
        first(First(layout, sequences, tokens)),
        data(dtype, Fill(layout, positions, sequences, tokens), flush) {}

  static int64_t Size(const Layout& l, int64_t sequences, int64_t tokens) {
    return 1 + std::abs(l.axis) * (kAxes - 1) +
           std::abs(l.batch) * (sequences - 1) +
           std::abs(l.token) * (tokens - 1);
  }
  static int64_t First(const Layout& l, int64_t sequences, int64_t tokens) {
    return std::max<int64_t>(0, -l.axis) * (kAxes - 1) +
           std::max<int64_t>(0, -l.batch) * (sequences - 1) +
           std::max<int64_t>(0, -l.token) * (tokens - 1);
  }
  const std::vector<double>& Fill(const Layout& l,
                                  const std::vector<double>& positions,
                                  int64_t sequences, int64_t tokens) {
    for (int64_t n = 0; n < kAxes * sequences * tokens; ++n) {
      const int64_t a = n / (sequences * tokens);
      const int64_t b = n / tokens % sequences;
      const int64_t t = n % tokens;
      elements[static_cast<size_t>(first + a * l.axis + b * l.batch +
                                   t * l.token)] =
          positions[static_cast<size_t>(n)];
    }
    return elements;
  }

  std::vector<double> elements;
  int64_t first;
  PositionData data;
};

std::vector<double> RandomPositionsOf(Random* random, rotary_dtype dtype,
                                      int64_t count, int64_t one_none_in) {
  std::vector<double> positions;
  for (int64_t i = 0; i < count; ++i) {
    const bool none = random->Integer(1, one_none_in) == 1;
    positions.push_back(none ? kNone
                             : Representable(dtype, RandomReal(random, 20)));
  }
  return positions;
}

// What dense ids give, in the order of their rows.
RowValues DenseRows(const rotary_embedding* embedding, rotary_dtype dtype,
                    const std::vector<double>& positions, int64_t batch,
                    int64_t tokens) {
  const PositionData data(dtype, positions);
  return RowsOnAllTargets(embedding, PositionsOf(data), batch, tokens);
}

// The layouts of an array of sequences of tokens.
std::vector<Layout> LayoutsOf(int64_t sequences, int64_t tokens) {
  const int64_t all = sequences * tokens;
  return {{all, tokens, 1},                          // [axes][B][S]
          {tokens, kAxes * tokens, 1},               // [B][axes][S]
          {1, kAxes * tokens, kAxes},                // [B][S][axes]
          {sequences, 1, kAxes * sequences},         // [S][axes][B]
          {-all, tokens, 1},                         // axes from last to first
          {-1, -kAxes * tokens, -kAxes},             // all reversed
          {2 * all + 5, 2 * tokens + 1, 2},          // with gaps
          {1, -(kAxes + 2) * tokens, (kAxes + 2)}};  // a part of [B][S][5]
}

}  // namespace

TEST_CASE("axes: positions of every dtype and layout") {
  const Embedding embedding = MakeThree();
  ErrorCount errors;
  Random random(1);
  for (const rotary_dtype dtype : PositionDtypes()) {
    CAPTURE(dtype);
    for (int n = 0; n < Effort(3, 30); ++n) {
      const int64_t batch = random.Integer(1, 3);
      const int64_t tokens = random.Integer(1, 11);
      const std::vector<double> positions =
          RandomPositionsOf(&random, dtype, kAxes * batch * tokens, 15);
      const RowValues expected =
          DenseRows(embedding.get(), dtype, positions, batch, tokens);
      AddErrors(embedding.get(), positions, expected, &errors);
      for (const Layout& layout : LayoutsOf(batch, tokens)) {
        CAPTURE(layout.axis);
        CAPTURE(layout.batch);
        CAPTURE(layout.token);
        for (const Flush flush : {Flush::kStart, Flush::kEnd}) {
          const Placed placed(layout, positions, batch, tokens, dtype, flush);
          rotary_positions strided = PositionsOf(placed.data);
          strided.data = placed.data.At(placed.first);
          strided.batch_stride = layout.batch;
          strided.token_stride = layout.token;
          strided.axis_stride = layout.axis;
          CHECK(RowsOnAllTargets(embedding.get(), strided, batch, tokens) ==
                expected);
        }
      }
    }
  }
  CHECK_EQ(errors.violations(), 0);
}

TEST_CASE("axes: starts of sequences, packed or not, and offsets") {
  const Embedding embedding = MakeThree();
  Random random(2);
  for (const rotary_dtype dtype : PositionDtypes()) {
    CAPTURE(dtype);
    for (int n = 0; n < Effort(6, 60); ++n) {
      const int64_t sequences = random.Integer(1, 4);
      const int64_t tokens = random.Integer(1, 10);
      const int64_t offset = random.Integer(IsUnsigned(dtype) ? 0 : -50, 50);
      std::vector<double> starts =
          RandomPositionsOf(&random, dtype, kAxes * sequences, 12);
      for (double& start : starts) start = std::trunc(start);
      const std::vector<Layout> layouts = LayoutsOf(sequences, 1);
      const Layout& layout = random.Choose(layouts);
      const Placed placed(layout, starts, sequences, 1, dtype, Flush::kEnd);
      rotary_positions positions = PositionsOf(placed.data);
      positions.data = placed.data.At(placed.first);
      positions.batch_stride = layout.batch;
      positions.axis_stride = layout.axis;
      // Of no meaning here.
      positions.token_stride = 1 << 20;
      positions.offset = offset;
      if (layout.axis == sequences && layout.batch == 1) {
        positions.batch_stride = positions.axis_stride = ROTARY_DENSE;
      }

      // The ids of the same tokens, and what comes of them.  (Signed: with an
      // offset they may be negative.)
      const rotary_dtype id_dtype = IsReal(dtype) ? dtype : ROTARY_I64;
      const auto ids = [&](const std::vector<int64_t>& lengths,
                           int64_t padding) {
        std::vector<double> all;
        for (int64_t a = 0; a < kAxes; ++a) {
          for (int64_t s = 0; s < sequences; ++s) {
            const double start = starts[static_cast<size_t>(a * sequences + s)];
            for (int64_t t = 0; t < lengths[static_cast<size_t>(s)]; ++t) {
              all.push_back(start + static_cast<double>(offset + t));
            }
          }
          all.insert(all.end(), static_cast<size_t>(padding), kNone);
        }
        return all;
      };
      positions.kind = ROTARY_POSITION_STARTS;
      CHECK(RowsOnAllTargets(embedding.get(), positions, sequences, tokens) ==
            DenseRows(embedding.get(), id_dtype,
                      ids(std::vector<int64_t>(4, tokens), 0), sequences,
                      tokens));

      std::vector<int64_t> lengths;
      std::vector<int64_t> ends = {0};
      for (int64_t s = 0; s < sequences; ++s) {
        lengths.push_back(random.Integer(0, tokens));
        ends.push_back(ends.back() + lengths.back());
      }
      positions.kind = ROTARY_POSITION_PACKED;
      positions.cu_seqlens = ends.data();
      positions.cu_seqlens_dtype = ROTARY_I64;
      positions.num_sequences = sequences;
      CHECK(RowsOnAllTargets(embedding.get(), positions, 1, ends.back() + 2) ==
            DenseRows(embedding.get(), id_dtype, ids(lengths, 2), 1,
                      ends.back() + 2));
    }
  }
}

TEST_CASE("axes: without data all have the offset and the token's index") {
  const Embedding embedding = MakeThree();
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.kind = ROTARY_POSITION_STARTS;
  positions.offset = 41;
  std::vector<double> ids;
  for (int64_t n = 0; n < kAxes * 2 * 5; ++n) {
    ids.push_back(static_cast<double>(41 + n % 5));
  }
  CHECK(RowsOnAllTargets(embedding.get(), positions, 2, 5) ==
        DenseRows(embedding.get(), ROTARY_I32, ids, 2, 5));
}

TEST_CASE("axes: one position for all of them is that of one axis") {
  // Frequencies are those of one axis in all these layouts.
  Random random(3);
  const Embedding one = MakeEmbedding(60);
  for (const rotary_dtype dtype : PositionDtypes()) {
    CAPTURE(dtype);
    const std::vector<double> positions =
        RandomPositionsOf(&random, dtype, 12, 6);
    const PositionData data(dtype, positions);
    rotary_positions ids = PositionsOf(data);
    const RowValues expected = RowsOnAllTargets(one.get(), ids, 2, 6);
    ids.axis_stride = 0;
    CHECK(RowsOnAllTargets(MakeThree().get(), ids, 2, 6) == expected);
    const Embedding interleaved =
        AxesCase(ROTARY_AXES_INTERLEAVED, 60, {12, 9, 9}).Make();
    CHECK(RowsOnAllTargets(interleaved.get(), ids, 2, 6) == expected);
    // A struct of a version before there were axes says the same.
    for (const size_t old_size : {size_t{48}, size_t{72}}) {
      CAPTURE(old_size);
      rotary_positions old;
      rotary_positions_init(&old, old_size);
      // What lies behind it is not read.
      old.axis_stride = -77;
      old.data = ids.data;
      old.dtype = ids.dtype;
      CHECK(RowsOnAllTargets(interleaved.get(), old, 2, 6) == expected);
    }
    // Of one axis the stride is not used.
    ids.axis_stride = INT64_MAX;
    CHECK(RowsOnAllTargets(one.get(), ids, 2, 6) == expected);
    const Embedding single = AxesCase(ROTARY_AXES_SECTIONS, 60, {30}).Make();
    CHECK(RowsOnAllTargets(single.get(), ids, 2, 6) == expected);
  }
}

TEST_CASE("axes: a sentinel on any one of them") {
  const Embedding embedding = MakeThree();
  for (const rotary_dtype dtype : PositionDtypes()) {
    for (int64_t axis = 0; axis < kAxes; ++axis) {
      CAPTURE(dtype);
      CAPTURE(axis);
      std::vector<double> positions;
      for (int n = 0; n < kAxes * 4; ++n) positions.push_back(100 + n);
      positions[static_cast<size_t>(axis * 4 + 2)] = kNone;
      const PositionData data(dtype, positions);
      const rotary_positions ids = PositionsOf(data);
      const RowValues values = RowsOnAllTargets(embedding.get(), ids, 1, 4);
      const std::vector<float> one(30, 1.0f);
      const std::vector<float> zero(30, 0.0f);
      for (int64_t t = 0; t < 4; ++t) {
        CHECK_EQ(t == 2, std::equal(one.begin(), one.end(), values.Cos(t)));
        CHECK_EQ(t == 2, std::equal(zero.begin(), zero.end(), values.Sin(t)));
      }
      // Nor are the tensor's elements changed.
      const Shape shape{1, 4, 2, 70};
      StridedTensor input(shape, StridesOf(shape));
      const StridedTensor output(shape, StridesOf(shape));
      input.FillRandom(6);
      const std::vector<rotary_tensor> tensors = {
          OutOfPlace(input.view(), output.view(), ROTARY_INTERLEAVED, 4)};
      rotary_apply_args args = MakeApplyArgs(1, 4, tensors);
      args.embedding = embedding.get();
      args.positions = &ids;
      ApplyOk(args);
      for (int64_t t = 0; t < 4; ++t) {
        CHECK_EQ(t == 2, SameValues(input.view().Tokens(t, 1),
                                    output.view().Tokens(t, 1)));
      }
    }
  }
}

}  // namespace rotary_test
