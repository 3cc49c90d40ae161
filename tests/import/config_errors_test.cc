// What a config.json is refused for: the status, and an argument that names the
// key, whatever is wrong.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "tests/import/imported.h"

namespace rotary_test {
namespace {

using nlohmann::json;

const char kLlama[] = R"({"model_type": "llama", "hidden_size": 256,
  "num_attention_heads": 4, "num_hidden_layers": 2, "rope_theta": 10000.0,
  "max_position_embeddings": 8192})";

// The config above with changes; null removes.
std::string Changed(const std::string& changes) {
  json config = json::parse(kLlama);
  config.merge_patch(json::parse(changes));
  return config.dump();
}

void CheckRefused(const std::string& text, const std::string& argument,
                  const rotary_import_options* options = nullptr,
                  rotary_status status = ROTARY_ERROR_ARGUMENT) {
  CAPTURE(text.substr(0, 200));
  const Imported imported = ImportConfig(text, options);
  CHECK(imported.status == status);
  CHECK(std::string(imported.error.argument) == argument);
  CHECK(std::string(imported.error.message).size() > argument.size());
}

struct Case {
  const char* changes;
  const char* argument;
};

TEST_CASE("values that a config.json may not have") {
  Require(ImportConfig(kLlama));
  const Case cases[] = {
      {R"({"model_type": "mystery"})", "model_type"},
      {R"({"model_type": null})", "model_type"},
      {R"({"model_type": 3})", "model_type"},
      // Keys that nobody knows.
      {R"({"rope_mystery": 1})", "rope_mystery"},
      {R"({"rotary_mystery": false})", "rotary_mystery"},
      {R"({"myRopeKey": "x"})", "myRopeKey"},
      {R"({"rope_scaling": {"rope_type": "linear", "factor": 2, "x": 1}})",
       "rope_scaling.x"},
      {R"({"use_rope": false})", "use_rope"},
      // Types.
      {R"({"rope_theta": "10000"})", "rope_theta"},
      {R"({"rope_theta": true})", "rope_theta"},
      {R"({"rope_theta": [10000]})", "rope_theta"},
      {R"({"hidden_size": "256"})", "hidden_size"},
      {R"({"num_attention_heads": 4.5})", "num_attention_heads"},
      {R"({"num_hidden_layers": 2.5})", "num_hidden_layers"},
      {R"({"num_hidden_layers": 1e17})", "num_hidden_layers"},
      {R"({"rope_scaling": []})", "rope_scaling"},
      {R"({"rope_scaling": "linear"})", "rope_scaling"},
      {R"({"rope_scaling": {"type": 3}})", "rope_scaling.type"},
      {R"({"rope_scaling": {"type": "linear", "factor": "2"}})",
       "rope_scaling.factor"},
      {R"({"rope_scaling": {"type": "yarn", "factor": 2, "truncate": 1}})",
       "rope_scaling.truncate"},
      {R"({"layer_types": "full_attention"})", "layer_types"},
      {R"({"layer_types": [1, 2]})", "layer_types"},
      {R"({"text_config": 3})", "text_config"},
      // Numbers.
      {R"({"rope_theta": -1})", "rope_theta"},
      {R"({"rope_theta": 0})", "rope_theta"},
      {R"({"num_attention_heads": 0})", "num_attention_heads"},
      {R"({"num_attention_heads": -4})", "num_attention_heads"},
      {R"({"num_hidden_layers": -1})", "num_hidden_layers"},
      {R"({"num_hidden_layers": 65537})", "num_hidden_layers"},
      {R"({"head_dim": 0})", "head_dim"},
      {R"({"head_dim": -64})", "head_dim"},
      {R"({"head_dim": 65})", "head_dim"},
      {R"({"rotary_dim": 63})", "rotary_dim"},
      {R"({"rotary_dim": 0})", "rotary_dim"},
      {R"({"head_dim": 64, "rotary_dim": 66})", "head_dim"},
      {R"({"partial_rotary_factor": 0})", "partial_rotary_factor"},
      {R"({"partial_rotary_factor": 1.5})", "partial_rotary_factor"},
      {R"({"partial_rotary_factor": -0.5})", "partial_rotary_factor"},
      {R"({"partial_rotary_factor": 0.33})", "partial_rotary_factor"},
      {R"({"rope_scaling": {"type": "linear", "factor": -2}})",
       "rope_scaling.factor"},
      {R"({"rope_scaling": {"type": "linear", "factor": 0}})",
       "rope_scaling.factor"},
      {R"({"rope_scaling": {"type": "default", "factor": 2}})",
       "rope_scaling.factor"},
      {R"({"rope_scaling": {"type": "yarn", "factor": 2,
          "original_max_position_embeddings": -4096}})",
       "rope_scaling.original_max_position_embeddings"},
      {R"({"rope_scaling": {"type": "yarn", "factor": 2,
          "attention_factor": -1}})",
       "rope_scaling.attention_factor"},
      // Kinds.
      {R"({"rope_scaling": {"type": "ntk", "factor": 2}})",
       "rope_scaling.type"},
      {R"({"rope_scaling": {"rope_type": "", "type": "linear"}})",
       "rope_scaling.rope_type"},
      // What is missing.
      {R"({"hidden_size": null})", "head_dim"},
      {R"({"rope_scaling": {"type": "linear"}})", "rope_scaling.factor"},
      {R"({"rope_scaling": {"type": "dynamic"}})", "rope_scaling.factor"},
      {R"({"rope_scaling": {"type": "dynamic", "factor": 2},
          "max_position_embeddings": null})",
       "max_position_embeddings"},
      {R"({"rope_scaling": {"type": "yarn", "factor": 2},
          "max_position_embeddings": null})",
       "rope_scaling.original_max_position_embeddings"},
      {R"({"rope_scaling": {"type": "llama3", "factor": 8,
          "high_freq_factor": 4}})",
       "rope_scaling.low_freq_factor"},
      {R"({"rope_parameters": {"rope_type": "longrope", "factor": 8}})",
       "rope_parameters.short_factor"},
      {R"({"model_type": "gpt_oss"})", "rope_parameters"},
      {R"({"model_type": "qwen2_vl"})", "rope_parameters.mrope_section"},
      {R"({"model_type": "gemma4_text", "num_hidden_layers": 6,
          "rope_parameters": {"full_attention": {"rope_theta": 1e6}}})",
       "rope_parameters.sliding_attention"},
      // Lists.
      {R"({"layer_types": ["full_attention"]})", "layer_types"},
      {R"({"model_type": "smollm3", "no_rope_layers": [1]})", "no_rope_layers"},
      {R"({"rope_scaling": {"type": "longrope", "short_factor": [1, 2],
          "long_factor": [1, 2]}})",
       "rope_scaling.short_factor"},
      {R"({"rope_scaling": {"type": "longrope", "short_factor": 1,
          "long_factor": [1, 2]}})",
       "rope_scaling.short_factor"},
      {R"({"rope_scaling": {"type": "longrope", "short_factor": [],
          "long_factor": []}})",
       "rope_scaling.short_factor"},
      {R"({"rope_scaling": {"mrope_section": [8, 12, 12]}})",
       "rope_scaling.mrope_section"},
      {R"({"model_type": "qwen2_vl", "rope_scaling": {"mrope_section": []}})",
       "rope_scaling.mrope_section"},
      {R"({"model_type": "qwen2_vl",
          "rope_scaling": {"mrope_section": [8, 12, 13]}})",
       "rope_scaling.mrope_section"},
      {R"({"model_type": "qwen2_vl",
          "rope_scaling": {"mrope_section": [8.5, 11.5, 12]}})",
       "rope_scaling.mrope_section"},
      {R"({"model_type": "qwen2_vl",
          "rope_scaling": {"mrope_section": [-8, 28, 12]}})",
       "rope_scaling.mrope_section"},
      {R"({"model_type": "qwen2_vl",
          "rope_scaling": {"mrope_section": [32, 0, 0, 0, 0, 0, 0, 0, 0]}})",
       "rope_scaling.mrope_section"},
      {R"({"model_type": "mllama_text_model", "cross_attention_layers": [2]})",
       "cross_attention_layers"},
  };
  for (const Case& refused : cases) {
    CheckRefused(Changed(refused.changes), refused.argument);
  }
}

