// The structs of slots and fused passes: their defaults, and those of other
// versions.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/api/struct_checks.h"
#include "tests/support/objects.h"

namespace rotary_test {
namespace {

rotary_slots_args Default(const rotary_slots_args&) {
  rotary_slots_args args = {};
  args.batch = 1;
  args.table_stride = ROTARY_DENSE;
  args.table_dtype = ROTARY_I32;
  return args;
}

rotary_norm Default(const rotary_norm&) {
  rotary_norm norm = {};
  norm.kind = ROTARY_NORM_RMS;
  norm.epsilon = 1e-6;
  norm.weight_dtype = ROTARY_F32;
  return norm;
}

rotary_cache Default(const rotary_cache&) {
  rotary_cache cache = {};
  cache.block_stride = ROTARY_DENSE;
  cache.slot_stride = ROTARY_DENSE;
  cache.head_stride = ROTARY_DENSE;
  cache.element_stride = ROTARY_DENSE;
  cache.scales_dtype = ROTARY_F32;
  cache.scales_block_stride = ROTARY_DENSE;
  cache.scales_slot_stride = ROTARY_DENSE;
  cache.scales_head_stride = ROTARY_DENSE;
  return cache;
}

rotary_fusion Default(const rotary_fusion&) {
  rotary_fusion fusion = {};
  fusion.rotates = 1;
  fusion.scale = 1;
  fusion.token_scales_batch_stride = ROTARY_DENSE;
  fusion.token_scales_token_stride = ROTARY_DENSE;
  fusion.num_tokens = ROTARY_DENSE;
  return fusion;
}

rotary_fusion_gradient Default(const rotary_fusion_gradient&) {
  rotary_fusion_gradient gradient = {};
  gradient.input_batch_stride = ROTARY_DENSE;
  gradient.input_token_stride = ROTARY_DENSE;
  gradient.input_head_stride = ROTARY_DENSE;
  gradient.input_dtype = ROTARY_F32;
  return gradient;
}

TEST_CASE("init functions of fused passes write as many bytes as told") {
  CheckInit(Default(rotary_slots_args()), rotary_slots_args_init);
  CheckInit(Default(rotary_norm()), rotary_norm_init);
  CheckInit(Default(rotary_cache()), rotary_cache_init);
  CheckInit(Default(rotary_fusion()), rotary_fusion_init);
  CheckInit(rotary_fused_args(), rotary_fused_args_init);
  CheckInit(Default(rotary_fusion_gradient()), rotary_fusion_gradient_init);
  CheckInit(rotary_backward_args(), rotary_backward_args_init);
}

// One head of two elements, normed and rotated; and its gradient.
struct OneHead {
  OneHead()
      : embedding(MakeEmbedding(2)), rows(MakeRows(embedding.get(), {1})) {
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.head_dim = 2;
    tensor.input = x.data();
    tensor.input_pairing = ROTARY_HALF;
    rotary_apply_args_init(&apply, sizeof(apply));
    apply.tokens = 1;
    apply.tensors = &tensor;
    apply.num_tensors = 1;
    apply.rows = rows.get();
    rotary_norm_init(&norm, sizeof(norm));
    rotary_fusion_init(&fusion, sizeof(fusion));
    fusion.norm = &norm;
    rotary_fused_args_init(&forward, sizeof(forward));
    forward.apply = &apply;
    forward.fusions = &fusion;
    rotary_fusion_gradient_init(&gradient, sizeof(gradient));
    gradient.input = input.data();
    rotary_backward_args_init(&backward, sizeof(backward));
    backward.apply = &apply;
    backward.fusions = &fusion;
    backward.gradients = &gradient;
  }

  Embedding embedding;
  Rows rows;
  std::vector<float> x = {1, 2};
  std::vector<float> input = {3, 4};
  rotary_tensor tensor;
  rotary_apply_args apply;
  rotary_norm norm;
  rotary_fusion fusion;
  rotary_fused_args forward;
  rotary_fusion_gradient gradient;
  rotary_backward_args backward;
};

TEST_CASE("fused passes check the size of their structs") {
  OneHead f;
  CheckCall(f.forward, "args.",
            [](const rotary_fused_args* args, rotary_error* error) {
              return rotary_apply_fused(args, error);
            });
  CheckCall(f.apply, "apply.",
            [&](const rotary_apply_args* apply, rotary_error* error) {
              rotary_fused_args args = f.forward;
              args.apply = apply;
              return rotary_apply_fused(&args, error);
            });
  CheckCall(f.fusion, "fusions[0].",
            [&](const rotary_fusion* fusion, rotary_error* error) {
              rotary_fused_args args = f.forward;
              args.fusions = fusion;
              return rotary_apply_fused(&args, error);
            });
  CheckCall(f.norm, "fusions[0].norm.",
            [&](const rotary_norm* norm, rotary_error* error) {
              rotary_fusion fusion = f.fusion;
              fusion.norm = norm;
              rotary_fused_args args = f.forward;
              args.fusions = &fusion;
              return rotary_apply_fused(&args, error);
            });
}

TEST_CASE("backward passes check the size of their structs") {
  OneHead f;
  CheckCall(f.backward, "args.",
            [](const rotary_backward_args* args, rotary_error* error) {
              return rotary_apply_fused_backward(args, error);
            });
  CheckCall(f.backward, "args.",
            [](const rotary_backward_args* args, rotary_error* error) {
              size_t bytes;
              return rotary_backward_bytes_needed(args, &bytes, error);
            });
  CheckCall(f.apply, "apply.",
            [&](const rotary_apply_args* apply, rotary_error* error) {
              rotary_backward_args args = f.backward;
              args.apply = apply;
              return rotary_apply_fused_backward(&args, error);
            });
  CheckCall(f.fusion, "fusions[0].",
            [&](const rotary_fusion* fusion, rotary_error* error) {
              rotary_backward_args args = f.backward;
              args.fusions = fusion;
              return rotary_apply_fused_backward(&args, error);
            });
  CheckCall(f.gradient, "gradients[0].",
            [&](const rotary_fusion_gradient* gradient, rotary_error* error) {
              rotary_backward_args args = f.backward;
              args.gradients = gradient;
              return rotary_apply_fused_backward(&args, error);
            });
}

}  // namespace
}  // namespace rotary_test
