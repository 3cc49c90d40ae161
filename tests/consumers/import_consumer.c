/* A project that uses the importer as it is installed: reads a config. */
#include <rotary/import.h>
#include <stdio.h>

int main(void) {
  static const char kConfig[] = "{\"model_type\": \"llama\", \"head_dim\": 64}";
  rotary_model *model;
  rotary_error error;
  if (rotary_model_from_config(kConfig, sizeof(kConfig) - 1, NULL, &model,
                               &error) != ROTARY_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  rotary_model_destroy(model);
  return 0;
}
