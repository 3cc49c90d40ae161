// Which key, table or statement each value of a rotation comes from.
#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <string>

#include "tests/import/gguf_examples.h"
#include "tests/import/imported.h"

namespace rotary_test {
namespace {

struct Source {
  const char* name;
  const char* source;
};

template <size_t kCount>
void CheckSources(const rotary_model* model, const Source (&sources)[kCount]) {
  for (const Source& expected : sources) {
    CAPTURE(expected.name);
    CHECK(SourceOf(model, 0, expected.name) == expected.source);
  }
}

TEST_CASE("values of a config.json tell their keys") {
  const Model llama =
      Require(ImportConfig(ReadTestFile("configs/llama3.1_8b.json")));
  CheckSources(llama.get(),
               {{"base", "rope_theta"},
                {"pairing", "model_type llama"},
                {"head_dim", "hidden_size / num_attention_heads"},
                {"trained_length", "max_position_embeddings"},
                {"scaling.kind", "rope_scaling.rope_type"},
                {"scaling.factor", "rope_scaling.factor"},
                {"scaling.low_freq_factor", "rope_scaling.low_freq_factor"},
                {"scaling.original_length",
                 "rope_scaling.original_max_position_embeddings"},
                {"gain", ""}});
  const Model qwen =
      Require(ImportConfig(ReadTestFile("configs/qwen3.5_27b.json")));
  CheckSources(
      qwen.get(),
      {{"base", "text_config.rope_parameters.rope_theta"},
       {"pairing", "model_type qwen3_5_text"},
       {"head_dim", "text_config.head_dim"},
       {"rotary_dim", "text_config.rope_parameters.partial_rotary_factor"},
       {"axes.layout", "model_type qwen3_5_text"},
       {"axes.sections", "text_config.rope_parameters.mrope_section"},
       {"trained_length", "text_config.max_position_embeddings"}});
  const Model gemma =
      Require(ImportConfig(ReadTestFile("configs/gemma4_26b.json")));
  CheckSources(
      gemma.get(),
      {{"base", "text_config.rope_parameters.sliding_attention.rope_theta"}});
  CHECK(SourceOf(gemma.get(), 1, "base") ==
        "text_config.rope_parameters.full_attention.rope_theta");
  CHECK(SourceOf(gemma.get(), 1, "head_dim") == "text_config.global_head_dim");
}

TEST_CASE("what queries alone are multiplied by is told") {
  const Model qwen =
      Require(ImportConfig(ReadTestFile("configs/qwen_7b.json")));
  CHECK(RotationOf(qwen.get(), 0).log_n_length == 8192);
  CHECK(SourceOf(qwen.get(), 0, "log_n_length") == "seq_length");
  CHECK(SourceOf(qwen.get(), 0, "llama_4_scaling_beta").empty());
  const Model mistral =
      Require(ImportConfig(ReadTestFile("configs/ministral3_8b.json")));
  CHECK(RotationOf(mistral.get(), 0).log_n_length == 0);
  CHECK(SourceOf(mistral.get(), 0, "llama_4_scaling_beta") ==
        "text_config.rope_parameters.llama_4_scaling_beta");
  const std::string start = "{\"model_type\": \"qwen\", \"kv_channels\": 128";
  for (const char* rest : {", \"use_logn_attn\": true}",
                           ", \"use_logn_attn\": true, \"seq_length\": 1}",
                           ", \"use_logn_attn\": true, \"seq_length\": -5}"}) {
    CAPTURE(rest);
    CHECK(std::string(ImportConfig(start + rest).error.argument) ==
          "seq_length");
  }
  const Model without =
      Require(ImportConfig(start + ", \"use_logn_attn\": false}"));
  CHECK(RotationOf(without.get(), 0).log_n_length == 0);
}

TEST_CASE("values that the caller states tell so") {
  rotary_import_options options = ImportOptions();
  options.pairing = ROTARY_INTERLEAVED;
  options.axes_layout = ROTARY_AXES_SECTIONS_GGML;
  options.head_dim = 128;
  options.length = 5000;
  const std::string stated = "stated by the caller";
  const Model qwen =
      Require(ImportConfig(ReadTestFile("configs/qwen2_vl_2b.json"), &options));
  const Model phi = Require(
      ImportConfig(ReadTestFile("configs/internvl3_1b.json"), &options));
  const Model gguf = Require(ImportGguf(Qwen2VlGguf().File(), &options));
  for (const rotary_model* model : {qwen.get(), phi.get(), gguf.get()}) {
    CHECK(SourceOf(model, 0, "pairing") == stated);
    CHECK(SourceOf(model, 0, "head_dim") == stated);
    CHECK(RotationOf(model, 0).pairing == ROTARY_INTERLEAVED);
    CHECK(RotationOf(model, 0).head_dim == 128);
  }
  CHECK(SourceOf(qwen.get(), 0, "axes.layout") == stated);
  CHECK(SourceOf(gguf.get(), 0, "axes.layout") == stated);
  CHECK(SourceOf(phi.get(), 0, "scaling.length") == stated);
}

TEST_CASE("values of a GGUF tell their keys") {
  CheckSources(
      Require(ImportGguf(Llama31Gguf().File())).get(),
      {{"base", "llama.rope.freq_base"},
       {"pairing", "architecture llama"},
       {"head_dim", "llama.embedding_length / llama.attention.head_count"},
       {"rotary_dim", "llama.rope.dimension_count"},
       {"scaling.factors", "rope_freqs.weight"},
       {"trained_length", "llama.context_length"}});
  CheckSources(Require(ImportGguf(DeepseekV3Gguf().File())).get(),
               {{"head_dim", "deepseek2.attention.key_length_mla"},
                {"rotary_offset", "architecture deepseek2"},
                {"scaling.kind", "deepseek2.rope.scaling.type"},
                {"scaling.factor", "deepseek2.rope.scaling.factor"},
                {"scaling.mscale_all_dim",
                 "deepseek2.rope.scaling.yarn_log_multiplier"}});
  GgufWriter bare("qwen2");
  bare.Set<uint32_t>(".attention.key_length", 64);
  CheckSources(Require(ImportGguf(bare.File())).get(),
               {{"base", "default"}, {"trained_length", ""}});
}

TEST_CASE("each value is told once, and can be asked for") {
  for (const char* name : {"deepseek_v3", "qwen3_vl_32b", "phi3_mini",
                           "laguna_xs", "modernbert_base"}) {
    CAPTURE(name);
    const Model model = Require(
        ImportConfig(ReadTestFile("configs/" + std::string(name) + ".json")));
    for (int64_t i = 0; i < rotary_model_rotations(model.get()); ++i) {
      const int64_t count = rotary_model_values(model.get(), i);
      std::set<std::string> names;
      for (int64_t v = 0; v < count; ++v) {
        rotary_model_value value;
        rotary_model_value_init(&value, sizeof(value));
        REQUIRE(rotary_model_value_at(model.get(), i, v, &value, nullptr) ==
                ROTARY_OK);
        names.insert(value.name);
        CHECK(std::strlen(value.value) > 0);
        CHECK(std::strlen(value.source) > 0);
        CHECK(SourceOf(model.get(), i, value.name) == value.source);
      }
      CHECK(names.size() == static_cast<size_t>(count));
      for (const char* always :
           {"base", "pairing", "head_dim", "rotary_dim", "scaling.kind"}) {
        CHECK(names.count(always) == 1);
      }
    }
  }
}

TEST_CASE("questions that cannot be answered") {
  const Model model =
      Require(ImportConfig(ReadTestFile("configs/llama3.1_8b.json")));
  rotary_error error = {};
  rotary_rotation rotation;
  rotary_rotation_init(&rotation, sizeof(rotation));
  rotary_model_value value;
  rotary_model_value_init(&value, sizeof(value));
  const auto refused = [&](rotary_status status, const char* argument,
                           rotary_status expected = ROTARY_ERROR_ARGUMENT) {
    CHECK(status == expected);
    CHECK(std::string(error.argument) == argument);
  };
  const rotary_model* m = model.get();
  for (const int64_t wrong : {int64_t{-1}, int64_t{1}, INT64_MAX}) {
    refused(rotary_model_rotation(m, wrong, &rotation, &error), "rotation");
    refused(rotary_model_value_at(m, wrong, 0, &value, &error), "rotation");
    CHECK(rotary_model_values(m, wrong) == 0);
    CHECK(rotary_model_source(m, wrong, "base") == nullptr);
  }
  for (const int64_t wrong : {int64_t{-1}, rotary_model_values(m, 0)}) {
    refused(rotary_model_value_at(m, 0, wrong, &value, &error), "i");
  }
  refused(rotary_model_rotation(nullptr, 0, &rotation, &error), "model");
  refused(rotary_model_value_at(nullptr, 0, 0, &value, &error), "model");
  refused(rotary_model_rotation(m, 0, nullptr, &error), "rotation");
  refused(rotary_model_value_at(m, 0, 0, nullptr, &error), "value");
  rotation.struct_size = value.struct_size = 16;
  refused(rotary_model_rotation(m, 0, &rotation, &error),
          "rotation.struct_size", ROTARY_ERROR_STRUCT_SIZE);
  refused(rotary_model_value_at(m, 0, 0, &value, &error), "value.struct_size",
          ROTARY_ERROR_STRUCT_SIZE);
  CHECK(rotary_model_source(m, 0, "mystery") == nullptr);
  CHECK(rotary_model_source(m, 0, nullptr) == nullptr);
  CHECK(rotary_model_layer(m, -1) == -1);
  CHECK(rotary_model_layer(m, 32) == -1);
  CHECK(std::string(rotary_model_type(nullptr)).empty());
  CHECK(rotary_model_rotations(nullptr) == 0);
  CHECK(rotary_model_layers(nullptr) == 0);
  CHECK(rotary_model_layer(nullptr, 0) == -1);
  CHECK(rotary_model_values(nullptr, 0) == 0);
  CHECK(rotary_model_source(nullptr, 0, "base") == nullptr);
  rotary_model_destroy(nullptr);
}

}  // namespace
}  // namespace rotary_test
