/* What each consumer of this folder builds and runs with the importer, where
 * there is one: a config that is read, and one that is refused, which inside
 * the library is an exception. */
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
  if (rotary_model_from_config("{}", 2, NULL, &model, &error) == ROTARY_OK) {
    fprintf(stderr, "not refused\n");
    return 1;
  }
  return 0;
}
