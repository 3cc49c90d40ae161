// As many tensors as a pass may have, each with all the memory that it may
// have: forward and backward, each tensor's result is that of a pass with it
// alone.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr int64_t kTokens = 4;
constexpr int64_t kDim = 64;
constexpr size_t kElements = kTokens * kDim;

std::vector<float> Floats(size_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> floats;
  for (size_t i = 0; i < count; ++i) floats.push_back(random.Float());
  return floats;
}

// Tensor i of a pass: one head.
struct Most {
  explicit Most(uint64_t i)
      : x(Floats(kElements, i)),
        gradients(Floats(kElements, 100 + i)),
        weight(Floats(kDim, 200 + i)),
        bias(Floats(kDim, 300 + i)),
        token_scales(Floats(kTokens, 400 + i)),
        from(kElements, static_cast<int8_t>(7 + i)),
        from_scales(kTokens, 0.5f),
        to(kElements, 0),
        to_scales(kTokens, 0),
        dx(kElements, 0),
        dweight(kDim, 0),
        dbias(kDim, 0) {
    for (size_t e = 0; e < kElements; ++e) {
      from[e] = static_cast<int8_t>(e * (i + 3));
    }
    source = MakeCache(from.data(), ROTARY_I8);
    source.scale_kind = ROTARY_SCALES_GIVEN;
    source.scales = from_scales.data();
    source.pairing = ROTARY_HALF;
    cache = MakeCache(to.data(), ROTARY_I8);
    cache.scale_kind = ROTARY_SCALES_MADE;
    cache.scales = to_scales.data();
    cache.saturated = &saturated;
    rotary_norm_init(&norm, sizeof(norm));
    norm.kind = ROTARY_NORM_LAYER;
    norm.weight = weight.data();
    norm.bias = bias.data();
    fusion = MakeFusion();
    fusion.norm = &norm;
    fusion.token_scales = token_scales.data();
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.head_dim = kDim;
    rotary_fusion_gradient_init(&gradient, sizeof(gradient));
    gradient.input = x.data();
    gradient.weight = dweight.data();
    gradient.bias = dbias.data();
  }

  std::vector<float> x;
  std::vector<float> gradients;
  std::vector<float> weight;
  std::vector<float> bias;
  std::vector<float> token_scales;
  std::vector<int8_t> from;
  std::vector<float> from_scales;
  std::vector<int8_t> to;
  std::vector<float> to_scales;
  std::vector<float> dx;
  std::vector<float> dweight;
  std::vector<float> dbias;
  int64_t saturated = 0;
  rotary_cache source;
  rotary_cache cache;
  rotary_norm norm;
  rotary_fusion fusion;
  rotary_tensor tensor;
  rotary_fusion_gradient gradient;
};

// Some tensors, rotated by cos and sin that go by packed positions.
class MostPass {
 public:
  MostPass(uint64_t begin, uint64_t end)
      : table_(Floats(kTokens * kDim, 500)),
        slots_(SlotsAt(1, {3, 1, 0, 2}, kTokens)),
        source_slots_(SlotsAt(1, {0, 1, 2, 3}, kTokens)) {
    for (uint64_t i = begin; i < end; ++i) {
      parts.push_back(std::make_unique<Most>(i));
    }
    rotary_cos_sin_init(&cos_sin_, sizeof(cos_sin_));
    cos_sin_.cos = table_.data();
    cos_sin_.sin = table_.data() + kDim / 2;
    cos_sin_.row_stride = kDim;
    cos_sin_.rotary_dim = kDim;
    cos_sin_.width = ROTARY_WIDTH_PAIRS;
    cos_sin_.rows = kTokens;
    rotary_positions_init(&positions_, sizeof(positions_));
    positions_.kind = ROTARY_POSITION_PACKED;
    positions_.data = starts_;
    positions_.dtype = ROTARY_I64;
    positions_.num_sequences = 1;
    positions_.cu_seqlens = cu_seqlens_;
    positions_.cu_seqlens_dtype = ROTARY_I64;
    rotary_apply_args_init(&apply_, sizeof(apply_));
    apply_.tokens = kTokens;
    apply_.cos_sin = &cos_sin_;
    apply_.positions = &positions_;
    apply_.num_threads = 1;
  }

  // From cache to cache.
  void RunForward() {
    Gather();
    for (size_t i = 0; i < parts.size(); ++i) {
      fusions_[i].source = &parts[i]->source;
      fusions_[i].cache = &parts[i]->cache;
    }
    rotary_fused_args args = MakeFusedArgs(&apply_, fusions_, &slots_);
    args.source_slots = source_slots_.get();
    FuseOk(args);
  }

  void RunBackward() {
    Gather();
    for (size_t i = 0; i < parts.size(); ++i) {
      tensors_[i].input = parts[i]->gradients.data();
      tensors_[i].output = parts[i]->dx.data();
      tensors_[i].input_pairing = ROTARY_HALF;
    }
    rotary_backward_args args;
    rotary_backward_args_init(&args, sizeof(args));
    args.apply = &apply_;
    args.fusions = fusions_.data();
    args.gradients = gradients_.data();
    std::vector<double> scratch(parts.size() * 2 * kDim);
    args.scratch = scratch.data();
    args.scratch_bytes = scratch.size() * sizeof(double);
    rotary_error error;
    RequireOk(rotary_apply_fused_backward(&args, &error), error);
  }

  std::vector<std::unique_ptr<Most>> parts;

 private:
  void Gather() {
    tensors_.clear();
    fusions_.clear();
    gradients_.clear();
    for (const auto& part : parts) {
      tensors_.push_back(part->tensor);
      fusions_.push_back(part->fusion);
      gradients_.push_back(part->gradient);
    }
    apply_.tensors = tensors_.data();
    apply_.num_tensors = static_cast<int64_t>(tensors_.size());
  }

  const int64_t starts_[1] = {0};
  const int64_t cu_seqlens_[2] = {0, kTokens};
  std::vector<float> table_;
  OwnSlots slots_;
  OwnSlots source_slots_;
  rotary_cos_sin cos_sin_;
  rotary_positions positions_;
  rotary_apply_args apply_;
  std::vector<rotary_tensor> tensors_;
  std::vector<rotary_fusion> fusions_;
  std::vector<rotary_fusion_gradient> gradients_;
};

TEST_CASE("fused passes: as many tensors as there may be") {
  MostPass all(0, ROTARY_MAX_FUSED);
  all.RunForward();
  all.RunBackward();
  for (uint64_t i = 0; i < ROTARY_MAX_FUSED; ++i) {
    CAPTURE(i);
    MostPass one(i, i + 1);
    one.RunForward();
    one.RunBackward();
    const Most& got = *all.parts[i];
    const Most& expected = *one.parts[0];
    CHECK(got.to == expected.to);
    CHECK(got.to_scales == expected.to_scales);
    CHECK(got.dx == expected.dx);
    CHECK(got.dweight == expected.dweight);
    CHECK(got.dbias == expected.dbias);
    CHECK(got.to != std::vector<int8_t>(kElements, 0));
    CHECK(got.dx != std::vector<float>(kElements, 0));
  }
}

}  // namespace
}  // namespace rotary_test
