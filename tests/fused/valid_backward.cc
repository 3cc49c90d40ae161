#include "tests/fused/valid_backward.h"

#include <cstddef>

#include "tests/fused/fused_calls.h"

namespace rotary_test {
namespace {

constexpr size_t kElements = ValidBackward::kBatch * ValidBackward::kTokens *
                             ValidBackward::kHeads * ValidBackward::kHeadDim;
constexpr size_t kWeights = ValidBackward::kHeads * ValidBackward::kHeadDim;

std::vector<float> Ramp(size_t size, float begin) {
  std::vector<float> values(size);
  for (size_t i = 0; i < size; ++i) {
    values[i] = begin + 0.125f * static_cast<float>(i % 37);
  }
  return values;
}

}  // namespace

ValidBackward::ValidBackward()
    : embedding(MakeEmbedding(kRotaryDim)),
      rows(MakeRows(embedding.get(), {1, 2, 3, 40, 50, 60})),
      ids({1, 2, 3, 40, 50, 60}),
      positions(MakePositions(ids)),
      q(Ramp(kElements, -2.0f)),
      k(Ramp(kElements, -1.0f)),
      v(Ramp(kElements, 0.0f)),
      k_out(kElements, 77.0f),
      q_input(Ramp(kElements, 1.0f)),
      k_input(Ramp(kElements, -2.5f)),
      weight(Ramp(kWeights, 0.5f)),
      token_scales(Ramp(kWeights, 1.0f)),
      q_weight(kElements, 77.0f),
      q_bias(kWeights, 77.0f),
      k_weight(kHeadDim, 77.0f),
      scratch(kScratch / 8, 77) {
  rotary_norm_init(&q_norm, sizeof(q_norm));
  q_norm.kind = ROTARY_NORM_LAYER;
  q_norm.all_heads = 1;
  q_norm.weight = weight.data();
  rotary_norm_init(&k_norm, sizeof(k_norm));
  k_norm.after_rotation = 1;
  for (int i = 0; i < 3; ++i) {
    fusions[i] = MakeFusion(i == 2 ? 0 : 1);
    rotary_tensor& tensor = tensors[i];
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = kHeads;
    tensor.head_dim = kHeadDim;
    tensor.input = i == 0 ? q.data() : i == 1 ? k.data() : v.data();
    tensor.input_pairing = i == 2 ? 0 : ROTARY_HALF;
    rotary_fusion_gradient_init(&gradients[i], sizeof(gradients[i]));
  }
  tensors[1].output = k_out.data();
  fusions[0].norm = &q_norm;
  fusions[1].norm = &k_norm;
  fusions[2].token_scales = token_scales.data();
  gradients[0].input = q_input.data();
  gradients[0].weight = q_weight.data();
  gradients[0].bias = q_bias.data();
  gradients[1].input = k_input.data();
  gradients[1].weight = k_weight.data();
  rotary_apply_args_init(&apply, sizeof(apply));
  apply.batch = kBatch;
  apply.tokens = kTokens;
  apply.tensors = tensors;
  apply.num_tensors = 3;
  apply.rows = rows.get();
  apply.num_threads = 1;
  rotary_backward_args_init(&args, sizeof(args));
  args.apply = &apply;
  args.fusions = fusions;
  args.gradients = gradients;
  args.scratch = scratch.data();
  args.scratch_bytes = kScratch;
}

void ValidBackward::UseEmbedding() {
  apply.rows = nullptr;
  apply.embedding = embedding.get();
  apply.positions = &positions;
}

std::vector<unsigned char> ValidBackward::Memory() const {
  std::vector<unsigned char> bytes;
  const auto append = [&bytes](const void* data, size_t size) {
    const auto* begin = static_cast<const unsigned char*>(data);
    bytes.insert(bytes.end(), begin, begin + size);
  };
  append(rows.get(), rotary_rows_bytes(rows.get()));
  append(ids.data(), ids.size() * sizeof(ids[0]));
  for (const auto* floats : {&q, &k, &v, &k_out, &q_input, &k_input, &weight,
                             &token_scales, &q_weight, &q_bias, &k_weight}) {
    append(floats->data(), floats->size() * sizeof(float));
  }
  append(scratch.data(), scratch.size() * sizeof(scratch[0]));
  return bytes;
}

void CheckBackwardRefused(const ValidBackward& call, const Wrong& expected) {
  const std::vector<unsigned char> before = call.Memory();
  CheckRefused(
      [&](rotary_error* error) {
        return rotary_apply_fused_backward(&call.args, error);
      },
      expected);
  CHECK(call.Memory() == before);
}

void CheckBackwardAccepted(const ValidBackward& call) {
  const std::vector<unsigned char> before = call.Memory();
  rotary_error error;
  RequireOk(rotary_apply_fused_backward(&call.args, &error), error);
  CHECK(call.Memory() != before);
}

void CheckAllBackwardRefused(const std::vector<SpoiledBackward>& cases) {
  for (size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    ValidBackward call;
    Wrong expected = {cases[i].argument};
    expected.value = cases[i].spoil(&call);
    expected.status = cases[i].status;
    const size_t at = cases[i].argument.find('[');
    if (at != std::string::npos) {
      expected.tensor = cases[i].argument[at + 1] - '0';
    }
    CheckBackwardRefused(call, expected);
    // Asking for the scratch memory finds the same, but in that itself.
    if (cases[i].argument.find("scratch") != std::string::npos) continue;
    CheckRefused(
        [&](rotary_error* error) {
          size_t bytes;
          return rotary_backward_bytes_needed(&call.args, &bytes, error);
        },
        expected);
  }
}

}  // namespace rotary_test
