// The scaling that GGUF metadata state, as llama.cpp computes with it.  Used by
// gguf_model.cc.

#ifndef ROTARY_LIB_IMPORT_GGUF_SCALING_H_
#define ROTARY_LIB_IMPORT_GGUF_SCALING_H_

#include "lib/import/gguf_architectures.h"
#include "lib/import/gguf_keys.h"
#include "lib/import/rotation.h"

namespace rotary_import {

// Sets the scaling, the gain, and what the softmax is multiplied by.  `length`
// is that of the sequences, or 0.
void ReadGgufScaling(const GgufKeys& keys, const GgufArchitecture& architecture,
                     double length, Rotation* rotation);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_GGUF_SCALING_H_
