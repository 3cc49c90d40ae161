// Owning handles of the library's objects and short ways to make them from
// valid arguments; a failure ends the test.  Used by all tests.
#ifndef TESTS_SUPPORT_OBJECTS_H_
#define TESTS_SUPPORT_OBJECTS_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace rotary_test {

struct EmbeddingDeleter {
  void operator()(rotary_embedding* embedding) const {
    rotary_embedding_destroy(embedding);
  }
};
using Embedding = std::unique_ptr<rotary_embedding, EmbeddingDeleter>;

struct RowsDeleter {
  void operator()(rotary_rows* rows) const { rotary_rows_destroy(rows); }
};
using Rows = std::unique_ptr<rotary_rows, RowsDeleter>;

// Fails the test, with the error's message, unless status is ROTARY_OK.
void RequireOk(rotary_status status, const rotary_error& error);

Embedding MakeEmbedding(int64_t rotary_dim, double base = 10000,
                        double gain = 1);
Embedding MakeEmbedding(const std::vector<double>& inv_freq, double gain = 1);
Embedding EmbeddingOf(const rotary_embedding_config& config);

std::vector<double> InvFreq(const rotary_embedding* embedding);

// Structs with their defaults.  Positions and tensors point to their data and
// do not own it.
rotary_positions MakePositions(const std::vector<int64_t>& ids);
rotary_positions MakePositions(std::vector<int64_t>&& ids) = delete;
rotary_rows_args MakeRowsArgs(const rotary_embedding* embedding,
                              const rotary_positions* positions, int64_t tokens,
                              rotary_mode mode = ROTARY_FORWARD);
rotary_apply_args MakeApplyArgs(int64_t batch, int64_t tokens,
                                const std::vector<rotary_tensor>& tensors);
rotary_apply_args MakeApplyArgs(int64_t batch, int64_t tokens,
                                std::vector<rotary_tensor>&& tensors) = delete;

// One row for each position.
Rows MakeRows(const rotary_embedding* embedding,
              const std::vector<int64_t>& positions,
              rotary_mode mode = ROTARY_FORWARD);

size_t RowsBytesNeeded(const rotary_embedding* embedding, int64_t count);

// cos and sin of rows, [count][pairs], as rotary_rows_read gives them.
struct RowValues {
  int64_t pairs = 0;
  std::vector<float> cos;
  std::vector<float> sin;

  const float* Cos(int64_t row) const { return cos.data() + row * pairs; }
  const float* Sin(int64_t row) const { return sin.data() + row * pairs; }
};
// Of all bits: a zero has a sign.
bool operator==(const RowValues& a, const RowValues& b);
RowValues ReadRows(const rotary_rows* rows);

// Runs a call that must succeed.
void ApplyOk(const rotary_apply_args& args);
void SetRowsOk(rotary_rows* rows, const rotary_rows_args& args);

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_OBJECTS_H_
