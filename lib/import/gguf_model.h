// A model from GGUF metadata.

#ifndef ROTARY_LIB_IMPORT_GGUF_MODEL_H_
#define ROTARY_LIB_IMPORT_GGUF_MODEL_H_

#include <rotary/import.h>

#include "lib/import/gguf_reader.h"
#include "lib/import/rotation.h"

namespace rotary_import {

// Throws a Refusal.
Model ModelOfGguf(GgufReader* reader, const rotary_import_options& options);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_GGUF_MODEL_H_
