// What an embedding may be made of.  Called by api.

#ifndef ROTARY_LIB_CONFIG_EMBEDDING_CONFIG_H_
#define ROTARY_LIB_CONFIG_EMBEDDING_CONFIG_H_

#include "include/rotary/rotary.h"
#include "lib/rows/embedding.h"

namespace rotary {

// Everything but the values of inv_freq.
rotary_status ReadEmbeddingShape(const rotary_embedding_config* from,
                                 EmbeddingConfig* config, rotary_error* error);

rotary_status ReadEmbeddingConfig(const rotary_embedding_config* from,
                                  EmbeddingConfig* config, rotary_error* error);

// What the config has made.
rotary_status CheckEmbedding(const rotary_embedding& embedding,
                             rotary_error* error);

// The config of an embedding for another length.
rotary_status ReadLength(const rotary_embedding* embedding, double length,
                         EmbeddingConfig* config, rotary_error* error);

// Of the way from one embedding to another.
rotary_status ReadBetween(const rotary_embedding* from,
                          const rotary_embedding* to, EmbeddingConfig* config,
                          rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_EMBEDDING_CONFIG_H_
