// Embeddings: made, asked, destroyed.

#include "include/rotary/rotary.h"
#include "lib/config/defaults.h"
#include "lib/config/embedding_config.h"
#include "lib/config/error.h"

namespace {

rotary_status Make(const rotary::EmbeddingConfig& config,
                   rotary_embedding** embedding, rotary_error* error) {
  rotary_embedding* made = rotary::MakeEmbedding(config);
  if (made == nullptr) {
    return rotary::FailMemory(error, rotary::EmbeddingBytes(config));
  }
  if (const rotary_status status = rotary::CheckEmbedding(*made, error)) {
    rotary::FreeEmbedding(made);
    return status;
  }
  *embedding = made;
  return ROTARY_OK;
}

}  // namespace

void rotary_scaling_init(rotary_scaling* scaling, size_t struct_size,
                         rotary_scaling_kind kind) {
  rotary::SetDefaults(scaling, struct_size, kind);
}

void rotary_embedding_config_init(rotary_embedding_config* config,
                                  size_t struct_size) {
  rotary::SetDefaults(config, struct_size);
}

rotary_status rotary_embedding_bytes_needed(
    const rotary_embedding_config* config, size_t* bytes, rotary_error* error) {
  rotary::EmbeddingConfig read;
  if (const rotary_status status =
          rotary::ReadEmbeddingShape(config, &read, error)) {
    return status;
  }
  if (bytes == nullptr) return rotary::FailNull(error, "bytes");
  *bytes = rotary::EmbeddingBytes(read);
  return ROTARY_OK;
}

rotary_status rotary_embedding_create(const rotary_embedding_config* config,
                                      rotary_embedding** embedding,
                                      rotary_error* error) {
  rotary::EmbeddingConfig read;
  if (const rotary_status status =
          rotary::ReadEmbeddingConfig(config, &read, error)) {
    return status;
  }
  if (embedding == nullptr) return rotary::FailNull(error, "embedding");
  return Make(read, embedding, error);
}

rotary_status rotary_embedding_from_base(int64_t rotary_dim, double base,
                                         rotary_embedding** embedding,
                                         rotary_error* error) {
  rotary_embedding_config config;
  rotary::SetDefaults(&config, sizeof(config));
  config.rotary_dim = rotary_dim;
  config.base = base;
  return rotary_embedding_create(&config, embedding, error);
}

rotary_status rotary_embedding_for_length(rotary_embedding* embedding,
                                          double length,
                                          rotary_embedding** other,
                                          rotary_error* error) {
  rotary::EmbeddingConfig config;
  if (const rotary_status status =
          rotary::ReadLength(embedding, length, &config, error)) {
    return status;
  }
  if (other == nullptr) return rotary::FailNull(error, "other");
  if (!rotary::LengthMatters(embedding->config.model, config.model)) {
    *other = embedding;
    return ROTARY_OK;
  }
  return Make(config, other, error);
}

void rotary_embedding_destroy(rotary_embedding* embedding) {
  rotary::FreeEmbedding(embedding);
}

int64_t rotary_embedding_rotary_dim(const rotary_embedding* embedding) {
  return embedding == nullptr ? 0 : 2 * embedding->pairs;
}

double rotary_embedding_gain(const rotary_embedding* embedding) {
  return embedding == nullptr ? 0.0 : embedding->gain;
}

double rotary_embedding_softmax_multiplier(const rotary_embedding* embedding) {
  return embedding == nullptr ? 0.0 : embedding->softmax_multiplier;
}

size_t rotary_embedding_bytes(const rotary_embedding* embedding) {
  return embedding == nullptr ? 0 : embedding->bytes;
}

rotary_status rotary_embedding_inv_freq(const rotary_embedding* embedding,
                                        double* inv_freq, int64_t count,
                                        rotary_error* error) {
  if (embedding == nullptr) return rotary::FailNull(error, "embedding");
  if (inv_freq == nullptr) return rotary::FailNull(error, "inv_freq");
  if (count != embedding->pairs) {
    return rotary::FailArgument(error, "count", count,
                                "must be rotary_dim / 2");
  }
  for (int64_t i = 0; i < count; ++i) inv_freq[i] = embedding->inv_freq[i];
  return ROTARY_OK;
}
