#include "tests/import/gguf_examples.h"

#include <cmath>
#include <string>

namespace rotary_test {
namespace {

GgufWriter Model(const std::string& architecture, uint32_t layers,
                 uint32_t length, uint32_t hidden, uint32_t heads, float base) {
  GgufWriter gguf(architecture);
  gguf.SetText("general.name", "a model")
      .Set<uint32_t>("general.file_type", 1)
      .SetTexts("tokenizer.ggml.tokens", {"<s>", "", "a longer token"})
      .SetArray<float>("tokenizer.ggml.scores", {0.0f, -1.0f, -2.0f})
      .Set(".block_count", layers)
      .Set(".context_length", length)
      .Set(".embedding_length", hidden)
      .Set(".attention.head_count", heads)
      .Set(".rope.freq_base", base);
  return gguf;
}

std::vector<double> Ramp(int count, double first, double last) {
  std::vector<double> values;
  for (int i = 0; i < count; ++i) {
    values.push_back(first + (last - first) * i / (count - 1));
  }
  return values;
}

}  // namespace

std::vector<double> Llama3Divisors() {
  std::vector<double> divisors;
  for (int i = 0; i < 64; ++i) {
    const double wavelength =
        2.0 * std::acos(-1.0) * std::pow(500000.0, i / 64.0);
    const double turns = 8192.0 / wavelength;
    const double kept = (turns - 1.0) / 3.0;
    const double divisor = turns > 4.0   ? 1.0
                           : turns < 1.0 ? 8.0
                                         : 1.0 / ((1.0 - kept) / 8.0 + kept);
    divisors.push_back(static_cast<float>(divisor));
  }
  return divisors;
}

GgufWriter Llama31Gguf() {
  return Model("llama", 32, 131072, 4096, 32, 500000.0f)
      .Set<uint32_t>(".rope.dimension_count", 128)
      .SetTensor("token_embd.weight", kGgmlF16, {1.0, 2.0, 3.0, 4.0}, {2, 2})
      .SetTensor("rope_freqs.weight", kGgmlF32, Llama3Divisors());
}

GgufWriter Qwen2YarnGguf() {
  return Model("qwen2", 28, 32768, 3584, 28, 1000000.0f)
      .SetText(".rope.scaling.type", "yarn")
      .Set(".rope.scaling.factor", 4.0f)
      .Set<uint32_t>(".rope.scaling.original_context_length", 32768);
}

GgufWriter Phi3Gguf() {
  return Model("phi3", 32, 131072, 3072, 32, 10000.0f)
      .Set<uint32_t>(".rope.dimension_count", 96)
      .Set<uint32_t>(".attention.sliding_window", 262144)
      .Set<uint32_t>(".rope.scaling.original_context_length", 4096)
      .Set(".rope.scaling.attn_factor", 1.1902381f)
      .SetTensor("rope_factors_long.weight", kGgmlF32, Ramp(48, 1.0, 64.0))
      .SetTensor("rope_factors_short.weight", kGgmlF32, Ramp(48, 1.0, 3.0));
}

GgufWriter Gemma3Gguf() {
  return Model("gemma3", 62, 131072, 5376, 32, 1000000.0f)
      .Set<uint32_t>(".attention.key_length", 128)
      .Set<uint32_t>(".attention.sliding_window", 1024)
      .SetText(".rope.scaling.type", "linear")
      .Set(".rope.scaling.factor", 8.0f);
}

GgufWriter Qwen2VlGguf() {
  return Model("qwen2vl", 28, 32768, 1536, 12, 1000000.0f)
      .SetArray<int32_t>(".rope.dimension_sections", {16, 24, 24, 0});
}

GgufWriter Qwen3VlGguf() {
  return Model("qwen3vl", 64, 262144, 5120, 64, 5000000.0f)
      .Set<uint32_t>(".attention.key_length", 128)
      .SetArray<int32_t>(".rope.dimension_sections", {24, 20, 20, 0});
}

GgufWriter DeepseekV3Gguf() {
  return Model("deepseek2", 61, 163840, 7168, 128, 10000.0f)
      .Set<uint32_t>(".attention.key_length", 576)
      .Set<uint32_t>(".attention.key_length_mla", 192)
      .Set<uint32_t>(".rope.dimension_count", 64)
      .SetText(".rope.scaling.type", "yarn")
      .Set(".rope.scaling.factor", 40.0f)
      .Set<uint32_t>(".rope.scaling.original_context_length", 4096)
      .Set(".rope.scaling.yarn_log_multiplier", 0.1f);
}

GgufWriter GptOssGguf() {
  return Model("gpt-oss", 24, 131072, 2880, 64, 150000.0f)
      .Set<uint32_t>(".attention.key_length", 64)
      .Set<uint32_t>(".attention.sliding_window", 128)
      .SetText(".rope.scaling.type", "yarn")
      .Set(".rope.scaling.factor", 32.0f)
      .Set<uint32_t>(".rope.scaling.original_context_length", 4096)
      .Set(".rope.scaling.yarn_beta_fast", 16.0f);
}

GgufWriter SmolLm3Gguf() {
  return Model("smollm3", 36, 65536, 2048, 16, 5000000.0f);
}

GgufWriter Cohere2Gguf() {
  return Model("cohere2", 32, 8192, 4096, 32, 50000.0f)
      .Set<uint32_t>(".attention.sliding_window", 4096)
      .SetText(".rope.scaling.type", "none");
}

GgufWriter GraniteGguf() {
  return Model("granite", 40, 131072, 4096, 32, 10000000.0f)
      .Set(".rope.scaling.finetuned", true);
}

GgufWriter Qwen3NextGguf() {
  return Model("qwen3next", 48, 262144, 2048, 16, 10000000.0f)
      .Set<uint32_t>(".attention.key_length", 256)
      .Set<uint32_t>(".rope.dimension_count", 64)
      .Set<uint32_t>(".full_attention_interval", 4);
}

std::vector<GgufWriter> GgufExamples() {
  return {Llama31Gguf(), Qwen2YarnGguf(), Phi3Gguf(),       Gemma3Gguf(),
          Qwen2VlGguf(), Qwen3VlGguf(),   DeepseekV3Gguf(), GptOssGguf(),
          SmolLm3Gguf(), Cohere2Gguf(),   GraniteGguf(),    Qwen3NextGguf()};
}

}  // namespace rotary_test
