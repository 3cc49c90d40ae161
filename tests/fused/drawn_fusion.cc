#include "tests/fused/drawn_fusion.h"

#include <cmath>
#include <cstddef>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

// Weights of a dtype, `count` of them around `middle`, and their values.
void DrawWeights(rotary_dtype dtype, int64_t count, double middle,
                 Random* random, std::vector<uint32_t>* memory,
                 std::vector<double>* values) {
  memory->assign(static_cast<size_t>(count), 0);
  values->clear();
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits =
        Nearest(dtype, middle + static_cast<double>(random->Float()) / 16.0);
    StoreBits(dtype, memory->data(), i, bits);
    values->push_back(ValueOf(dtype, bits));
  }
}

}  // namespace

void DrawRows(Random* random, FusedRows* rows) {
  rows->batch = random->Integer(1, 3);
  rows->tokens = random->Integer(0, 3) == 0 ? random->Integer(60, 140)
                                            : random->Integer(1, 9);
  const std::vector<int64_t> dims = {2, 6, 16, 32, 64, 80, 128};
  rows->rotary_dim = random->Choose(dims);
  for (int64_t i = 0; i < rows->batch * rows->tokens; ++i) {
    rows->ids.push_back(random->Integer(0, 9) == 0
                            ? INT64_MIN
                            : random->Integer(-1000000, 200000000));
  }
  rows->embedding = MakeEmbedding(rows->rotary_dim);
  rows->positions = MakePositions(rows->ids);
  rows->positions.batch_stride = rows->tokens;
  rows->rows = MakeRows(rows->embedding.get(), rows->ids);
  rows->values = ReadRows(rows->rows.get());
}

DrawnFusion::DrawnFusion(const FusedRows& shared, Random* random)
    : shared_(shared), shape_(), fusion_(), norm_() {
  rotary_fusion_init(&fusion_, sizeof(fusion_));
  fusion_.rotates = random->Integer(0, 3) == 0 ? 0 : 1;
  if (random->Integer(0, 3) == 0) {
    fusion_.first_token = random->Integer(0, shared.tokens);
    fusion_.num_tokens =
        random->Integer(0, shared.tokens - fusion_.first_token);
  } else {
    fusion_.num_tokens = shared.tokens;
  }
  const int64_t rotary_dim = fusion_.rotates == 1 ? shared.rotary_dim : 1;
  const std::vector<int64_t> dims = {1, 16, 24, 32, 64, 96, 128, 192, 256};
  int64_t head_dim = random->Choose(dims);
  // Much of one thing at a time.
  const bool few_tokens = shared.batch * shared.tokens < 12;
  const bool wide = few_tokens && random->Integer(0, 20) == 0;
  if (wide) head_dim = 2048;
  if (head_dim < rotary_dim) head_dim = rotary_dim + random->Integer(0, 3);
  const bool many = few_tokens && !wide && random->Integer(0, 5) == 0;
  const int64_t heads =
      many ? random->Integer(20, 70) : random->Integer(1, few_tokens ? 6 : 2);
  shape_ = {shared.batch, fusion_.num_tokens, heads, head_dim};
}

void DrawnFusion::DrawNorm(Random* random) {
  if (random->Integer(0, 2) == 0) return;
  rotary_norm_init(&norm_, sizeof(norm_));
  norm_.kind = random->Integer(0, 2) == 0 ? ROTARY_NORM_LAYER : ROTARY_NORM_RMS;
  norm_.all_heads = random->Integer(0, 3) == 0 ? 1 : 0;
  norm_.after_rotation = random->Integer(0, 2) == 0 ? 1 : 0;
  norm_.epsilon = std::ldexp(1.0, static_cast<int>(random->Integer(-20, 0)));
  norm_.weight_dtype = random->Choose(Dtypes());
  const int64_t count =
      shape_.head_dim * (norm_.all_heads == 1 ? shape_.heads : 1);
  if (random->Integer(0, 4) != 0) {
    norm_.weight_plus_one = random->Integer(0, 2) == 0 ? 1 : 0;
    DrawWeights(norm_.weight_dtype, count, 1.0, random, &weight_,
                &weight_values_);
    norm_.weight = weight_.data();
  }
  if (norm_.kind == ROTARY_NORM_LAYER && random->Integer(0, 1) == 0) {
    DrawWeights(norm_.weight_dtype, count, 0.0, random, &bias_, &bias_values_);
    norm_.bias = bias_.data();
  }
  fusion_.norm = &norm_;
}