TEST_CASE("a stated pairing stands for a model_type that is not known") {
  rotary_import_options options = ImportOptions();
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    options.pairing = pairing;
    for (const char* type :
         {R"({"model_type": "mystery"})", R"({"model_type": null})"}) {
      const Model model = Require(ImportConfig(Changed(type), &options));
      REQUIRE(rotary_model_rotations(model.get()) == 1);
      CHECK(RotationOf(model.get(), 0).pairing == pairing);
      CHECK(RotationOf(model.get(), 0).head_dim == 64);
    }
  }
  CheckRefused(Changed(R"({"model_type": "mystery", "rope_x": 1})"), "rope_x",
               &options);
}

TEST_CASE("NaN and Infinity are no numbers, and no errors where none counts") {
  const std::string begin = "{\"model_type\": \"llama\", \"head_dim\": 64, ";
  for (const char* name : {"NaN", "Infinity", "-Infinity"}) {
    CheckRefused(begin + "\"rope_theta\": " + name + "}", "rope_theta");
    CheckRefused(begin +
                     "\"rope_scaling\": {\"type\": \"linear\", "
                     "\"factor\": " +
                     name + "}}",
                 "rope_scaling.factor");
    Require(ImportConfig(begin + "\"time_step_limit\": [0.0, " + name + "]}"));
    // In a text it is a text.
    Require(ImportConfig(begin + "\"note\": \"a \\\"" + name + "\\\" " + name +
                         "\"}"));
  }
  CheckRefused(begin + "\"x\": Infinit}", "text");
  CheckRefused(begin + "\"rope_theta\": 1e400}", "text");
  CheckRefused(begin + "\"rope_theta\": 1e-400}", "rope_theta");
}

