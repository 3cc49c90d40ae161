#include "tests/import/imported.h"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <utility>

#include "tests/support/objects.h"

namespace rotary_test {
namespace {

// Calls, with a model that must stay or change.
template <class Function>
Imported Import(const Function& call) {
  Imported imported;
  const auto unwritten = reinterpret_cast<rotary_model*>(&imported);
  rotary_model* model = unwritten;
  imported.status = call(&model, &imported.error);
  CHECK((model == unwritten) == (imported.status != ROTARY_OK));
  CHECK(model != nullptr);
  if (imported.status == ROTARY_OK) {
    imported.model.reset(model);
  } else {
    CHECK(imported.error.status == imported.status);
    CHECK(imported.error.tensor == -1);
    CHECK(imported.error.token == -1);
  }
  return imported;
}

}  // namespace

rotary_import_options ImportOptions() {
  rotary_import_options options;
  rotary_import_options_init(&options, sizeof(options));
  return options;
}

Imported ImportConfig(const std::string& text,
                      const rotary_import_options* options) {
  return Import([&](rotary_model** model, rotary_error* error) {
    return rotary_model_from_config(text.data(), text.size(), options, model,
                                    error);
  });
}

Imported ImportGguf(const std::string& file,
                    const rotary_import_options* options) {
  return Import([&](rotary_model** model, rotary_error* error) {
    return rotary_model_from_gguf_memory(file.data(), file.size(), options,
                                         model, error);
  });
}

Imported ImportGgufFile(const std::string& file,
                        const rotary_import_options* options) {
  std::string path =
      std::filesystem::temp_directory_path() / "rotary_import_XXXXXX";
  const int descriptor = mkstemp(path.data());
  REQUIRE(descriptor >= 0);
  close(descriptor);
  std::ofstream(path, std::ios::binary) << file;
  Imported imported = Import([&](rotary_model** model, rotary_error* error) {
    return rotary_model_from_gguf_file(path.c_str(), options, model, error);
  });
  std::filesystem::remove(path);
  return imported;
}

Imported ImportGgufSource(const rotary_gguf_source& source,
                          const rotary_import_options* options) {
  return Import([&](rotary_model** model, rotary_error* error) {
    return rotary_model_from_gguf_source(&source, options, model, error);
  });
}

Model Require(Imported imported) {
  RequireOk(imported.status, imported.error);
  return std::move(imported.model);
}

rotary_rotation RotationOf(const rotary_model* model, int64_t index) {
  rotary_rotation rotation;
  rotary_rotation_init(&rotation, sizeof(rotation));
  rotary_error error = {};
  RequireOk(rotary_model_rotation(model, index, &rotation, &error), error);
  return rotation;
}

std::string LayersOf(const rotary_model* model) {
  std::string layers;
  for (int64_t i = 0; i < rotary_model_layers(model); ++i) {
    const int64_t rotation = rotary_model_layer(model, i);
    layers += rotation < 0 ? '-' : static_cast<char>('0' + rotation);
  }
  return layers;
}

std::string SourceOf(const rotary_model* model, int64_t rotation,
                     const std::string& name) {
  const char* source = rotary_model_source(model, rotation, name.c_str());
  return source == nullptr ? "" : source;
}

std::string Describe(const rotary_model* model) {
  std::ostringstream text;
  text.precision(17);
  text << rotary_model_type(model) << ' ' << LayersOf(model) << '\n';
  for (int64_t i = 0; i < rotary_model_rotations(model); ++i) {
    const rotary_rotation rotation = RotationOf(model, i);
    text << rotation.name << ' ' << rotation.pairing << ' ' << rotation.head_dim
         << ' ' << rotation.config.rotary_dim << ' ' << rotation.rotary_offset
         << ' ' << rotation.softmax_multiplier << ' ' << rotation.trained_length
         << ' ' << rotation.layers << ' '
         << rotary_embedding_fingerprint(EmbeddingOf(rotation.config).get())
         << '\n';
    for (int64_t v = 0; v < rotary_model_values(model, i); ++v) {
      rotary_model_value value;
      rotary_model_value_init(&value, sizeof(value));
      REQUIRE(rotary_model_value_at(model, i, v, &value, nullptr) == ROTARY_OK);
      text << value.name << '=' << value.value << " of " << value.source
           << '\n';
    }
  }
  return text.str();
}

std::string ReadTestFile(const std::string& name) {
  const std::ifstream file(std::string(ROTARY_TEST_IMPORT_DIR) + "/" + name);
  REQUIRE_MESSAGE(file.good(), name);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace rotary_test
