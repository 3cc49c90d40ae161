// How the calls of apply_case.h are drawn.
#include "tests/fuzz/apply_case.h"

#include <algorithm>
#include <cstddef>

namespace rotary_test {

ApplyCase& SharedApplyCase() {
  static ApplyCase shared;
  return shared;
}

void ApplyCase::Draw(Input* input, Arena* arena) {
  rotary_apply_args_init(&args_, sizeof(args_));
  model_ = &DrawModel(input);
  rotary_dim_ = model_->rotary_dim;
  const bool many = input->Once(32);
  args_.batch = input->Once(3) ? input->Integer(0, 3) : 1;
  args_.tokens =
      many ? DrawnPositions::kMaxTokens / std::max<int64_t>(args_.batch, 1)
           : input->Integer(0, 5);
  args_.transpose = input->Once(4) ? 1 : 0;
  args_.num_threads = 1;
  DrawSource(input, arena);
  DrawTensors(input, arena);
  FindOutputs();
  // What an older version knew of is enough for many.
  const bool is_old = args_.cos_sin == nullptr && args_.row_head_stride == 0 &&
                      args_.log_n_length == 0;
  if (is_old && input->Once(16)) {
    args_.struct_size = offsetof(rotary_apply_args, cos_sin);
  }
}

void ApplyCase::DrawSource(Input* input, Arena* arena) {
  switch (input->Integer(0, 3)) {
    case 0:
      source_ = Source::kRows;
      DrawRows(input);
      break;
    case 1:
      source_ = Source::kCosSin;
      DrawCosSin(input, arena);
      break;
    default:
      source_ = Source::kEmbedding;
      args_.embedding = model_->embedding.get();
      args_.positions = &positions_.positions();
      args_.mode = input->Once(2) ? ROTARY_FORWARD : input->Integer32(0, 2);
      max_heads_ = model_->heads == 1 ? 4 : model_->heads;
      if (input->Once(16)) args_.log_n_length = 100;
      const double low = input->Flag() ? 0 : -model_->reach;
      positions_.Draw(input, arena, args_.batch, args_.tokens, model_->axes,
                      low, model_->reach, input->Once(6));
      break;
  }
}

// Kept rows, of which each head has one or all share one.
void ApplyCase::DrawRows(Input* input) {
  args_.rows = model_->rows.get();
  const int64_t count = Model::kTokens * model_->heads;
  args_.row_head_stride = model_->heads == 1 && !input->Once(8) ? 0 : 1;
  max_heads_ =
      args_.row_head_stride == 0 ? 4 : std::max<int64_t>(model_->heads, 2);
  args_.first_row = input->Integer(0, 3);
  args_.row_token_stride = input->Integer(0, 1) * model_->heads;
  args_.row_batch_stride = args_.tokens * args_.row_token_stride;
  if (input->Once(4)) args_.row_batch_stride = input->Integer(0, 2);
  if (input->Once(8)) {
    args_.first_row = count - 1;
    args_.row_token_stride = -1;
    args_.row_batch_stride = -args_.tokens;
    args_.row_head_stride = -args_.row_head_stride;
  }
}

void ApplyCase::DrawCosSin(Input* input, Arena* arena) {
  constexpr int64_t kRows = 20;
  rotary_cos_sin_init(&cos_sin_, sizeof(cos_sin_));
  args_.cos_sin = &cos_sin_;
  cos_sin_.rotary_dim = rotary_dim_;
  cos_sin_.dtype = input->Of(kTensorDtypes);
  cos_sin_.width = input->Integer32(1, 3);
  const bool by_position = input->Flag();
  const bool by_head = input->Once(4);
  max_heads_ = by_head ? 2 : 4;
  const int64_t pairs = rotary_dim_ / 2;
  const int64_t width =
      cos_sin_.width == ROTARY_WIDTH_PAIRS ? pairs : rotary_dim_;
  cos_sin_.element_stride = input->Once(4) ? 2 : 1;
  const int64_t head = width * cos_sin_.element_stride;
  cos_sin_.head_stride = by_head ? head : 0;
  cos_sin_.row_stride = head * (by_head ? 2 : 1) + input->Integer(0, 2);
  const int64_t rows =
      by_position ? kRows : std::max<int64_t>(args_.batch * args_.tokens, 1);
  cos_sin_.rows = by_position ? rows : input->Integer(0, 3);
  cos_sin_.batch_stride =
      input->Once(4) ? 0 : args_.tokens * cos_sin_.row_stride;
  if (by_position) {
    args_.positions = &positions_.positions();
    positions_.Draw(input, arena, args_.batch, args_.tokens, 1, 0, kRows - 1,
                    false);
  }
  // Both values of a pair from one number, any.
  const size_t element = ElementBytes(cos_sin_.dtype);
  const auto elements = static_cast<size_t>(rows * cos_sin_.row_stride);
  for (const void** const values : {&cos_sin_.cos, &cos_sin_.sin}) {
    uint8_t* const memory =
        arena->Take(elements * element,
                    element * static_cast<size_t>(input->Integer(0, 3)));
    Fill(input, cos_sin_.dtype, memory, elements * element);
    *values = memory;
    if (cos_sin_.width == ROTARY_WIDTH_PAIRS) continue;
    const bool halves = cos_sin_.width == ROTARY_WIDTH_HALVES;
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t h = 0; h < (by_head ? 2 : 1); ++h) {
        for (int64_t i = 0; i < pairs; ++i) {
          const int64_t at = row * cos_sin_.row_stride + h * head;
          const int64_t from =
              at + (halves ? i : 2 * i) * cos_sin_.element_stride;
          const int64_t to =
              at + (halves ? i + pairs : 2 * i + 1) * cos_sin_.element_stride;
          StoreBits(cos_sin_.dtype, memory, to,
                    LoadBits(cos_sin_.dtype, memory, from));
        }
      }
    }
  }
}

