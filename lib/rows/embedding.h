// The embedding: what a model's rotation is.  Made by api, read by rows.

#ifndef ROTARY_LIB_ROWS_EMBEDDING_H_
#define ROTARY_LIB_ROWS_EMBEDDING_H_

#include <stddef.h>
#include <stdint.h>

// One allocation: this, then inv_freq, then the table.  Immutable once made.
struct rotary_embedding {
  int64_t pairs;
  double gain;
  size_t bytes;
  double* inv_freq;  // [pairs]
  double* table;     // see rows/table.h
};

namespace rotary {

// What defines an embedding.
struct EmbeddingConfig {
  int64_t rotary_dim;
  double base;
  double gain;
  const double* inv_freq_f64;  // one of these, or neither: by base
  const float* inv_freq_f32;
};

// Larger heads than any model has; keeps every size far from overflow.
constexpr int64_t kMaxRotaryDim = 65536;

size_t EmbeddingBytes(int64_t rotary_dim);

// nullptr if there is no memory.
rotary_embedding* MakeEmbedding(const EmbeddingConfig& config);
void FreeEmbedding(rotary_embedding* embedding);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_EMBEDDING_H_
