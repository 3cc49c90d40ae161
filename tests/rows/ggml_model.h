// Angles as ggml makes them, in f32: theta of each pair is that of the one
// before it times a step.  Used by compatible_ggml_test.
#ifndef TESTS_ROWS_GGML_MODEL_H_
#define TESTS_ROWS_GGML_MODEL_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/rows/row_check.h"

namespace rotary_test {

// Which axis and which of its frequencies turn a pair.
struct Source {
  size_t axis;
  int64_t index;
};

// ggml's names.
struct Ggml {
  int64_t rotary_dim = 64;
  std::vector<Source> sources = {};     // of each pair; empty: one axis
  int64_t n_dims = 0;                   // 0: rotary_dim
  std::vector<int64_t> axis_dims = {};  // n_dims of each axis; empty: that
  double base = 10000;
  double freq_scale = 1;
  double ext_factor = 0;
  double attn_factor = 1;
  std::vector<float> freq_factors = {};
  double n_ctx_orig = 4096;

  bool scaled() const {
    return freq_scale != 1 || ext_factor != 0 || !freq_factors.empty();
  }
};

Embedding EmbeddingOf(const Ggml& g, const rotary_axes* axes = nullptr);

// Compares rows with those of positions [axes][tokens].  Values may differ from
// those of here for the reason that HF's do: see compatible_hf_test.cc.
void CompareGgml(const Ggml& g, const RowValues& rows,
                 const std::vector<double>& positions, int64_t tokens);

template <typename T>
void CompareGgml(const Ggml& g, const RowValues& rows,
                 const std::vector<T>& positions, int64_t tokens) {
  CompareGgml(g, rows, std::vector<double>(positions.begin(), positions.end()),
              tokens);
}

}  // namespace rotary_test

#endif  // TESTS_ROWS_GGML_MODEL_H_