TEST_CASE("what is no config.json at all") {
  CheckRefused("", "text");
  CheckRefused(std::string(1, '\0'), "text");
  for (const char* text : {"[]", "3", "null", "\"llama\"", "{} {}", "{,}",
                           "{\"a\": 1,}", "{\"a\" 1}", "\xff{}"}) {
    CheckRefused(text, "text");
  }
  // Keys that stand twice: here, below, and without a name.
  CheckRefused(R"({"a": 1, "b": {"a": 1}, "a": 1})", "a");
  CheckRefused(R"({"x": [{"a": 1, "a": 1}]})", "a");
  CheckRefused(R"({"": 1, "": 1})", "?");
  CheckRefused(R"({"\u0000x": 1, "\u0000x": 1})", "?x");
  // Deep, long, and of many values.
  CheckRefused(std::string(100000, '['), "text");
  CheckRefused("{\"a\": " + std::string(40, '[') + std::string(40, ']') + "}",
               "text");
  std::string many = "{\"a\": [0";
  for (int i = 0; i < 250000; ++i) many += ",0";
  CheckRefused(many + "]}", "text");
  CheckRefused("{\"a\": \"" + std::string(size_t{17} << 20, 'x') + "\"}",
               "size");
  // A key is shortened from the left.
  const std::string key = "rope_" + std::string(100, 'x') + "end";
  CheckRefused(Changed("{\"" + key + "\": 1}"), key.substr(key.size() - 63));
}

TEST_CASE("a config.json that ends anywhere is refused") {
  const std::string text = ReadTestFile("configs/llama3.1_8b.json");
  Require(ImportConfig(text));
  const size_t end = text.rfind('}');
  for (size_t size = 0; size <= end; ++size) {
    CAPTURE(size);
    // Of its own, so that a sanitizer sees what is read behind it.
    const auto part = std::make_unique<char[]>(size);
    text.copy(part.get(), size);
    rotary_model* model = nullptr;
    rotary_error error = {};
    CHECK(rotary_model_from_config(part.get(), size, nullptr, &model, &error) ==
          ROTARY_ERROR_ARGUMENT);
    CHECK(std::string(error.argument) == "text");
    CHECK(model == nullptr);
  }
}

TEST_CASE("parts that are not there") {
  rotary_import_options options = ImportOptions();
  options.part = ROTARY_PART_VISION;
  CheckRefused(kLlama, "vision_config", &options);
}

TEST_CASE("options and arguments that are not legal") {
  const auto refused = [](const char* argument, auto change,
                          rotary_status status = ROTARY_ERROR_ARGUMENT) {
    rotary_import_options options = ImportOptions();
    change(&options);
    CheckRefused(kLlama, argument, &options, status);
  };
  using Options = rotary_import_options*;
  refused(
      "options.struct_size", [](Options o) { o->struct_size -= 8; },
      ROTARY_ERROR_STRUCT_SIZE);
  refused("options.part", [](Options o) { o->part = 2; });
  refused("options.part", [](Options o) { o->part = -1; });
  refused("options.pairing", [](Options o) { o->pairing = 3; });
  refused("options.pairing", [](Options o) { o->pairing = -1; });
  refused("options.axes_layout", [](Options o) { o->axes_layout = -2; });
  refused("options.axes_layout", [](Options o) { o->axes_layout = 9; });
  refused("options.reserved", [](Options o) { o->reserved = 1; });
  refused("options.head_dim", [](Options o) { o->head_dim = -1; });
  for (const double length : {-1.0, std::nan(""), HUGE_VAL, 0x1p60}) {
    refused("options.length", [=](Options o) { o->length = length; });
  }
  rotary_error error = {};
  rotary_model* model = nullptr;
  CHECK(rotary_model_from_config(nullptr, 3, nullptr, &model, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(std::string(error.argument) == "text");
  CHECK(rotary_model_from_config("{}", 2, nullptr, nullptr, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(std::string(error.argument) == "model");
  CHECK(rotary_model_from_config("{}", 2, nullptr, &model, nullptr) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(model == nullptr);
}

}  // namespace
}  // namespace rotary_test
