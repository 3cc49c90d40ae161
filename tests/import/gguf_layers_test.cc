// GGUF: which layers rotate and how, by architecture, period and lists; heads;
// and keys of all types that a number may have.
#include <doctest/doctest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/import/gguf_check.h"

namespace rotary_test {
namespace {

GgufWriter Layers(const std::string& architecture, uint32_t layers,
                  uint32_t head_dim) {
  GgufWriter gguf(architecture);
  gguf.Set(".block_count", layers).Set(".attention.key_length", head_dim);
  return gguf;
}

ExpectedRotation Named(const std::string& name, ExpectedRotation e) {
  e.name = name;
  return e;
}

const char kFull[] = "full_attention";
const char kSliding[] = "sliding_attention";

TEST_CASE("layers with a window by period") {
  const ExpectedRotation half = Rotation("half", 128, 128, 10000);
  const ExpectedRotation norm = Rotation("interleaved", 128, 128, 10000);
  // The first of a period is full; both have the same base.
  const GgufWriter small = Layers("smallthinker", 8, 128)
                               .Set<uint32_t>(".attention.sliding_window", 64);
  CheckGguf(small, "-000-000", {Named(kSliding, half)});
  CheckGguf(Layers("smallthinker", 8, 128), "00000000", {Named(kFull, half)});
  ExpectedRotation wide = half;
  wide.base = 160000;
  CheckGguf(Layers("modern-bert", 7, 128)
                .Set<uint32_t>(".attention.sliding_window", 64)
                .Set(".rope.freq_base", 160000.0f),
            "0110110", {Named(kFull, wide), Named(kSliding, half)});
  // Scaling is of full layers only, the base of both.
  wide.kind = "linear";
  wide.factor = 4;
  ExpectedRotation window = wide;
  window.kind = "default";
  CheckGguf(Layers("olmo2", 8, 128)
                .Set<uint32_t>(".attention.sliding_window", 64)
                .Set(".rope.freq_base", 160000.0f)
                .Set(".rope.freq_base_swa", 777.0f)
                .Set(".rope.scaling.factor", 4.0f),
            "00010001", {Named(kSliding, window), Named(kFull, wide)});
  // A period of 0: all have windows; of 1: none.
  GgufWriter gemma = Layers("gemma3", 3, 128)
                         .Set<uint32_t>(".attention.sliding_window", 64)
                         .Set(".rope.freq_base", 160000.0f)
                         .Set(".rope.scaling.factor", 4.0f);
  CheckGguf(gemma.Set<uint32_t>(".attention.sliding_window_pattern", 0), "000",
            {Named(kSliding, half)});
  CheckGguf(gemma.Set<uint32_t>(".attention.sliding_window_pattern", 1), "000",
            {Named(kFull, wide)});
  // Only with 64 layers do full ones of EXAONE 4 not rotate.
  CheckGguf(Layers("exaone4", 64, 128), Repeat("000-", 16),
            {Named(kSliding, half)});
  CheckGguf(Layers("exaone4", 30, 128), Repeat("0", 30), {Named(kFull, half)});
  CheckGguf(Layers("afmoe", 8, 128), "000-000-", {Named(kFull, half)});
  CheckGguf(Layers("baichuan", 32, 128), Repeat("0", 32), {norm});
  CheckGguf(Layers("baichuan", 40, 128), Repeat("-", 40), {});
}

TEST_CASE("layers with a window by a list") {
  ExpectedRotation full = Rotation("half", 512, 512, 1000000);
  // 1e30 is that of pairs that do not rotate.
  full.divisors.assign(256, 1e30f);
  full.divisors[0] = full.divisors[1] = 1.0;
  const ExpectedRotation window = Rotation("half", 256, 256, 10000);
  GgufWriter gemma =
      Layers("gemma4", 4, 512)
          .Set<uint32_t>(".attention.key_length_swa", 256)
          .Set<uint32_t>(".rope.dimension_count", 512)
          .Set<uint32_t>(".rope.dimension_count_swa", 256)
          .Set(".rope.freq_base", 1000000.0f)
          .SetTensor("rope_freqs.weight", kGgmlF32, full.divisors);
  CheckGguf(gemma.SetArray<bool>(".attention.sliding_window_pattern",
                                 {true, false, true, true}),
            "0100", {Named(kSliding, window), Named(kFull, full)});
  CheckGguf(gemma.SetArray<int32_t>(".attention.sliding_window_pattern",
                                    {0, 0, 0, 1}),
            "0001", {Named(kFull, full), Named(kSliding, window)});
  CheckGguf(gemma.Set(".attention.sliding_window_pattern", true), "0000",
            {Named(kSliding, window)});
  gemma.Remove(".attention.sliding_window_pattern");
  CHECK(std::string(ImportGguf(gemma.File()).error.argument) ==
        "gemma4.attention.sliding_window_pattern");
}

TEST_CASE("layers without attention of this kind") {
  ExpectedRotation e = Rotation("half", 256, 64, 10000);
  e.layout = "interleaved_ggml";
  e.sections = {11, 11, 10, 0};
  GgufWriter qwen =
      Layers("qwen35", 9, 256)
          .Set<uint32_t>(".rope.dimension_count", 64)
          .SetArray<int32_t>(".rope.dimension_sections", {11, 11, 10, 0})
          .Set<uint32_t>(".nextn_predict_layers", 1);
  CheckGguf(qwen, "---0---00", {e});
  qwen.SetArray<bool>(".attention.recurrent_layers",
                      {true, false, true, true, true, true, true, true, true});
  CheckGguf(qwen, "-0------0", {e});

  const ExpectedRotation half = Rotation("half", 128, 128, 10000);
  CheckGguf(Layers("lfm2", 4, 128)
                .SetArray<uint32_t>(".attention.head_count_kv", {0, 8, 0, 8}),
            "-0-0", {half});
  CheckGguf(Layers("lfm2", 2, 128).Set<uint32_t>(".attention.head_count_kv", 8),
            "00", {half});
  GgufWriter deci("deci");
  deci.Set<uint32_t>(".block_count", 3)
      .Set<uint32_t>(".embedding_length", 8192)
      .SetArray<uint32_t>(".attention.head_count", {64, 0, 64});
  CheckGguf(deci, "0-0", {Rotation("interleaved", 128, 128, 10000)});
  CheckGguf(Layers("granitehybrid", 3, 128)
                .SetArray<uint32_t>(".attention.head_count_kv", {0, 0, 4}),
            "--0", {Rotation("interleaved", 128, 128, 10000)});
}

TEST_CASE("heads of which the last elements rotate") {
  ExpectedRotation e = Rotation("half", 96, 32, 10000);
  e.offset = 64;
  CheckGguf(
      Layers("minicpm3", 2, 96).Set<uint32_t>(".rope.dimension_count", 32),
      "00", {e});
  e.pairing = "interleaved";
  CheckGguf(Layers("plm", 2, 96).Set<uint32_t>(".rope.dimension_count", 32),
            "00", {e});
}

TEST_CASE("GLM-4 has another pairing where it has sections") {
  GgufWriter glm =
      Layers("glm4", 2, 128).Set<uint32_t>(".rope.dimension_count", 64);
  ExpectedRotation e = Rotation("interleaved", 128, 64, 10000);
  CheckGguf(glm, "00", {e});
  CheckGguf(glm.SetArray<int32_t>(".rope.dimension_sections", {0, 0, 0, 0}),
            "00", {e});
  e.pairing = "half";
  e.layout = "sections_ggml";
  e.sections = {8, 12, 12, 0};
  CheckGguf(glm.SetArray<int32_t>(".rope.dimension_sections", {8, 12, 12, 0}),
            "00", {e});
}

// Sets a key, by name, in each type that a whole number may have.
template <class Function>
void ForEachNumberType(const std::string& key, const Function& check) {
  const auto with = [&key](auto number) {
    return [=](GgufWriter gguf) { return gguf.Set(key, number); };
  };
  check(with(uint8_t{64}));
  check(with(int8_t{64}));
  check(with(uint16_t{64}));
  check(with(int16_t{64}));
  check(with(uint32_t{64}));
  check(with(int32_t{64}));
  check(with(uint64_t{64}));
  check(with(int64_t{64}));
  check(with(64.0f));
  check(with(64.0));
}

TEST_CASE("a number may be of any type") {
  for (const std::string key :
       {".rope.dimension_count", ".attention.key_length", ".rope.freq_base"}) {
    CAPTURE(key);
    ForEachNumberType(key, [&](const auto& set) {
      ExpectedRotation e = Rotation("half", 128, 128, 10000);
      if (key == ".rope.dimension_count") e.rotary_dim = 64;
      if (key == ".rope.freq_base") e.base = 64;
      if (key == ".attention.key_length") e.head_dim = e.rotary_dim = 64;
      CheckGguf(set(Layers("qwen3", 2, 128)), "00", {e});
    });
  }
}

TEST_CASE("a file without layers has one rotation") {
  GgufWriter gguf("qwen2");
  gguf.Set<uint32_t>(".attention.key_length", 64);
  const Model model = ImportThreeWays(gguf);
  CHECK(rotary_model_layers(model.get()) == 0);
  REQUIRE(rotary_model_rotations(model.get()) == 1);
  CHECK(RotationOf(model.get(), 0).layers == 0);
}

}  // namespace
}  // namespace rotary_test
