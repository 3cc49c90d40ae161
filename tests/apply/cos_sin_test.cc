// Rotation by a caller's own cos and sin: every dtype, width and layout of
// them, by token and by position, against the formula; and what they must have
// in common with rows of the same values.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "tests/apply/call_check.h"
#include "tests/apply/own_cos_sin.h"
#include "tests/apply/own_positions.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

const std::vector<rotary_width> kWidths = {
    ROTARY_WIDTH_PAIRS, ROTARY_WIDTH_HALVES, ROTARY_WIDTH_NEIGHBORS};
const std::vector<rotary_dtype> kPositionDtypes = {ROTARY_I32, ROTARY_U32,
                                                   ROTARY_I64, ROTARY_U64};

// How a row lies: its elements so far apart; cos and sin in turns, as complex
// numbers; cos behind sin in one row, as vLLM has them.
enum class RowKind { kDense, kReversed, kThirds, kOneValue, kComplex, kOneRow };
const std::vector<RowKind> kRowKinds = {RowKind::kDense,   RowKind::kReversed,
                                        RowKind::kThirds,  RowKind::kOneValue,
                                        RowKind::kComplex, RowKind::kOneRow};

// Sets element_stride and sin_at; returns the elements that a row spans.
int64_t LayRow(RowKind kind, CosSinLayout* layout) {
  const int64_t elements = layout->elements();
  switch (kind) {
    case RowKind::kDense:
      return elements;
    case RowKind::kReversed:
      layout->element_stride = -1;
      return elements;
    case RowKind::kThirds:
      layout->element_stride = 3;
      return 3 * elements;
    case RowKind::kOneValue:
      layout->element_stride = 0;
      return 1;
    case RowKind::kComplex:
      layout->element_stride = 2;
      layout->sin_at = 1;
      return 2 * elements;
    default:
      layout->sin_at = elements;
      return 2 * elements;
  }
}

CosSinLayout Draw(Random* random, rotary_dtype dtype, rotary_width width,
                  int64_t rotary_dim, RowKind kind, int64_t batch,
                  int64_t rows) {
  CosSinLayout layout{dtype, width, rotary_dim, batch, rows};
  const int64_t span = LayRow(kind, &layout);
  layout.row_stride = random->Choose<int64_t>(
      {span, span, span + 1, span + 7, -span, -span - 1, 0});
  const int64_t row = std::max(std::abs(layout.row_stride), span);
  layout.batch_stride = random->Choose<int64_t>(
      {rows * layout.row_stride, 0, rows * row + 5, -rows * row - 1});
  if (random->Integer(0, 4) == 0) {
    // Sequence first.
    layout.batch_stride = span + 1;
    layout.row_stride = batch * (span + 1);
  }
  return layout;
}

TensorKind DrawTensor(Random* random, int64_t rotary_dim, int64_t heads) {
  static const std::vector<Formats> all = AllFormats();
  TensorKind kind{random->Choose(all), false, heads, 0};
  kind.rotary_offset = random->Choose<int64_t>({0, 0, 1, 5});
  kind.head_dim =
      kind.rotary_offset + rotary_dim + random->Choose<int64_t>({0, 0, 1, 9});
  kind.gap = random->Choose<int64_t>({0, 0, 1, 16});
  // Wider heads do not change their pairing in place.
  const bool can_be = kind.formats.same_size() &&
                      (kind.formats.same_pairing() || kind.head_dim <= 4096);
  kind.in_place = can_be && random->Integer(0, 1) == 0;
  return kind;
}

