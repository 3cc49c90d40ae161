// Embeddings of every kind, made once, with some rows of each; and numbers to
// fill memory with.  Used by the kinds that rotate.
#ifndef TESTS_FUZZ_MODELS_H_
#define TESTS_FUZZ_MODELS_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fuzz/input.h"
#include "tests/support/objects.h"

namespace rotary_test {

struct Model {
  static constexpr int64_t kTokens = 24;  // that have kept rows

  Embedding embedding;
  int64_t rotary_dim;
  int64_t axes;
  int64_t heads;
  double reach;  // positions up to this are usual
  Rows rows;
  RowValues values;              // of rows
  std::vector<int64_t> ids;      // of rows, of the first axis
  std::vector<int64_t> row_ids;  // of rows: where they are in values
};

constexpr size_t kModels = 16;
const Model& ModelAt(size_t index);
const Model& DrawModel(Input* input);

// Fills memory with numbers of a dtype (not of caches), with special values
// among them if the input says so, but for plain ones.
void Fill(Input* input, rotary_dtype dtype, void* memory, size_t bytes,
          bool is_plain = false);
// With any bytes.
void FillBytes(Input* input, void* memory, size_t bytes);

}  // namespace rotary_test

#endif  // TESTS_FUZZ_MODELS_H_
