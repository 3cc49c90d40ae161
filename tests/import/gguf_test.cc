// Models by GGUF: what comes out of a file, of its bytes in memory and of an
// engine's own metadata is the same, and is what llama.cpp computes with.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/import/expected_rotation.h"
#include "tests/import/gguf_check.h"
#include "tests/import/gguf_examples.h"

namespace rotary_test {
namespace {

std::vector<double> Ramp(int count, double last) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(static_cast<float>(1.0 + (last - 1.0) * i / (count - 1)));
  }
  return values;
}

TEST_CASE("Llama 3.1 by GGUF: divisors, and rows of weights in turn") {
  ExpectedRotation e = Rotation("interleaved", 128, 128, 500000);
  e.divisors = Llama3Divisors();
  CheckGguf(Llama31Gguf(), Repeat("0", 32), {e}, 0, 131072);

  // What its config.json says, but for the rounding of f32 divisors.
  ExpectedRotation by_config = Rotation("half", 128, 128, 500000);
  by_config.kind = "llama3";
  by_config.factor = 8;
  by_config.original = 8192;
  const std::vector<double> a = ExpectedFrequencies(e);
  const std::vector<double> b = ExpectedFrequencies(by_config);
  for (size_t i = 0; i < a.size(); ++i) {
    CHECK(std::fabs(a[i] / b[i] - 1.0) <= 0x1p-24);
  }
}

TEST_CASE("divisors in f16 and bf16") {
  // Each is a number of both types.
  std::vector<double> divisors;
  for (int i = 0; i < 64; ++i) {
    divisors.push_back((1.0 + i % 8 / 8.0) * std::ldexp(1.0, i / 8 - 3));
  }
  ExpectedRotation e = Rotation("interleaved", 128, 128, 500000);
  e.divisors = divisors;
  for (const uint32_t type : {kGgmlF32, kGgmlF16, kGgmlBf16}) {
    CAPTURE(type);
    GgufWriter other = GgufWriter("llama")
                           .Set<uint32_t>(".block_count", 2)
                           .Set<uint32_t>(".attention.key_length", 128)
                           .Set(".rope.freq_base", 500000.0f);
    other.SetTensor("rope_freqs.weight", type, divisors);
    CheckGguf(other, "00", {e});
  }
}

TEST_CASE("Qwen2 with YaRN by GGUF") {
  ExpectedRotation e = Rotation("half", 128, 128, 1000000);
  SetYarn(4, 32768, &e);
  CheckGguf(Qwen2YarnGguf(), Repeat("0", 28), {e}, 0, 32768);

  // Keys that llama.cpp does not read of it.
  GgufWriter gguf = Qwen2YarnGguf();
  gguf.Set(".rope.scaling.yarn_beta_fast", 8.0f)
      .Set(".rope.scaling.yarn_attn_factor", 3.0f)
      .Set(".rope.scaling.yarn_log_multiplier", 0.1f)
      .Set(".rope.scaling.finetuned", false);
  CheckGguf(gguf, Repeat("0", 28), {e});
  // This multiplies what YaRN has.
  e.gain = 0.5;
  gguf.Set(".rope.scaling.attn_factor", 0.5f);
  CheckGguf(gguf, Repeat("0", 28), {e});
}

TEST_CASE("Phi-3 by GGUF: short and long divisors") {
  ExpectedRotation e = Rotation("half", 96, 96, 10000);
  e.divisors = Ramp(48, 3.0);
  e.gain = 1.1902381f;
  const std::string layers = Repeat("0", 32);
  CheckGguf(Phi3Gguf(), layers, {e}, 0, 131072);
  CheckGguf(Phi3Gguf(), layers, {e}, 4096);
  e.divisors = Ramp(48, 64.0);
  CheckGguf(Phi3Gguf(), layers, {e}, 4097);
}

TEST_CASE("Gemma 3 by GGUF: windows have a base of their own") {
  ExpectedRotation window = Rotation("half", 128, 128, 10000);
  window.name = "sliding_attention";
  ExpectedRotation full = Rotation("half", 128, 128, 1000000);
  full.name = "full_attention";
  full.kind = "linear";
  full.factor = 8;
  const std::string layers = Repeat("000001", 10) + "00";
  CheckGguf(Gemma3Gguf(), layers, {window, full}, 0, 131072);

  window.base = 5000;
  CheckGguf(Gemma3Gguf().Set(".rope.freq_base_swa", 5000.0f), layers,
            {window, full});
  CheckGguf(Gemma3Gguf()
                .Set(".rope.freq_base_swa", 5000.0f)
                .Set<uint32_t>(".attention.sliding_window_pattern", 2),
            Repeat("01", 31), {window, full});
  // Without a window all are full.
  GgufWriter plain = Gemma3Gguf();
  plain.Remove(".attention.sliding_window");
  CheckGguf(plain, Repeat("0", 62), {full});
}

