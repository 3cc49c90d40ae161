// What an embedding has besides frequencies: axes, heads and the arithmetic of
// its rows.  Used by config/embedding_config.cc.

#ifndef ROTARY_LIB_CONFIG_AXES_CONFIG_H_
#define ROTARY_LIB_CONFIG_AXES_CONFIG_H_

#include "include/rotary/rotary.h"
#include "lib/rows/embedding.h"

namespace rotary {

rotary_status ReadHeadsAndAxes(const rotary_embedding_config& from,
                               EmbeddingConfig* config, rotary_error* error);

rotary_status ReadArithmetic(const rotary_embedding_config& from,
                             EmbeddingConfig* config, rotary_error* error);

// Whether the arithmetic goes with all else in the config.
rotary_status CheckArithmetic(const EmbeddingConfig& config,
                              rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_AXES_CONFIG_H_
