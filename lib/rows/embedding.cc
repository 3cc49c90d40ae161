#include "lib/rows/embedding.h"

#include <stdlib.h>

#include <new>

#include "lib/frequencies/inv_freq.h"
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
  size_t table;
  size_t bytes;
};

Layout LayoutOf(int64_t pairs) {
  Layout layout;
  layout.inv_freq = AlignUp(sizeof(rotary_embedding));
  layout.table =
      AlignUp(layout.inv_freq + static_cast<size_t>(pairs) * sizeof(double));
  layout.bytes =
      layout.table + static_cast<size_t>(TableSize(pairs)) * sizeof(double);
  return layout;
}

}  // namespace

size_t EmbeddingBytes(int64_t rotary_dim) {
  return LayoutOf(rotary_dim / 2).bytes;
}

rotary_embedding* MakeEmbedding(const EmbeddingConfig& config) {
  const int64_t pairs = config.rotary_dim / 2;
  const Layout layout = LayoutOf(pairs);
  void* memory = aligned_alloc(kAlignment, AlignUp(layout.bytes));
  if (memory == nullptr) return nullptr;
  char* bytes = static_cast<char*>(memory);
  rotary_embedding* embedding = new (memory)
      rotary_embedding{pairs, config.gain, layout.bytes,
                       reinterpret_cast<double*>(bytes + layout.inv_freq),
                       reinterpret_cast<double*>(bytes + layout.table)};
  if (config.inv_freq_f64 != nullptr) {
    for (int64_t i = 0; i < pairs; ++i) {
      embedding->inv_freq[i] = config.inv_freq_f64[i];
    }
  } else if (config.inv_freq_f32 != nullptr) {
    for (int64_t i = 0; i < pairs; ++i) {
      embedding->inv_freq[i] = static_cast<double>(config.inv_freq_f32[i]);
    }
  } else {
    DefaultInvFreq(config.rotary_dim, config.base, embedding->inv_freq);
  }
  FillTable(embedding->inv_freq, pairs, embedding->table);
  return embedding;
}

void FreeEmbedding(rotary_embedding* embedding) { free(embedding); }

}  // namespace rotary