void DrawnFusion::DrawScales(Random* random) {
  if (random->Integer(0, 2) == 0) {
    fusion_.scale = 1.0 / std::sqrt(static_cast<double>(shape_.head_dim));
  }
  if (random->Integer(0, 3) == 0) {
    for (int64_t i = 0; i < shared_.batch * shared_.tokens; ++i) {
      token_scales_.push_back(1.0f + std::fabs(random->Float()));
    }
    fusion_.token_scales = token_scales_.data();
  }
  int64_t columns = 64;
  while (random->Integer(0, 2) == 0 && shape_.head_dim % (2 * columns) == 0) {
    columns *= 2;
  }
  if (random->Integer(0, 2) == 0 && shape_.head_dim % columns == 0) {
    fusion_.hadamard = static_cast<int32_t>(columns);
  }
}

Strides DrawnFusion::DrawStrides(Random* random) const {
  const std::vector<Order> orders = {Order::kBshd, Order::kBhsd, Order::kSbhd};
  const Order order = random->Choose(orders);
  const int64_t head_gap = random->Integer(0, 3);
  const int64_t token_gap = random->Integer(0, 3);
  return StridesOf(shape_, order, head_gap, token_gap, random->Integer(0, 3));
}

FusedSteps DrawnFusion::Steps(int64_t b, int64_t t, int64_t rotary_offset,
                              rotary_pairing from, rotary_pairing to) const {
  const int64_t row = Row(b, t);
  FusedSteps steps;
  steps.heads = shape_.heads;
  steps.head_dim = shape_.head_dim;
  if (rotates()) {
    steps.rotary_offset = rotary_offset;
    steps.rotary_dim = shared_.rotary_dim;
    steps.from = from;
    steps.to = to;
    if (shared_.ids[static_cast<size_t>(row)] != INT64_MIN) {
      steps.cos = shared_.values.Cos(row);
      steps.sin = shared_.values.Sin(row);
    }
  }
  if (fusion_.norm != nullptr) {
    steps.norm = norm_.kind;
    steps.all_heads = norm_.all_heads == 1;
    steps.norm_after = norm_.after_rotation == 1;
    steps.epsilon = norm_.epsilon;
    steps.weight = weight_values_;
    steps.weight_added = norm_.weight_plus_one;
    steps.bias = bias_values_;
  }
  steps.scale = fusion_.scale;
  steps.scales = fusion_.scale != 1.0 || !token_scales_.empty();
  if (!token_scales_.empty()) {
    steps.token_scale =
        static_cast<double>(token_scales_[static_cast<size_t>(row)]);
  }
  steps.hadamard = fusion_.hadamard;
  return steps;
}

std::string DrawnFusion::Describe() const {
  std::string text = "heads " + std::to_string(shape_.heads) + " of " +
                     std::to_string(shape_.head_dim) + ", rotates " +
                     std::to_string(fusion_.rotates) + ", hadamard " +
                     std::to_string(fusion_.hadamard) + ", scale " +
                     std::to_string(fusion_.scale);
  if (fusion_.norm != nullptr) {
    text += ", norm " + std::to_string(norm_.kind) + " all " +
            std::to_string(norm_.all_heads) + " after " +
            std::to_string(norm_.after_rotation);
  }
  return text;
}

}  // namespace rotary_test