TEST_CASE("M-RoPE by GGUF, both of ggml's") {
  ExpectedRotation e = Rotation("half", 128, 128, 1000000);
  e.layout = "sections_ggml";
  e.sections = {16, 24, 24, 0};
  CheckGguf(Qwen2VlGguf(), Repeat("0", 28), {e}, 0, 32768);
  e = Rotation("half", 128, 128, 5000000);
  e.layout = "interleaved_ggml";
  e.sections = {24, 20, 20, 0};
  CheckGguf(Qwen3VlGguf(), Repeat("0", 64), {e}, 0, 262144);
}

TEST_CASE("DeepSeek-V3 by GGUF: the last elements, and the softmax") {
  ExpectedRotation e = Rotation("interleaved", 192, 64, 10000);
  e.offset = 128;
  SetYarn(40, 4096, &e);
  e.mscale = e.mscale_all_dim = 1.0;
  e.softmax = YarnScale(40, 1.0) * YarnScale(40, 1.0);
  CheckGguf(DeepseekV3Gguf(), Repeat("0", 61), {e}, 0, 163840);

  // V2's: 0.0707 in f32, divided by 0.1 in f32.
  const double mscale = 0.0707f / 0.1f;
  e.mscale = e.mscale_all_dim = mscale;
  e.softmax = YarnScale(40, mscale) * YarnScale(40, mscale);
  CheckGguf(DeepseekV3Gguf().Set(".rope.scaling.yarn_log_multiplier", 0.0707f),
            Repeat("0", 61), {e});

  // Without it llama.cpp has YaRN's factor on cos and sin, and in the softmax.
  e.mscale = e.mscale_all_dim = 0.0;
  e.softmax = YarnScale(40, 1.0) * YarnScale(40, 1.0);
  GgufWriter older = DeepseekV3Gguf();
  older.Remove(".rope.scaling.yarn_log_multiplier");
  CheckGguf(older, Repeat("0", 61), {e});
}

TEST_CASE("gpt-oss by GGUF: all layers alike, whatever their window") {
  ExpectedRotation e = Rotation("half", 64, 64, 150000);
  SetYarn(32, 4096, &e);
  CheckGguf(GptOssGguf(), Repeat("0", 24), {e}, 0, 131072);
  // Unless they have a base of their own.
  ExpectedRotation window = e;
  window.base = 10000;
  window.name = "sliding_attention";
  e.name = "full_attention";
  CheckGguf(GptOssGguf().Set(".rope.freq_base_swa", 10000.0f), Repeat("01", 12),
            {window, e});
}

TEST_CASE("layers without rotation by GGUF") {
  CheckGguf(SmolLm3Gguf(), Repeat("000-", 9),
            {Rotation("interleaved", 128, 128, 5000000)}, 0, 65536);
  ExpectedRotation window = Rotation("interleaved", 128, 128, 50000);
  window.name = "sliding_attention";
  CheckGguf(Cohere2Gguf(), Repeat("000-", 8), {window}, 0, 8192);
  CheckGguf(Qwen3NextGguf(), Repeat("---0", 12),
            {Rotation("half", 256, 64, 10000000)}, 0, 262144);
  CheckGguf(Qwen3NextGguf().Set<uint32_t>(".full_attention_interval", 8),
            Repeat("-------0", 6), {Rotation("half", 256, 64, 10000000)});
  CheckGguf(GraniteGguf(), Repeat("0", 40),
            {Rotation("interleaved", 128, 128, 10000000)}, 0, 131072);
  CheckGguf(GraniteGguf().Set(".rope.scaling.finetuned", false),
            Repeat("-", 40), {});
  GgufWriter older = GraniteGguf();
  older.Remove(".rope.scaling.finetuned");
  CheckGguf(older, Repeat("0", 40),
            {Rotation("interleaved", 128, 128, 10000000)});
  CheckGguf(GgufWriter("gpt2").Set<uint32_t>(".block_count", 12),
            Repeat("-", 12), {});
}

}  // namespace
}  // namespace rotary_test
