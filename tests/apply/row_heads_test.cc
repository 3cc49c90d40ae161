// Heads that have rows of their own: row_head_stride of rows, and head_stride
// of a caller's own cos and sin.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/apply/call_check.h"
#include "tests/apply/own_cos_sin.h"
#include "tests/apply/own_positions.h"
#include "tests/config/valid_call.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

struct Size {
  int64_t batch, tokens, heads;
};

// From one sequence, token and head to the next, and the lowest and highest
// that they reach from the first.
struct ThreeStrides {
  int64_t batch, token, head;
  int64_t low, high;
};

// The dimensions in any order and direction, some shared, in steps of `unit`.
ThreeStrides DrawStrides(Random* random, const Size& size, int64_t unit) {
  ThreeStrides strides{};
  struct Dim {
    int64_t* stride;
    int64_t size;
  };
  std::vector<Dim> dims = {{&strides.batch, size.batch},
                           {&strides.token, size.tokens},
                           {&strides.head, size.heads}};
  random->Shuffle(&dims);
  int64_t step = unit + random->Integer(0, 1);
  for (const Dim& dim : dims) {
    *dim.stride = random->Choose<int64_t>({step, step, step, -step, 0});
    step *= dim.size;
    const int64_t reach = (dim.size - 1) * *dim.stride;
    (reach < 0 ? strides.low : strides.high) += reach;
  }
  // They are to differ by head.
  if (strides.head == 0) {
    strides.head = step;
    strides.high += (size.heads - 1) * step;
  }
  return strides;
}

// Rows at any positions, some of them at none.
struct AnyRows {
  AnyRows(int64_t rotary_dim, int64_t count)
      : embedding(MakeEmbedding(rotary_dim, 10000, 1.138629436)),
        ids(RandomPositions(count, 3)) {
    for (size_t i = 2; i < ids.size(); i += 7) ids[i] = ROTARY_NO_POSITION_I64;
    rows = MakeRows(embedding.get(), ids);
    values = ReadRows(rows.get());
  }

  HeadRows Of(const Size& size, const rotary_apply_args& args) const {
    HeadRows by(2 * values.pairs, size.batch, size.tokens, size.heads);
    auto cos = by.cos.begin();
    auto sin = by.sin.begin();
    auto position = by.positions.begin();
    for (int64_t b = 0; b < size.batch; ++b) {
      for (int64_t t = 0; t < size.tokens; ++t) {
        for (int64_t h = 0; h < size.heads; ++h) {
          const int64_t row = args.first_row + b * args.row_batch_stride +
                              t * args.row_token_stride +
                              h * args.row_head_stride;
          cos = std::copy_n(values.Cos(row), values.pairs, cos);
          sin = std::copy_n(values.Sin(row), values.pairs, sin);
          *position++ = ids[static_cast<size_t>(row)];
        }
      }
    }
    return by;
  }

  Embedding embedding;
  std::vector<int64_t> ids;
  Rows rows;
  RowValues values;
};

// Each head of each tensor by itself, by the row that it should have.
void CheckEachAlone(const CallTensors& tensors, const rotary_apply_args& args) {
  tensors.Reset();
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    for (int64_t h = 0; h < args.tensors[i].heads; ++h) {
      rotary_tensor head = args.tensors[i];
      head.heads = 1;
      head.input = static_cast<const char*>(head.input) +
                   h * head.input_head_stride *
                       static_cast<int64_t>(ElementBytes(head.input_dtype));
      head.output = static_cast<char*>(head.output) +
                    h * head.output_head_stride *
                        static_cast<int64_t>(ElementBytes(head.output_dtype));
      rotary_apply_args alone = args;
      alone.tensors = &head;
      alone.num_tensors = 1;
      alone.first_row += h * args.row_head_stride;
      alone.row_head_stride = 0;
      ApplyOk(alone);
    }
  }
  CHECK(tensors.AsKept());
}

