// Models made by librotary_import, and what they say as values that can be
// compared.  Used by this folder's tests.

#ifndef TESTS_IMPORT_IMPORTED_H_
#define TESTS_IMPORT_IMPORTED_H_

#include <rotary/import.h>

#include <memory>
#include <string>

#include "tests/import/gguf_writer.h"

namespace rotary_test {

struct ModelDeleter {
  void operator()(rotary_model* model) const { rotary_model_destroy(model); }
};
using Model = std::unique_ptr<rotary_model, ModelDeleter>;

rotary_import_options ImportOptions();

// What a call gave: a model, or an error.
struct Imported {
  Model model;
  rotary_status status = ROTARY_OK;
  rotary_error error = {};
};

// Each fails the test if a call that fails writes *model, or one that does not
// leaves it.
Imported ImportConfig(const std::string& text,
                      const rotary_import_options* options = nullptr);
Imported ImportGguf(const std::string& file,
                    const rotary_import_options* options = nullptr);
Imported ImportGgufFile(const std::string& file,
                        const rotary_import_options* options = nullptr);
Imported ImportGgufSource(const rotary_gguf_source& source,
                          const rotary_import_options* options = nullptr);

// Fails the test, with the error's message, unless there is a model.
Model Require(Imported imported);

rotary_rotation RotationOf(const rotary_model* model, int64_t index);

// Of each layer the digit of its rotation, or "-".
std::string LayersOf(const rotary_model* model);

// The source of a value, or "" if there is none.
std::string SourceOf(const rotary_model* model, int64_t rotation,
                     const std::string& name);

// All that a model says, with the fingerprints of its embeddings.
std::string Describe(const rotary_model* model);

// The text of a file of this folder.
std::string ReadTestFile(const std::string& name);

}  // namespace rotary_test

#endif  // TESTS_IMPORT_IMPORTED_H_
