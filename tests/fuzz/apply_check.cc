// What the calls of apply_case.h must give, by the reference of the tests.
#include <algorithm>
#include <cstring>

#include "tests/fuzz/apply_case.h"
#include "tests/fuzz/check.h"
#include "tests/support/reference.h"

namespace rotary_test {
namespace {

constexpr int64_t kMaxRows = DrawnPositions::kMaxTokens * 4;
constexpr int64_t kMaxPairs = 68;

// What the rows of a call are, row by row.
float row_cos[kMaxRows * kMaxPairs];
float row_sin[kMaxRows * kMaxPairs];
int64_t row_positions[kMaxRows];
alignas(64) uint64_t rows_memory[kMaxRows * 160 / 2];

View AsSealed(const Arena& arena, const View& view) {
  View before = view;
  before.data = const_cast<uint8_t*>(arena.Sealed(view.data));
  return before;
}

}  // namespace

// By rows that are set to what the positions mean, one for each.
FoundRows ApplyCase::FindOfEmbedding() const {
  const int64_t count = args_.batch * args_.tokens;
  const int64_t heads = model_->heads;
  static double reals[DrawnPositions::kMaxAxes * DrawnPositions::kMaxTokens];
  static int64_t ids[DrawnPositions::kMaxAxes * DrawnPositions::kMaxTokens];
  for (int64_t i = 0; i < count; ++i) {
    const bool has = !IsPadding(i) && positions_.HasPosition(i);
    for (int64_t axis = 0; axis < model_->axes; ++axis) {
      reals[axis * count + i] = has ? positions_.At(axis, i) : 0;
      ids[axis * count + i] = static_cast<int64_t>(reals[axis * count + i]);
    }
    for (int64_t h = 0; h < heads; ++h) {
      row_positions[i * heads + h] = has ? 0 : ROTARY_NO_POSITION_I64;
    }
  }
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = ids;
  positions.dtype = ROTARY_I64;
  if (positions_.is_real()) {
    positions.data = reals;
    positions.dtype = ROTARY_F64;
  }
  rotary_rows* rows = nullptr;
  Check(rotary_rows_init(rows_memory, sizeof(rows_memory), args_.embedding,
                         count * heads, &rows, nullptr) == ROTARY_OK,
        "rows cannot be made");
  rotary_rows_args args;
  rotary_rows_args_init(&args, sizeof(args));
  args.embedding = args_.embedding;
  args.positions = &positions;
  args.tokens = count;
  args.mode = args_.mode;
  args.num_threads = 1;
  args.log_n_length = args_.log_n_length;
  Check(rotary_rows_set(rows, &args, nullptr) == ROTARY_OK,
        "rows cannot be set to what a call takes");
  Check(rotary_rows_read(rows, 0, count * heads, row_cos, row_sin, ROTARY_DENSE,
                         nullptr) == ROTARY_OK,
        "rows cannot be read");
  return {row_cos, row_sin,           row_positions, 0, args_.tokens * heads,
          heads,   heads == 1 ? 0 : 1};
}

FoundRows ApplyCase::FindOfCosSin() const {
  const int64_t pairs = rotary_dim_ / 2;
  const int64_t heads = cos_sin_.head_stride == 0 ? 1 : max_heads_;
  const int64_t step = cos_sin_.width == ROTARY_WIDTH_NEIGHBORS
                           ? 2 * cos_sin_.element_stride
                           : cos_sin_.element_stride;
  for (int64_t i = 0; i < args_.batch * args_.tokens; ++i) {
    const bool by_position = args_.positions != nullptr;
    const bool has =
        !by_position || (!IsPadding(i) && positions_.HasPosition(i));
    int64_t base = i / args_.tokens * cos_sin_.batch_stride +
                   i % args_.tokens * cos_sin_.row_stride;
    if (by_position) {
      base =
          has ? static_cast<int64_t>(positions_.At(0, i)) * cos_sin_.row_stride
              : 0;
    }
    for (int64_t h = 0; h < heads; ++h) {
      const int64_t row = i * heads + h;
      row_positions[row] = has ? 0 : ROTARY_NO_POSITION_I64;
      for (int64_t pair = 0; pair < pairs; ++pair) {
        const int64_t at = base + h * cos_sin_.head_stride + pair * step;
        row_cos[row * pairs + pair] =
            Widened(cos_sin_.dtype, LoadBits(cos_sin_.dtype, cos_sin_.cos, at));
        row_sin[row * pairs + pair] =
            Widened(cos_sin_.dtype, LoadBits(cos_sin_.dtype, cos_sin_.sin, at));
      }
    }
  }
  return {row_cos, row_sin,           row_positions, 0, args_.tokens * heads,
          heads,   heads == 1 ? 0 : 1};
}

FoundRows ApplyCase::Find() const {
  switch (source_) {
    case Source::kEmbedding:
      return FindOfEmbedding();
    case Source::kCosSin:
      return FindOfCosSin();
    case Source::kRows:
      break;
  }
  for (size_t row = 0;
       row < Model::kTokens * static_cast<size_t>(model_->heads); ++row) {
    row_positions[row] = model_->ids[row / static_cast<size_t>(model_->heads)];
  }
  return {model_->values.cos.data(),
          model_->values.sin.data(),
          row_positions,
          args_.first_row,
          args_.row_batch_stride,
          args_.row_token_stride,
          args_.row_head_stride};
}

void ApplyCase::CheckResult(const Arena& arena) {
  if (args_.batch * args_.tokens == 0) return;
  const FoundRows rows = Find();
  for (int64_t i = 0; i < args_.num_tensors; ++i) {
    const DrawnTensor& drawn = drawn_[i];
    const View before = AsSealed(arena, drawn.input);
    TensorRotation by = {drawn.tensor.input_pairing,
                         drawn.tensor.rotary_offset,
                         rotary_dim_,
                         rows.cos,
                         rows.sin,
                         rows.batch_stride,
                         rows.token_stride,
                         args_.transpose == 1,
                         rows.first,
                         drawn.output_pairing(),
                         rows.positions};
    for (int64_t t = 0; t < args_.tokens; ++t) {
      if (IsPadding(t)) continue;
      for (int64_t h = 0; h < drawn.input.shape.heads; ++h) {
        by.first_row =
            rows.first + t * rows.token_stride + h * rows.head_stride;
        CheckEmpty(CompareRotated(before.Tokens(t, 1).Heads(h, 1),
                                  drawn.output.Tokens(t, 1).Heads(h, 1), by));
      }
    }
  }
}

}  // namespace rotary_test
