// Embeddings: made, asked, destroyed.

#include "include/rotary/rotary.h"
#include "lib/config/defaults.h"
#include "lib/config/embedding_config.h"
#include "lib/config/error.h"
#include "lib/rows/fingerprint.h"

namespace {

rotary_status Make(const rotary::EmbeddingConfig& config, bool with_table,
                   rotary_embedding** embedding, rotary_error* error) {
  rotary_embedding* made = rotary::MakeEmbedding(config, with_table);
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

void rotary_axes_init(rotary_axes* axes, size_t struct_size) {
  rotary::SetDefaults(axes, struct_size);
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
  return Make(read, true, embedding, error);
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
  return Make(config, true, other, error);
}

rotary_status rotary_embedding_between(const rotary_embedding* from,
                                       const rotary_embedding* to,
                                       rotary_embedding** between,
                                       rotary_error* error) {
  rotary::EmbeddingConfig config;
  if (const rotary_status status =
          rotary::ReadBetween(from, to, &config, error)) {
    return status;
  }
  if (between == nullptr) return rotary::FailNull(error, "between");
  return Make(config, true, between, error);
}

uint64_t rotary_embedding_fingerprint(const rotary_embedding* embedding) {
  return embedding == nullptr ? 0 : rotary::Fingerprint(*embedding);
}

rotary_status rotary_embedding_config_equal(const rotary_embedding_config* a,
                                            const rotary_embedding_config* b,
                                            int32_t* equal,
                                            rotary_error* error) {
  const rotary_embedding_config* const configs[] = {a, b};
  rotary_embedding* made[] = {nullptr, nullptr};
  if (equal == nullptr) return rotary::FailNull(error, "equal");
  rotary_status status = ROTARY_OK;
  for (int i = 0; i < 2 && status == ROTARY_OK; ++i) {
    rotary::EmbeddingConfig read;
    status = rotary::ReadEmbeddingConfig(configs[i], &read, error);
    if (status == ROTARY_OK) status = Make(read, false, &made[i], error);
    if (status != ROTARY_OK) rotary::NameConfig(error, i == 0 ? 'a' : 'b');
  }
  if (made[0] != nullptr && made[1] != nullptr) {
    *equal = rotary::HaveSameRotation(*made[0], *made[1]) ? 1 : 0;
  }
  for (rotary_embedding* embedding : made) rotary::FreeEmbedding(embedding);
  return status;
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

int64_t rotary_embedding_axes(const rotary_embedding* embedding) {
  return embedding == nullptr ? 0 : embedding->axes;
}

int64_t rotary_embedding_heads(const rotary_embedding* embedding) {
  return embedding == nullptr ? 0 : embedding->heads;
}

rotary_status rotary_embedding_inv_freq(const rotary_embedding* embedding,
                                        double* inv_freq, int64_t count,
                                        rotary_error* error) {
  if (embedding == nullptr) return rotary::FailNull(error, "embedding");
  if (inv_freq == nullptr) return rotary::FailNull(error, "inv_freq");
  const int64_t pairs = embedding->pairs;
  const int64_t rows = embedding->heads * embedding->axes;
  if (count != rows * pairs) {
    return rotary::FailArgument(error, "count", count,
                                "must be heads * axes * rotary_dim / 2");
  }
  for (int64_t row = 0; row < rows; ++row) {
    const double* from = embedding->inv_freq + row * embedding->padded_pairs;
    for (int64_t i = 0; i < pairs; ++i) inv_freq[row * pairs + i] = from[i];
  }
  return ROTARY_OK;
}
