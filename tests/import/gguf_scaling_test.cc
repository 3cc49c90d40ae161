// GGUF: the scalings, as llama.cpp computes with their keys.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/import/gguf_check.h"

namespace rotary_test {
namespace {

GgufWriter TwoLayers(const std::string& architecture, uint32_t head_dim = 128) {
  GgufWriter gguf(architecture);
  gguf.Set<uint32_t>(".block_count", 2)
      .Set(".attention.key_length", head_dim)
      .Set<uint32_t>(".context_length", 65536);
  return gguf;
}

TEST_CASE("a factor without a type is linear, also by its older name") {
  ExpectedRotation e = Rotation("interleaved", 128, 128, 10000);
  CheckGguf(TwoLayers("llama"), "00", {e});
  CheckGguf(TwoLayers("llama").Set(".rope.scaling.factor", 0.0f), "00", {e});
  CheckGguf(TwoLayers("llama")
                .Set(".rope.scaling.factor", 4.0f)
                .SetText(".rope.scaling.type", "none"),
            "00", {e});
  e.kind = "linear";
  e.factor = 4;
  CheckGguf(TwoLayers("llama").Set(".rope.scaling.factor", 4.0f), "00", {e});
  CheckGguf(TwoLayers("llama")
                .Set(".rope.scaling.factor", 4.0f)
                .Set(".rope.scale_linear", 2.0f)
                .SetText(".rope.scaling.type", "linear"),
            "00", {e});
  CheckGguf(TwoLayers("llama").Set(".rope.scale_linear", 4.0f), "00", {e});
  // With divisors beside, both count.
  e.divisors.assign(64, 2.0);
  CheckGguf(TwoLayers("llama")
                .Set(".rope.scaling.factor", 4.0f)
                .SetTensor("rope_freqs.weight", kGgmlF32, e.divisors),
            "00", {e});
  e.gain = 1.5;
  CheckGguf(TwoLayers("llama")
                .Set(".rope.scaling.factor", 4.0f)
                .Set(".rope.scaling.attn_factor", 1.5f)
                .SetTensor("rope_freqs.weight", kGgmlF32, e.divisors),
            "00", {e});
}

TEST_CASE("lists of divisors by length") {
  ExpectedRotation e = Rotation("interleaved", 128, 128, 10000);
  const std::vector<double> of_short(64, 1.5);
  const std::vector<double> of_long(64, 3.0);
  const auto with_lists = [&](const std::string& architecture) {
    return TwoLayers(architecture)
        .Set<uint32_t>(".rope.scaling.original_context_length", 4096)
        .SetTensor("rope_factors_short.weight", kGgmlF32, of_short)
        .SetTensor("rope_factors_long.weight", kGgmlF32, of_long);
  };
  // Llama has them by type only.
  CheckGguf(with_lists("llama"), "00", {e});
  e.divisors = of_short;
  const GgufWriter typed =
      with_lists("llama").SetText(".rope.scaling.type", "longrope");
  CheckGguf(typed, "00", {e});
  CheckGguf(typed, "00", {e}, 4096);
  e.divisors = of_long;
  CheckGguf(typed, "00", {e}, 4097);
  // Without an original length that of the context counts.
  GgufWriter bare = typed;
  bare.Remove(".rope.scaling.original_context_length");
  CheckGguf(bare, "00", {e}, 65537);
  e.divisors = of_short;
  CheckGguf(bare, "00", {e}, 65536);
  // One for all counts before them.
  e = Rotation("half", 128, 128, 10000);
  e.divisors.assign(64, 7.0);
  CheckGguf(
      with_lists("phi3").SetTensor("rope_freqs.weight", kGgmlF32, e.divisors),
      "00", {e});
}

TEST_CASE("YaRN's keys that only some architectures read") {
  ExpectedRotation e = Rotation("interleaved", 128, 128, 10000);
  SetYarn(16, 16384, &e);
  const auto yarn = [](const std::string& architecture) {
    return TwoLayers(architecture)
        .SetText(".rope.scaling.type", "yarn")
        .Set(".rope.scaling.factor", 16.0f)
        .Set<uint32_t>(".rope.scaling.original_context_length", 16384);
  };
  CheckGguf(yarn("mistral3"), "00", {e});
  e.fast = 64;
  e.slow = 2;
  e.mscale = 1;
  e.mscale_all_dim = 0.5;
  CheckGguf(yarn("mistral3")
                .Set(".rope.scaling.yarn_beta_fast", 64.0f)
                .Set(".rope.scaling.yarn_beta_slow", 2.0f)
                .Set(".rope.scaling.yarn_log_multiplier", 0.5f),
            "00", {e});
  // Mistral 4: a tenth of it, and a factor of the softmax.
  e = Rotation("interleaved", 128, 64, 10000);
  SetYarn(16, 16384, &e);
  e.offset = 64;
  e.mscale = e.mscale_all_dim = 1;
  e.softmax = YarnScale(16, 1) * YarnScale(16, 1);
  CheckGguf(yarn("mistral4")
                .Set<uint32_t>(".attention.key_length", 320)
                .Set<uint32_t>(".attention.key_length_mla", 128)
                .Set<uint32_t>(".rope.dimension_count", 64)
                .Set(".rope.scaling.yarn_beta_fast", 64.0f)
                .Set(".rope.scaling.yarn_log_multiplier", 0.1f),
            "00", {e});
  // Grok's ramp begins elsewhere.
  e = Rotation("half", 128, 128, 10000);
  SetYarn(16, 16384, &e);
  e.fast = 8;
  CheckGguf(yarn("grok"), "00", {e});
  CheckGguf(yarn("grok").Set(".rope.scaling.yarn_ext_factor", 1.0f), "00", {e});
  e.fast = 32;
  CheckGguf(yarn("grok").Set(".rope.scaling.yarn_beta_fast", 32.0f), "00", {e});
}

TEST_CASE("Hunyuan's alpha raises the base by the whole head") {
  ExpectedRotation e = Rotation("half", 128, 128, 0);
  e.base = 10000 * std::pow(1000.0, 128.0 / 126.0);
  CheckGguf(TwoLayers("hunyuan-dense").Set(".rope.scaling.alpha", 1000.0f),
            "00", {e});
  e.base = 10000;
  CheckGguf(TwoLayers("hunyuan-moe").Set(".rope.scaling.alpha", 1000.0f), "00",
            {e});
}

TEST_CASE("tensors lie where the file's alignment puts them") {
  ExpectedRotation e = Rotation("interleaved", 128, 128, 10000);
  e.divisors.assign(64, 2.0);
  e.divisors[5] = 3.0;
  for (const uint32_t alignment : {8u, 32u, 64u}) {
    CAPTURE(alignment);
    CheckGguf(TwoLayers("llama")
                  .Set("general.alignment", alignment)
                  .SetTensor("a.weight", kGgmlF32, {1.0, 2.0, 3.0})
                  .SetTensor("rope_freqs.weight", kGgmlF32, e.divisors)
                  .SetTensor("z.weight", kGgmlF32, {4.0}),
              "00", {e});
  }
  // Of one row; and both versions that are read.
  GgufWriter gguf = TwoLayers("llama").SetTensor("rope_freqs.weight", kGgmlF32,
                                                 e.divisors, {64, 1});
  gguf.version = 2;
  CheckGguf(gguf, "00", {e});
}

}  // namespace
}  // namespace rotary_test
