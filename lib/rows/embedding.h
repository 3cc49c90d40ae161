// The embedding: what a model's rotation is.  Made by api, read by rows.

#ifndef ROTARY_LIB_ROWS_EMBEDDING_H_
#define ROTARY_LIB_ROWS_EMBEDDING_H_

#include <stddef.h>
#include <stdint.h>

#include "lib/frequencies/scaling.h"

namespace rotary {

// What defines an embedding.
struct EmbeddingConfig {
  int64_t rotary_dim;
  double gain;                 // beside the model's attention factor
  const double* inv_freq_f64;  // one of these, or neither: by the model
  const float* inv_freq_f32;
  Model model;
};

}  // namespace rotary

// One allocation: this, then inv_freq, the model's divisors, and the table.
// Immutable once made.
struct rotary_embedding {
  int64_t pairs;
  double gain;
  double softmax_multiplier;
  size_t bytes;
  double* inv_freq;                // [pairs]
  double* table;                   // see rows/table.h
  rotary::EmbeddingConfig config;  // whose arrays are its own
};

namespace rotary {

// Larger heads than any model has; keeps every size far from overflow.
constexpr int64_t kMaxRotaryDim = 65536;

size_t EmbeddingBytes(const EmbeddingConfig& config);

// nullptr if there is no memory.
rotary_embedding* MakeEmbedding(const EmbeddingConfig& config);
void FreeEmbedding(rotary_embedding* embedding);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_EMBEDDING_H_
