#include "lib/rows/embedding.h"

#include <stdlib.h>

#include <new>

#include "lib/kernels/kernels.h"
#include "lib/rows/table.h"

namespace rotary {
namespace {

constexpr size_t kAlignment = 64;

constexpr size_t AlignUp(size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Where the parts are, in bytes from the start.
struct Layout {
  size_t inv_freq;
  size_t divisors;
  size_t table;
  size_t bytes;
};

Layout LayoutOf(const EmbeddingConfig& config) {
  const int64_t pairs = config.rotary_dim / 2;
  const Model& model = config.model;
  const size_t lists = size_t{model.factors.data != nullptr} +
                       size_t{model.short_factors.data != nullptr} +
                       size_t{model.long_factors.data != nullptr};
  const size_t list = static_cast<size_t>(pairs) * sizeof(double);
  Layout layout;
  layout.inv_freq = AlignUp(sizeof(rotary_embedding));
  layout.divisors = layout.inv_freq + list;
  layout.table = AlignUp(layout.divisors + lists * list);
  layout.bytes =
      layout.table + static_cast<size_t>(TableSize(pairs)) * sizeof(double);
  return layout;
}

// Copies what `divisors` are to *to, which moves behind them, and points them
// there.
void Keep(int64_t count, Divisors* divisors, double** to) {
  if (divisors->data == nullptr) return;
  for (int64_t i = 0; i < count; ++i) (*to)[i] = (*divisors)[i];
  *divisors = {*to, true};
  *to += count;
}

double FillInvFreq(const EmbeddingConfig& config, double* inv_freq) {
  const int64_t pairs = config.rotary_dim / 2;
  if (config.inv_freq_f64 != nullptr) {
    for (int64_t i = 0; i < pairs; ++i) inv_freq[i] = config.inv_freq_f64[i];
    return 1.0;
  }
  if (config.inv_freq_f32 != nullptr) {
    for (int64_t i = 0; i < pairs; ++i) {
      inv_freq[i] = static_cast<double>(config.inv_freq_f32[i]);
    }
    return 1.0;
  }
  return MakeFrequencies(config.model, inv_freq);
}

}  // namespace

size_t EmbeddingBytes(const EmbeddingConfig& config) {
  return LayoutOf(config).bytes;
}

rotary_embedding* MakeEmbedding(const EmbeddingConfig& config) {
  const int64_t pairs = config.rotary_dim / 2;
  const Layout layout = LayoutOf(config);
  void* memory = aligned_alloc(kAlignment, AlignUp(layout.bytes));
  if (memory == nullptr) return nullptr;
  char* bytes = static_cast<char*>(memory);
  rotary_embedding* embedding = new (memory) rotary_embedding;
  embedding->pairs = pairs;
  embedding->bytes = layout.bytes;
  embedding->inv_freq = reinterpret_cast<double*>(bytes + layout.inv_freq);
  embedding->table = reinterpret_cast<double*>(bytes + layout.table);
  embedding->gain = config.gain * FillInvFreq(config, embedding->inv_freq);
  embedding->softmax_multiplier = SoftmaxMultiplier(config.model);
  embedding->config = config;
  EmbeddingConfig& own = embedding->config;
  const bool given = config.inv_freq_f64 != nullptr || config.inv_freq_f32;
  own.inv_freq_f64 = given ? embedding->inv_freq : nullptr;
  own.inv_freq_f32 = nullptr;
  double* divisors = reinterpret_cast<double*>(bytes + layout.divisors);
  Keep(pairs, &own.model.factors, &divisors);
  Keep(pairs, &own.model.short_factors, &divisors);
  Keep(pairs, &own.model.long_factors, &divisors);
  FillTable(embedding->inv_freq, pairs, embedding->table);
  return embedding;
}

void FreeEmbedding(rotary_embedding* embedding) { free(embedding); }

}  // namespace rotary