void ApplyCase::DrawTensors(Input* input, Arena* arena) {
  args_.tensors = tensors_;
  args_.num_tensors = input->Once(16) ? 0 : input->Integer(1, kFewTensors);
  const bool many = args_.num_tensors == 0 && input->Flag();
  int64_t head_dim = rotary_dim_;
  if (input->Flag()) head_dim += input->Integer(0, input->Once(16) ? 130 : 9);
  // As much as the arena has room for.
  const int64_t most = std::max<int64_t>(
      2560 / std::max<int64_t>(head_dim * args_.batch * args_.tokens, 1), 1);
  if (many && most > 2) args_.num_tensors = input->Integer(8, kMaxTensors);
  const auto heads = [&] {
    return std::min(input->Integer(input->Once(8) ? 0 : 1, max_heads_), most);
  };
  // Queries, keys and values of one projection.
  const bool packed = args_.num_tensors > 1 && input->Once(4);
  if (packed) {
    int64_t counts[kMaxTensors];
    int64_t all = 0;
    for (int64_t i = 0; i < args_.num_tensors; ++i) all += counts[i] = heads();
    const Shape shape = {args_.batch, args_.tokens, all, head_dim};
    const View view = TakeTensor(input, arena, input->Of(kTensorDtypes), shape,
                                 DrawStrides(input, shape, false));
    for (int64_t i = 0, first = 0; i < args_.num_tensors; ++i) {
      drawn_[i].Place(input, view.Heads(first, counts[i]), rotary_dim_);
      first += counts[i];
    }
  } else {
    for (int64_t i = 0; i < args_.num_tensors; ++i) {
      drawn_[i].Draw(input, arena,
                     {args_.batch, args_.tokens, heads(), head_dim},
                     rotary_dim_);
    }
  }
  for (int64_t i = 0; i < args_.num_tensors; ++i) {
    tensors_[i] = drawn_[i].tensor;
  }
}

// What is in no sequence is not written.
void ApplyCase::FindOutputs() {
  outputs_.Clear();
  for (int64_t i = 0; i < args_.num_tensors; ++i) {
    const View& view = drawn_[i].output;
    if (args_.positions == nullptr ||
        args_.positions->kind != ROTARY_POSITION_PACKED) {
      outputs_.Add(WrittenOf(view));
      continue;
    }
    for (int64_t t = 0, end = 0; t < args_.tokens; t = end + 1) {
      while (t < args_.tokens && IsPadding(t)) ++t;
      for (end = t; end < args_.tokens && !IsPadding(end);) ++end;
      if (end > t) outputs_.Add(WrittenOf(view.Tokens(t, end - t)));
    }
  }
}

}  // namespace rotary_test