// One call, with positions or without.
void CheckDrawn(Random* random, rotary_dtype dtype, rotary_width width,
                RowKind row_kind, int64_t rotary_dim, int64_t batch,
                int64_t tokens, int64_t heads) {
  const int64_t scheme = random->Integer(-3, 2);
  const bool by_position = scheme >= 0;
  if (scheme == ROTARY_POSITION_PACKED) batch = 1;
  const int64_t rows = by_position ? tokens + 3 : tokens;
  const CosSinLayout layout = Draw(random, dtype, width, rotary_dim, row_kind,
                                   by_position ? 1 : batch, rows);
  const OwnCosSin own(layout, random->Bits());
  const rotary_cos_sin cos_sin = own.Struct();
  CallTensors tensors(batch, tokens, {DrawTensor(random, rotary_dim, heads)},
                      random->Bits());
  const OwnPositions positions(
      random, by_position ? static_cast<rotary_positions_kind>(scheme) : 0,
      random->Choose(kPositionDtypes), batch, tokens, tokens + 3);
  rotary_apply_args args = tensors.Args();
  args.cos_sin = &cos_sin;
  if (by_position) args.positions = &positions.positions;
  args.transpose = random->Integer(0, 3) == 0 ? 1 : 0;
  args.num_threads = 1;
  CAPTURE(Describe(layout));
  CAPTURE(scheme);
  CAPTURE(batch);
  CheckCall(&tensors,
            own.Rows(batch, tokens, by_position ? &positions : nullptr), args);
}

// The bits of rows, as cos and sin of f32.
OwnCosSin Exported(const rotary_rows* rows, rotary_width width, int64_t batch,
                   int64_t count) {
  OwnCosSin own(DenseLayout(ROTARY_F32, width, rotary_rows_rotary_dim(rows),
                            batch, count),
                1);
  const rotary_cos_sin to = own.Struct();
  rotary_error error;
  RequireOk(
      rotary_rows_export(rows, 0, batch * count, ROTARY_F32, width,
                         const_cast<void*>(to.cos), const_cast<void*>(to.sin),
                         ROTARY_DENSE, ROTARY_DENSE, &error),
      error);
  return own;
}

}  // namespace

TEST_CASE("cos_sin: every dtype, width and layout, at every rotary_dim") {
  std::vector<int64_t> dims = {128, 130};
  for (int64_t dim = 2; dim <= 70; dim += 2) dims.push_back(dim);
  Random random(1);
  for (const int64_t dim : dims) {
    for (const rotary_dtype dtype : Dtypes()) {
      for (const rotary_width width : kWidths) {
        for (const RowKind kind : kRowKinds) {
          for (int repeat = 0; repeat < Effort(1, 8); ++repeat) {
            CheckDrawn(&random, dtype, width, kind, dim, 2, 3, 2);
          }
        }
      }
    }
  }
}

TEST_CASE("cos_sin: heads of more pairs than fit on the stack") {
  // 1152 pairs are gathered at a time.
  Random random(2);
  for (const int64_t dim : {2048, 2302, 2304, 2306, 4096, 4610, 8192}) {
    for (const rotary_dtype dtype : Dtypes()) {
      for (const rotary_width width : kWidths) {
        for (const RowKind kind : Effort<std::vector<RowKind>>(
                 {random.Choose(kRowKinds)}, kRowKinds)) {
          CheckDrawn(&random, dtype, width, kind, dim, 1, 2, 2);
        }
      }
    }
  }
}

TEST_CASE("cos_sin: runs of tokens around those that go together") {
  Random random(3);
  for (const int64_t tokens : {1, 63, 64, 65, 128, 129, 200}) {
    for (const rotary_dtype dtype : Dtypes()) {
      for (const rotary_width width : kWidths) {
        for (const int64_t dim : {6, 100}) {
          CheckDrawn(&random, dtype, width, random.Choose(kRowKinds), dim, 2,
                     tokens, 1);
        }
      }
    }
  }
}

TEST_CASE("cos_sin: sequences of one token") {
  Random random(4);
  for (int repeat = 0; repeat < 60; ++repeat) {
    CheckDrawn(&random, random.Choose(Dtypes()), random.Choose(kWidths),
               random.Choose(kRowKinds), 20, random.Choose<int64_t>({2, 3, 70}),
               1, 2);
  }
}

