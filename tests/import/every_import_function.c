/* A plain C host that uses every function of import.h once; returns 0 if all
 * came out as expected. */
#include <rotary/import.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char kConfig[] =
    "{\"model_type\": \"llama\", \"head_dim\": 64, \"num_hidden_layers\": 2,"
    " \"rope_theta\": 500000.0}";
static rotary_error error;

static void Check(int condition, int line) {
  if (!condition) {
    fprintf(stderr, "line %d failed; last error: %s\n", line, error.message);
    exit(1);
  }
}
#define CHECK(condition) Check((condition) != 0, __LINE__)

static int32_t Value(void *user, const char *key, rotary_gguf_value *value) {
  static const uint32_t kHead = 64;
  ++*(int *)user;
  value->count = 1;
  value->element_type = 0;
  if (strcmp(key, "general.architecture") == 0) {
    value->type = 8;
    value->count = 5;
    value->data = "llama";
    return 1;
  }
  if (strcmp(key, "llama.attention.key_length") == 0) {
    value->type = 4;
    value->data = &kHead;
    return 1;
  }
  return 0;
}

static int32_t Tensor(void *user, const char *name,
                      rotary_gguf_tensor *tensor) {
  ++*(int *)user;
  tensor->reserved = 0;
  return name == NULL;
}

static const char *Key(void *user, uint64_t index) {
  ++*(int *)user;
  return index == 0 ? "general.architecture" : NULL;
}

static void Use(rotary_model *model) {
  rotary_rotation rotation;
  rotary_model_value value;
  rotary_embedding *embedding;
  CHECK(strcmp(rotary_model_type(model), "llama") == 0);
  CHECK(rotary_model_rotations(model) == 1);
  CHECK(rotary_model_layer(model, rotary_model_layers(model)) == -1);
  rotary_rotation_init(&rotation, sizeof(rotation));
  CHECK(rotary_model_rotation(model, 0, &rotation, &error) == ROTARY_OK);
  CHECK(rotation.head_dim == 64 && rotation.config.rotary_dim == 64);
  rotary_model_value_init(&value, sizeof(value));
  CHECK(rotary_model_values(model, 0) > 0);
  CHECK(rotary_model_value_at(model, 0, 0, &value, &error) == ROTARY_OK);
  CHECK(strcmp(rotary_model_source(model, 0, value.name), value.source) == 0);
  CHECK(rotary_embedding_create(&rotation.config, &embedding, &error) ==
        ROTARY_OK);
  rotary_embedding_destroy(embedding);
  rotary_model_destroy(model);
}

int main(void) {
  rotary_model *model;
  rotary_import_options options;
  rotary_gguf_source source;
  int calls = 0;
  rotary_import_options_init(&options, sizeof(options));
  CHECK(options.part == ROTARY_PART_TEXT && options.axes_layout == -1);
  CHECK(rotary_model_from_config(kConfig, sizeof(kConfig) - 1, &options, &model,
                                 &error) == ROTARY_OK);
  Use(model);
  rotary_gguf_source_init(&source, sizeof(source));
  source.user = &calls;
  source.value = Value;
  source.tensor = Tensor;
  source.key = Key;
  CHECK(rotary_model_from_gguf_source(&source, NULL, &model, &error) ==
        ROTARY_OK);
  CHECK(calls > 3);
  Use(model);
  CHECK(rotary_model_from_gguf_memory("GGUF", 4, NULL, &model, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(rotary_model_from_gguf_file("", NULL, &model, &error) ==
        ROTARY_ERROR_ARGUMENT);
  return 0;
}
