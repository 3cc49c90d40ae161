// The fuzz target of librotary_import, libFuzzer's: any bytes as a config.json
// or a GGUF, by options drawn from the input.  Every model that comes out must
// answer every question and make embeddings.

#include <rotary/import.h>

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

// The input begins with these.
struct Header {
  uint8_t parser;  // even: config.json, odd: GGUF
  uint8_t part;
  uint8_t pairing;
  uint8_t axes_layout;
  uint8_t head_dim;
  uint8_t length;  // its power of two
  uint8_t fill[2];
};

void Expect(bool holds) {
  if (!holds) abort();
}

// Every text ends; every value can be had.
void ReadAll(const rotary_model* model) {
  size_t letters = strlen(rotary_model_type(model));
  const int64_t count = rotary_model_rotations(model);
  for (int64_t i = 0; i < count; ++i) {
    rotary_rotation rotation;
    rotary_rotation_init(&rotation, sizeof(rotation));
    Expect(rotary_model_rotation(model, i, &rotation, nullptr) == ROTARY_OK);
    Expect(rotation.head_dim >= 2 && rotation.rotary_offset >= 0 &&
           rotation.config.rotary_dim <=
               rotation.head_dim - rotation.rotary_offset);
    Expect(rotation.pairing == ROTARY_HALF ||
           rotation.pairing == ROTARY_INTERLEAVED);
    letters += strlen(rotation.name);
    for (int64_t v = 0; v < rotary_model_values(model, i); ++v) {
      rotary_model_value value;
      rotary_model_value_init(&value, sizeof(value));
      Expect(rotary_model_value_at(model, i, v, &value, nullptr) == ROTARY_OK);
      letters += strlen(value.value);
      Expect(strcmp(rotary_model_source(model, i, value.name), value.source) ==
             0);
    }
    // Few pairs: with more an input takes too long.
    size_t bytes = 0;
    if (rotation.config.rotary_dim <= 32 &&
        rotary_embedding_bytes_needed(&rotation.config, &bytes, nullptr) ==
            ROTARY_OK) {
      rotary_embedding* embedding = nullptr;
      if (rotary_embedding_create(&rotation.config, &embedding, nullptr) ==
          ROTARY_OK) {
        rotary_embedding_destroy(embedding);
      }
    }
  }
  for (int64_t i = 0; i < rotary_model_layers(model); ++i) {
    const int64_t rotation = rotary_model_layer(model, i);
    Expect(rotation >= -1 && rotation < count);
  }
  Expect(letters < SIZE_MAX);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  Header header;
  if (size < sizeof(header)) return 0;
  memcpy(&header, data, sizeof(header));
  data += sizeof(header);
  size -= sizeof(header);
  rotary_import_options options;
  rotary_import_options_init(&options, sizeof(options));
  options.part = header.part % 2;
  options.pairing = header.pairing % 3;
  options.axes_layout = (header.axes_layout + 1) % 256 % 10 - 1;
  options.head_dim = header.head_dim;
  if (header.length > 0) {
    options.length = static_cast<double>(uint64_t{1} << header.length % 40);
  }
  rotary_model* model = nullptr;
  rotary_error error;
  const rotary_status status =
      header.parser % 2 == 0
          ? rotary_model_from_config(reinterpret_cast<const char*>(data), size,
                                     &options, &model, &error)
          : rotary_model_from_gguf_memory(data, size, &options, &model, &error);
  Expect((status == ROTARY_OK) == (model != nullptr));
  if (model != nullptr) {
    ReadAll(model);
    rotary_model_destroy(model);
  } else {
    Expect(error.status == status && error.argument[0] != '\0' &&
           memchr(error.argument, 0, sizeof(error.argument)) != nullptr &&
           memchr(error.message, 0, sizeof(error.message)) != nullptr);
  }
  return 0;
}