void CheckRows(Random* random, int64_t rotary_dim, const Size& size,
               const std::vector<int64_t>& slices) {
  CAPTURE(rotary_dim);
  CAPTURE(size.batch);
  CAPTURE(size.tokens);
  CAPTURE(size.heads);
  const ThreeStrides strides = DrawStrides(random, size, 1);
  CAPTURE(strides.batch);
  CAPTURE(strides.token);
  CAPTURE(strides.head);
  // Sometimes the first and the last row are reached.
  const int64_t before = random->Integer(0, 2);
  const AnyRows rows(rotary_dim, before - strides.low + strides.high + 1);
  CallTensors tensors(size.batch, size.tokens,
                      DrawKinds(random, size.heads, rotary_dim),
                      random->Bits());
  rotary_apply_args args = tensors.Args();
  args.rows = rows.rows.get();
  args.first_row = before - strides.low;
  args.row_batch_stride = strides.batch;
  args.row_token_stride = strides.token;
  args.row_head_stride = strides.head;
  args.transpose = random->Integer(0, 3) == 0 ? 1 : 0;
  CheckCall(&tensors, rows.Of(size, args), args);
  CheckThreads(tensors, args);
  CheckSlices(tensors, args, slices);
  CheckEachAlone(tensors, args);
}

void CheckCosSin(Random* random, rotary_dtype dtype, rotary_width width,
                 int64_t rotary_dim, Size size,
                 const std::vector<int64_t>& slices) {
  const int64_t kind = random->Integer(-2, 2);
  const bool by_position = kind >= 0;
  if (kind == ROTARY_POSITION_PACKED) size.batch = 1;
  CosSinLayout layout{dtype,
                      width,
                      rotary_dim,
                      by_position ? 1 : size.batch,
                      by_position ? size.tokens + 2 : size.tokens,
                      size.heads};
  layout.element_stride = random->Choose<int64_t>({1, 1, 2, -1});
  const ThreeStrides strides =
      DrawStrides(random, {layout.batch, layout.rows, layout.heads},
                  layout.elements() * (layout.element_stride == 2 ? 2 : 1));
  layout.batch_stride = strides.batch;
  layout.row_stride = strides.token;
  layout.head_stride = strides.head;
  CAPTURE(Describe(layout));
  const OwnCosSin own(layout, random->Bits());
  const rotary_cos_sin cos_sin = own.Struct();
  const OwnPositions positions(
      random, by_position ? static_cast<rotary_positions_kind>(kind) : 0,
      random->Choose<rotary_dtype>({ROTARY_I32, ROTARY_U64}), size.batch,
      size.tokens, size.tokens + 2);
  CallTensors tensors(size.batch, size.tokens,
                      DrawKinds(random, size.heads, rotary_dim),
                      random->Bits());
  rotary_apply_args args = tensors.Args();
  args.cos_sin = &cos_sin;
  if (by_position) args.positions = &positions.positions;
  CheckCall(
      &tensors,
      own.Rows(size.batch, size.tokens, by_position ? &positions : nullptr),
      args);
  CheckThreads(tensors, args);
  CheckSlices(tensors, args, slices);
}

const std::vector<Size> kSizes = {{1, 1, 1}, {1, 1, 7},  {2, 3, 4},
                                  {3, 1, 5}, {1, 70, 2}, {2, 5, 3}};

}  // namespace

TEST_CASE("row_heads: rows of any strides") {
  Random random(1);
  for (const int64_t dim : {2, 20, 38, 64}) {
    for (const Size& size : kSizes) {
      for (int repeat = 0; repeat < Effort(4, 40); ++repeat) {
        CheckRows(&random, dim, size, {1, 3, 7, 100});
      }
    }
  }
}

TEST_CASE("row_heads: wide heads") {
  Random random(2);
  for (const int64_t dim : {2048, 4096}) {
    CheckRows(&random, dim, {1, 2, 3}, {4});
    for (const rotary_dtype dtype : Dtypes()) {
      for (const rotary_width width :
           {ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS}) {
        CheckCosSin(&random, dtype, width, dim, {1, 2, 2}, {3});
      }
    }
  }
}

TEST_CASE("row_heads: a caller's own cos and sin of any strides") {
  Random random(3);
  for (const int64_t dim : {6, 38}) {
    for (const Size& size : kSizes) {
      for (const rotary_dtype dtype : Dtypes()) {
        for (const rotary_width width :
             {ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES,
              ROTARY_WIDTH_NEIGHBORS}) {
          for (int repeat = 0; repeat < Effort(1, 10); ++repeat) {
            CheckCosSin(&random, dtype, width, dim, size, {1, 4, 9});
          }
        }
      }
    }
  }
}

TEST_CASE("row_heads: more heads than rows are refused") {
  ValidCall call;
  call.UseRows();
  call.args.row_head_stride = 1;
  CheckApplyRefused(call, {"first_row", 0});
  call.args.row_batch_stride = 2;
  CheckApplyAccepted(call);
}

}  // namespace rotary_test
