// A file as a model: reads it and has rotary_import say what it is.

#ifndef ROTARY_LIB_INSPECT_MODEL_FILE_H_
#define ROTARY_LIB_INSPECT_MODEL_FILE_H_

#include <rotary/import.h>

#include <memory>
#include <string>

namespace rotary_inspect {

struct DestroyModel {
  void operator()(rotary_model* model) const { rotary_model_destroy(model); }
};

struct ModelFile {
  std::unique_ptr<rotary_model, DestroyModel> model;
  bool is_gguf = false;
};

// Throws a Failure.
ModelFile ReadModelFile(const std::string& path,
                        const rotary_import_options& options);

// A Failure with the error's message, unless status is ROTARY_OK.
void Check(rotary_status status, const rotary_error& error);

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_MODEL_FILE_H_
