// Sums over many tokens in a backward pass; tokens that are left out; and calls
// of nothing.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kHeads = 3;
constexpr int64_t kDim = 64;
constexpr int64_t kToken = kHeads * kDim;
constexpr int64_t kRotaryDim = 32;

std::vector<float> Floats(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> floats;
  for (int64_t i = 0; i < count; ++i) floats.push_back(random.Float());
  return floats;
}

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

struct Gradients {
  std::vector<float> x;
  std::vector<float> weight;
  std::vector<float> bias;
};
bool operator==(const Gradients& a, const Gradients& b) {
  return SameBits(a.x, b.x) && SameBits(a.weight, b.weight) &&
         SameBits(a.bias, b.bias);
}

// Heads of f32 with a LAYER norm, by positions 0, 1 ...
struct Pass {
  explicit Pass(int64_t tokens)
      : embedding(MakeEmbedding(kRotaryDim)),
        gradients(Floats(tokens * kToken, 1)),
        input(Floats(tokens * kToken, 2)) {
    rotary_norm_init(&norm, sizeof(norm));
    norm.kind = ROTARY_NORM_LAYER;
    norm.epsilon = 0x1p-10;
    fusion = MakeFusion();
    fusion.norm = &norm;
    rotary_positions_init(&positions, sizeof(positions));
    positions.kind = ROTARY_POSITION_STARTS;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = kHeads;
    tensor.head_dim = kDim;
    tensor.input_pairing = ROTARY_HALF;
    rotary_apply_args_init(&apply, sizeof(apply));
    apply.tokens = tokens;
    apply.tensors = &tensor;
    apply.num_tensors = 1;
    apply.embedding = embedding.get();
    apply.positions = &positions;
    apply.num_threads = 1;
  }

  Gradients Run() {
    const int64_t heads = norm.all_heads == 1 ? tensor.heads : 1;
    const size_t weights = static_cast<size_t>(heads * kDim);
    Gradients result = {std::vector<float>(gradients.size(), 77),
                        std::vector<float>(weights, 77),
                        std::vector<float>(weights, 77)};
    tensor.input = gradients.data();
    tensor.output = result.x.data();
    rotary_fusion_gradient gradient;
    rotary_fusion_gradient_init(&gradient, sizeof(gradient));
    gradient.input = input.data();
    gradient.weight = result.weight.data();
    gradient.bias = result.bias.data();
    rotary_backward_args args;
    rotary_backward_args_init(&args, sizeof(args));
    args.apply = &apply;
    args.fusions = &fusion;
    args.gradients = &gradient;
    rotary_error error;
    size_t bytes;
    RequireOk(rotary_backward_bytes_needed(&args, &bytes, &error), error);
    std::vector<double> scratch(bytes / sizeof(double), std::nan(""));
    args.scratch = scratch.data();
    args.scratch_bytes = bytes;
    RequireOk(rotary_apply_fused_backward(&args, &error), error);
    return result;
  }

  Embedding embedding;
  std::vector<float> gradients;
  std::vector<float> input;
  rotary_positions positions;
  rotary_norm norm;
  rotary_fusion fusion;
  rotary_tensor tensor;
  rotary_apply_args apply;
};

TEST_CASE("backward sums: the same bits however they are shared out") {
  // Leaves of 16, and of 32 tokens, the last one not whole.
  for (const int64_t tokens : {int64_t{1000}, int64_t{2345}}) {
    Pass pass(tokens);
    for (const int32_t all_heads : {0, 1}) {
      pass.norm.all_heads = all_heads;
      pass.apply.num_threads = 1;
      const Gradients expected = pass.Run();
      for (const int32_t threads : {0, 2, 3, 7}) {
        pass.apply.num_threads = threads;
        ForEachTarget([&](const char* target) {
          pass.apply.target = target;
          REQUIRE(pass.Run() == expected);
        });
      }
      pass.apply.target = nullptr;
      // As so many sequences.
      if (tokens % 5 != 0) continue;
      pass.apply.batch = 5;
      pass.apply.tokens = tokens / 5;
      std::vector<int64_t> ids;
      for (int64_t i = 0; i < tokens; ++i) ids.push_back(i);
      rotary_positions positions = MakePositions(ids);
      pass.apply.positions = &positions;
      REQUIRE(pass.Run() == expected);
      pass.apply.positions = &pass.positions;
      pass.apply.batch = 1;
      pass.apply.tokens = tokens;
    }
  }
}

TEST_CASE("backward sums: of many tokens they are rounded once") {
  // Gradients that f32 could not add up: the sum of 2^24 and as many 1 as there
  // are tokens.
  constexpr int64_t kTokens = 3000;
  Pass pass(kTokens);
  pass.fusion.rotates = 0;
  std::fill(pass.gradients.begin(), pass.gradients.end(), 1.0f);
  pass.gradients[5] = 0x1p24f;
  const Gradients got = pass.Run();
  for (size_t e = 0; e < kDim; ++e) {
    const int64_t sum = kTokens * kHeads + (e == 5 ? (1 << 24) - 1 : 0);
    REQUIRE(got.bias[e] == static_cast<float>(sum));
  }
}

