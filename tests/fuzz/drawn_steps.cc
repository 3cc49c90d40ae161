// Norms, scales and tokens of drawn_fused.h.
#include <algorithm>
#include <cmath>

#include "tests/fuzz/drawn_fused.h"
#include "tests/fuzz/drawn_tensor.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

std::vector<double> ValuesOf(const void* given, const View& view) {
  std::vector<double> values;
  if (given == nullptr) return values;
  for (int64_t h = 0; h < view.shape.heads; ++h) {
    for (int64_t e = 0; e < view.shape.head_dim; ++e) {
      values.push_back(ValueOf(view.dtype, view.Bits(0, 0, h, e)));
    }
  }
  return values;
}

}  // namespace

void DrawnNorm::Draw(Input* input, Arena* arena, int64_t heads,
                     int64_t head_dim) {
  rotary_norm_init(&norm, sizeof(norm));
  norm.kind = input->Once(3) ? ROTARY_NORM_LAYER : ROTARY_NORM_RMS;
  norm.all_heads = input->Once(4) ? 1 : 0;
  norm.after_rotation = input->Once(3) ? 1 : 0;
  norm.epsilon = std::ldexp(1.0, input->Integer32(-20, 0));
  norm.weight_dtype = input->Of(kTensorDtypes);
  const Shape shape = {1, 1, norm.all_heads == 1 ? heads : 1, head_dim};
  if (!input->Once(4)) {
    weight = TakeTensor(input, arena, norm.weight_dtype, shape,
                        StridesOf(shape), true);
    norm.weight = weight.data;
    norm.weight_plus_one = input->Once(3) ? 1 : 0;
  }
  if (norm.kind == ROTARY_NORM_LAYER && input->Flag()) {
    bias = TakeTensor(input, arena, norm.weight_dtype, shape, StridesOf(shape),
                      true);
    norm.bias = bias.data;
  }
}

void DrawnSteps::Draw(Input* input, Arena* arena, const SharedFused& shared,
                      bool may_be_partial) {
  rotary_fusion_init(&fusion, sizeof(fusion));
  fusion.rotates = input->Once(4) ? 0 : 1;
  int64_t tokens = shared.tokens;
  if (may_be_partial && input->Once(6)) {
    fusion.first_token = input->Integer(0, shared.tokens);
    tokens = input->Integer(0, shared.tokens - fusion.first_token);
    fusion.num_tokens = tokens;
  }
  constexpr int64_t kDims[] = {8, 16, 24, 32, 40, 64, 64, 128};
  int64_t head_dim = input->Of(kDims);
  if (fusion.rotates == 1) {
    head_dim = std::max(head_dim, shared.model->rotary_dim);
    if (input->Once(6)) head_dim += input->Integer(1, 3);
  }
  const int64_t most = shared.model->heads == 1 ? 3 : shared.model->heads;
  shape = {shared.batch, tokens, input->Integer(1, most), head_dim};
  if (!input->Once(3)) {
    norm.Draw(input, arena, shape.heads, head_dim);
    fusion.norm = &norm.norm;
  }
  if (input->Once(3)) fusion.scale = 0.375;
  if (input->Once(4)) {
    const Shape scales = {1, 1, 1, shared.batch * shared.tokens};
    fusion.token_scales =
        TakeTensor(input, arena, ROTARY_F32, scales, StridesOf(scales), true)
            .Floats(0, 0, 0);
  }
  if (head_dim % 64 == 0 && input->Once(3)) {
    fusion.hadamard = head_dim % 128 == 0 && input->Flag() ? 128 : 64;
  }
}

FusedSteps DrawnSteps::Steps(const SharedFused& shared, int64_t token,
                             int64_t rotary_offset, rotary_pairing from,
                             rotary_pairing to) const {
  FusedSteps steps;
  steps.heads = shape.heads;
  steps.head_dim = shape.head_dim;
  if (fusion.rotates == 1) {
    steps.rotary_offset = rotary_offset;
    steps.rotary_dim = shared.model->rotary_dim;
    steps.from = from;
    steps.to = to;
    if (shared.HasPosition(token)) {
      steps.cos = shared.model->values.Cos(shared.first_row + token);
      steps.sin = shared.model->values.Sin(shared.first_row + token);
    }
  }
  if (fusion.norm != nullptr) {
    steps.norm = norm.norm.kind;
    steps.all_heads = norm.norm.all_heads == 1;
    steps.norm_after = norm.norm.after_rotation == 1;
    steps.epsilon = norm.norm.epsilon;
    steps.weight = ValuesOf(norm.norm.weight, norm.weight);
    steps.weight_added = norm.norm.weight_plus_one;
    steps.bias = ValuesOf(norm.norm.bias, norm.bias);
  }
  steps.scale = fusion.scale;
  steps.scales = fusion.scale != 1.0 || fusion.token_scales != nullptr;
  if (fusion.token_scales != nullptr) {
    steps.token_scale = static_cast<double>(fusion.token_scales[token]);
  }
  steps.hadamard = fusion.hadamard;
  return steps;
}

}  // namespace rotary_test
