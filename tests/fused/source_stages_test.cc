// What is loaded from a cache goes through the same stages as the same numbers
// from a tensor; and what is turned but a little is turned.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr int64_t kTokens = 5;
constexpr int64_t kHeads = 3;
constexpr int64_t kHeadDim = 64;
constexpr size_t kElements = kTokens * kHeads * kHeadDim;

// A pass over [1][kTokens] from a cache, or from a tensor, to one of F32.
struct Pass {
  Embedding embedding = MakeEmbedding(32);
  std::vector<int64_t> ids = {3, 100, 7, 0, 2500};
  OwnSlots slots = SlotsAt(1, {4, 0, 3, 1, 2}, kTokens);

  std::vector<float> Run(const rotary_cache* source, const float* input,
                         rotary_fusion fusion) const {
    std::vector<float> output(kElements);
    std::vector<rotary_tensor> tensors(1);
    rotary_tensor_init(&tensors[0], sizeof(tensors[0]));
    tensors[0].heads = kHeads;
    tensors[0].head_dim = kHeadDim;
    tensors[0].rotary_offset = 16;
    tensors[0].input = input;
    tensors[0].input_pairing = ROTARY_HALF;
    tensors[0].output = output.data();
    tensors[0].output_dtype = ROTARY_F32;
    fusion.source = source;
    rotary_apply_args apply = MakeApplyArgs(1, kTokens, tensors);
    const rotary_positions positions = MakePositions(ids);
    apply.embedding = embedding.get();
    apply.positions = &positions;
    apply.num_threads = 1;
    const std::vector<rotary_fusion> fusions = {fusion};
    rotary_fused_args args = MakeFusedArgs(&apply, fusions);
    if (source != nullptr) args.source_slots = slots.get();
    FuseOk(args);
    return output;
  }

  // Without a rotation, to the slots that a source has, too.
  void Store(const rotary_cache* source, const float* input,
             const rotary_cache& cache) const {
    std::vector<rotary_tensor> tensors(1);
    rotary_tensor_init(&tensors[0], sizeof(tensors[0]));
    tensors[0].heads = kHeads;
    tensors[0].head_dim = kHeadDim;
    tensors[0].input = input;
    tensors[0].input_pairing = ROTARY_HALF;
    std::vector<rotary_fusion> fusions = {MakeFusion(/*rotates=*/0)};
    fusions[0].source = source;
    fusions[0].cache = &cache;
    rotary_apply_args apply = MakeApplyArgs(1, kTokens, tensors);
    rotary_fused_args args = MakeFusedArgs(&apply, fusions, &slots);
    if (source != nullptr) args.source_slots = slots.get();
    FuseOk(args);
  }
};

TEST_CASE("sources: the stages of a tensor of the same numbers") {
  Random random(1);
  std::vector<uint8_t> bytes(kElements);
  // Of E4M3 without NaN, of I8 any.
  for (uint8_t& byte : bytes) {
    byte = static_cast<uint8_t>(random.Bits()) & 0xF7;
  }
  std::vector<float> scales(kTokens * kHeads);
  for (float& scale : scales) scale = 0.5f + 0.01f * random.Float();
  std::vector<float> weight(kHeads * kHeadDim);
  for (float& w : weight) w = random.Float();
  const std::vector<float> token_scales = {1.0f, 0.5f, 3.0f, -2.0f, 0.1f};
  const Pass pass;
  for (const rotary_dtype dtype : {ROTARY_I8, ROTARY_F8_E4M3}) {
    rotary_cache cache = MakeCache(bytes.data(), dtype);
    cache.pairing = ROTARY_HALF;
    cache.scale_kind = ROTARY_SCALES_GIVEN;
    cache.scales = scales.data();
    const std::vector<float> loaded =
        pass.Run(&cache, nullptr, MakeFusion(/*rotates=*/0));
    for (int bits = 0; bits < 64; ++bits) {
      CAPTURE(dtype);
      CAPTURE(bits);
      rotary_norm norm;
      rotary_norm_init(&norm, sizeof(norm));
      norm.kind = (bits & 1) != 0 ? ROTARY_NORM_LAYER : ROTARY_NORM_RMS;
      norm.all_heads = (bits & 2) != 0 ? 1 : 0;
      norm.after_rotation = (bits & 4) != 0 ? 1 : 0;
      norm.weight = weight.data();
      rotary_fusion fusion = MakeFusion((bits & 8) != 0 ? 1 : 0);
      if ((bits & 16) != 0) fusion.token_scales = token_scales.data();
      if ((bits & 32) != 0) fusion.norm = &norm;
      CHECK(pass.Run(&cache, nullptr, fusion) ==
            pass.Run(nullptr, loaded.data(), fusion));
    }
  }
}