TEST_CASE("cos_sin: every element of 16 bits is widened exactly") {
  for (const rotary_dtype dtype : {ROTARY_F16, ROTARY_BF16}) {
    for (const int64_t stride : {1, 2, 3}) {
      // As cos in one row and as sin in the other; NaN equals NaN.
      CosSinLayout layout = DenseLayout(dtype, ROTARY_WIDTH_PAIRS, 65536, 1, 4);
      layout.element_stride = stride;
      layout.row_stride = stride * layout.elements();
      OwnCosSin own(layout, 5);
      for (int64_t pair = 0; pair < 32768; ++pair) {
        const auto bits = static_cast<uint32_t>(pair);
        own.Set(false, 0, 0, 0, pair, bits);
        own.Set(true, 0, 1, 0, pair, bits);
        own.Set(false, 0, 2, 0, pair, 0x8000u | bits);
        own.Set(true, 0, 3, 0, pair, 0x8000u | bits);
      }
      const rotary_cos_sin cos_sin = own.Struct();
      CallTensors tensors(1, 4,
                          {{{ROTARY_F32, ROTARY_F32, ROTARY_HALF, ROTARY_HALF},
                            false,
                            1,
                            65536}});
      rotary_apply_args args = tensors.Args();
      args.cos_sin = &cos_sin;
      CheckCall(&tensors, own.Rows(1, 4), args);
    }
  }
}

TEST_CASE("cos_sin: the same bits as rows of the same values") {
  constexpr int64_t kCount = 40;
  for (const int64_t dim : {2, 30, 64, 128, 3074}) {
    const Embedding embedding = MakeEmbedding(dim, 500000, 1.138629436);
    std::vector<int64_t> all(kCount);
    for (int64_t i = 0; i < kCount; ++i) all[static_cast<size_t>(i)] = i;
    Random random(6);
    random.Shuffle(&all);
    const Rows rows = MakeRows(embedding.get(), all);
    std::vector<int64_t> ids = {39, ROTARY_NO_POSITION_I64, 0,  0,
                                17, ROTARY_NO_POSITION_I64, 38, 5};
    std::vector<int64_t> chosen;
    for (const int64_t id : ids) {
      chosen.push_back(
          id == ROTARY_NO_POSITION_I64 ? id : all[static_cast<size_t>(id)]);
    }
    const Rows rows_at_ids = MakeRows(embedding.get(), chosen);
    const rotary_positions positions = MakePositions(ids);
    const auto id_count = static_cast<int64_t>(ids.size());
    const std::vector<TensorKind> kinds = {Simple(ROTARY_HALF, 2, dim + 3),
                                           Simple(ROTARY_INTERLEAVED, 1, dim)};
    CallTensors by_token(2, kCount / 2, kinds);
    CallTensors by_id(1, id_count, kinds);
    for (const rotary_width width : kWidths) {
      const OwnCosSin cache = Exported(rows.get(), width, 1, kCount);
      const OwnCosSin halves = Exported(rows.get(), width, 2, kCount / 2);
      const rotary_cos_sin cos_sin = cache.Struct();
      const rotary_cos_sin two = halves.Struct();
      ForEachTarget([&](const char* target) {
        rotary_apply_args args = by_token.Args();
        args.target = target;
        args.rows = rows.get();
        by_token.Reset();
        ApplyOk(args);
        by_token.Keep();
        args.rows = nullptr;
        args.cos_sin = &two;
        by_token.Reset();
        ApplyOk(args);
        CHECK(by_token.AsKept());

        args = by_id.Args();
        args.target = target;
        args.rows = rows_at_ids.get();
        by_id.Reset();
        ApplyOk(args);
        by_id.Keep();
        args.rows = nullptr;
        args.cos_sin = &cos_sin;
        args.positions = &positions;
        by_id.Reset();
        ApplyOk(args);
        CHECK(by_id.AsKept());
      });
    }
  }
}

}  // namespace rotary_test