TEST_CASE("backward passes: padding is neither read nor counted") {
  // One leaf: sums in the same order with and without padding.
  constexpr int64_t kTokens = 12;
  constexpr int64_t kFirst = 3;
  constexpr int64_t kLast = 10;
  Pass packed(kTokens);
  Pass alone(kLast - kFirst);
  const std::vector<int64_t> starts = {40, 7};
  const std::vector<int64_t> cu_seqlens = {kFirst, 5, kLast};
  packed.positions.kind = ROTARY_POSITION_PACKED;
  packed.positions.data = starts.data();
  packed.positions.dtype = ROTARY_I64;
  packed.positions.num_sequences = 2;
  packed.positions.cu_seqlens = cu_seqlens.data();
  packed.positions.cu_seqlens_dtype = ROTARY_I64;
  const std::vector<int64_t> ids = {40, 41, 7, 8, 9, 10, 11};
  const rotary_positions same = MakePositions(ids);
  alone.apply.positions = &same;
  const auto begin = static_cast<ptrdiff_t>(kFirst * kToken);
  const auto end = static_cast<ptrdiff_t>(kLast * kToken);
  for (std::vector<float> Pass::*values : {&Pass::gradients, &Pass::input}) {
    std::vector<float>& all = packed.*values;
    std::copy(all.begin() + begin, all.begin() + end, (alone.*values).begin());
    std::fill(all.begin(), all.begin() + begin, std::nanf(""));
    std::fill(all.begin() + end, all.end(), std::nanf(""));
  }
  Gradients got = packed.Run();
  for (ptrdiff_t i = 0; i < static_cast<ptrdiff_t>(got.x.size()); ++i) {
    if (i >= begin && i < end) continue;
    REQUIRE(got.x[static_cast<size_t>(i)] == 77.0f);
  }
  got.x = {got.x.begin() + begin, got.x.begin() + end};
  CHECK(got == alone.Run());
}

TEST_CASE("backward passes: of nothing the sums are 0") {
  for (const bool no_heads : {false, true}) {
    Pass pass(no_heads ? 7 : 0);
    if (no_heads) pass.tensor.heads = 0;
    const Gradients got = pass.Run();
    CHECK(got.weight == std::vector<float>(kDim, 0.0f));
    CHECK(got.bias == std::vector<float>(kDim, 0.0f));
    for (const float x : got.x) CHECK(x == 77.0f);
  }
}

// Without a norm it is the transposed pass, with what is linear in another
// order; no gradients are asked for then.
TEST_CASE("backward passes: without norms, as a transposed rotation") {
  constexpr int64_t kTokens = 9;
  Pass pass(kTokens);
  pass.fusion.norm = nullptr;
  pass.fusion.scale = 0.25;  // exact in any order
  pass.tensor.input = pass.gradients.data();
  std::vector<float> forward(pass.gradients.size());
  std::vector<float> backward(pass.gradients.size());
  rotary_fused_args fused = MakeFusedArgs(&pass.apply, {pass.fusion});
  fused.fusions = &pass.fusion;
  pass.apply.transpose = 1;
  pass.tensor.output = forward.data();
  FuseOk(fused);
  pass.apply.transpose = 0;
  pass.tensor.output = backward.data();
  rotary_backward_args args;
  rotary_backward_args_init(&args, sizeof(args));
  args.apply = &pass.apply;
  args.fusions = &pass.fusion;
  rotary_error error;
  RequireOk(rotary_apply_fused_backward(&args, &error), error);
  CHECK(SameBits(forward, backward));
  // In place, and as it is.
  pass.tensor.output = nullptr;
  pass.fusion.scale = 1;
  pass.fusion.rotates = 0;
  const std::vector<float> before = pass.gradients;
  RequireOk(rotary_apply_fused_backward(&args, &error), error);
  CHECK(SameBits(pass.gradients, before));
}

// Each head with rows of its own, as if it were a tensor of its own.
TEST_CASE("backward passes: rows for each head") {
  constexpr int64_t kTokens = 5;
  const Embedding embedding = MakeEmbedding(kRotaryDim);
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < kTokens * kHeads; ++i) ids.push_back(i * i);
  const Rows rows = MakeRows(embedding.get(), ids);
  for (const int32_t after : {0, 1}) {
    Pass all(kTokens);
    all.norm.after_rotation = after;
    all.apply.embedding = nullptr;
    all.apply.positions = nullptr;
    all.apply.rows = rows.get();
    all.apply.row_token_stride = kHeads;
    all.apply.row_head_stride = 1;
    const Gradients expected = all.Run();
    for (int64_t h = 0; h < kHeads; ++h) {
      Pass one(kTokens);
      one.norm.after_rotation = after;
      one.apply.embedding = nullptr;
      one.apply.positions = nullptr;
      one.apply.rows = rows.get();
      one.apply.row_token_stride = kHeads;
      one.apply.first_row = h;
      one.tensor.heads = 1;
      const auto head = [&](std::vector<float>* values) {
        for (int64_t t = 0; t < kTokens; ++t) {
          std::copy_n(values->begin() + t * kToken + h * kDim, kDim,
                      values->begin() + t * kDim);
        }
      };
      head(&one.gradients);
      head(&one.input);
      const Gradients got = one.Run();
      for (int64_t t = 0; t < kTokens; ++t) {
        REQUIRE(
            std::memcmp(&got.x[static_cast<size_t>(t * kDim)],
                        &expected.x[static_cast<size_t>(t * kToken + h * kDim)],
                        kDim * sizeof(float)) == 0);
      }
    }
  }
}

}  // namespace
}  // namespace rotary_test
