// A model from the text of a config.json.

#ifndef ROTARY_LIB_IMPORT_CONFIG_MODEL_H_
#define ROTARY_LIB_IMPORT_CONFIG_MODEL_H_

#include <rotary/import.h>
#include <stddef.h>

#include "lib/import/rotation.h"

namespace rotary_import {

// Throws a Refusal.
Model ModelOfConfig(const char* text, size_t size,
                    const rotary_import_options& options);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_CONFIG_MODEL_H_