// Bytes that are not turned, and their scales, as they are stored elsewhere.
struct Moved {
  std::vector<int8_t> bytes = std::vector<int8_t>(kElements);
  std::vector<uint32_t> scales = std::vector<uint32_t>(kTokens * kHeads);

  rotary_cache To(rotary_dtype scales_dtype) {
    rotary_cache cache = MakeCache(bytes.data(), ROTARY_I8);
    cache.pairing = ROTARY_HALF;
    cache.scale_kind = ROTARY_SCALES_MADE;
    cache.scales_dtype = scales_dtype;
    cache.scales = scales.data();
    return cache;
  }
};

TEST_CASE("moves: scales of another dtype are made anew") {
  Random random(2);
  const Pass pass;
  std::vector<float> input(kElements);
  for (float& x : input) x = random.Float();
  for (const rotary_dtype from : {ROTARY_F32, ROTARY_F16, ROTARY_BF16}) {
    for (const rotary_dtype to : {ROTARY_F32, ROTARY_F16, ROTARY_BF16}) {
      CAPTURE(from);
      CAPTURE(to);
      Moved first, moved, expected;
      const rotary_cache source = first.To(from);
      pass.Store(nullptr, input.data(), source);
      pass.Store(&source, nullptr, moved.To(to));
      if (from == to) {
        CHECK(moved.bytes == first.bytes);
        CHECK(moved.scales == first.scales);
        continue;
      }
      const std::vector<float> loaded =
          pass.Run(&source, nullptr, MakeFusion(/*rotates=*/0));
      pass.Store(nullptr, loaded.data(), expected.To(to));
      CHECK(moved.bytes == expected.bytes);
      CHECK(moved.scales == expected.scales);
    }
  }
}

// All cos are 1 and all sin are not 0.
TEST_CASE("moves: a token that is turned by very little is turned") {
  const Embedding embedding =
      MakeEmbedding(std::vector<double>(kHeadDim / 2, 1e-5));
  const std::vector<int64_t> ids = {1, 0};
  const Rows rows = MakeRows(embedding.get(), ids);
  REQUIRE(ReadRows(rows.get()).Cos(0)[0] == 1.0f);
  REQUIRE(ReadRows(rows.get()).Sin(0)[0] != 0.0f);
  std::vector<float> from(2 * kHeadDim, 1.0f), to(2 * kHeadDim),
      expected = from;
  std::vector<rotary_tensor> tensors(1);
  rotary_tensor_init(&tensors[0], sizeof(tensors[0]));
  tensors[0].head_dim = kHeadDim;
  tensors[0].input = expected.data();
  tensors[0].input_pairing = ROTARY_HALF;
  rotary_apply_args apply = MakeApplyArgs(1, 2, tensors);
  apply.rows = rows.get();
  ApplyOk(apply);
  CHECK(expected[0] != 1.0f);

  tensors[0].input = nullptr;
  rotary_cache source = MakeCache(from.data(), ROTARY_F32);
  source.pairing = ROTARY_HALF;
  rotary_cache cache = source;
  cache.data = to.data();
  std::vector<rotary_fusion> fusions = {MakeFusion()};
  fusions[0].source = &source;
  fusions[0].cache = &cache;
  apply = MakeApplyArgs(1, 2, tensors);
  apply.rows = rows.get();
  const OwnSlots slots = SlotsAt(1, {0, 1}, 2);
  rotary_fused_args args = MakeFusedArgs(&apply, fusions, &slots);
  args.source_slots = slots.get();
  FuseOk(args);
  CHECK(to == expected);
}

// A scale in f16 is at most 65504, so that no number beyond 127.5 times that is
// kept; scales are found for many blocks at a time.
TEST_CASE("caches: blocks of all groups count what they saturate") {
  constexpr int64_t kWide = 4096;
  std::vector<float> input(kWide, 1.0f);
  input[0] = 1e9f;
  input[1] = -1e9f;
  input[kWide - 1] = 1e9f;
  std::vector<uint8_t> bytes(kWide / 32 * 34);
  int64_t saturated = 10;
  rotary_cache cache = MakeCache(bytes.data(), ROTARY_Q8_0);
  cache.saturated = &saturated;
  std::vector<rotary_tensor> tensors(1);
  rotary_tensor_init(&tensors[0], sizeof(tensors[0]));
  tensors[0].head_dim = kWide;
  tensors[0].input = input.data();
  std::vector<rotary_fusion> fusions = {MakeFusion(/*rotates=*/0)};
  fusions[0].cache = &cache;
  const rotary_apply_args apply = MakeApplyArgs(1, 1, tensors);
  const OwnSlots slots = SlotsAt(1, {0}, 1);
  FuseOk(MakeFusedArgs(&apply, fusions, &slots));
  CHECK(saturated == 13);
}

}  // namespace
}  // namespace rotary_test
