// Calls of which only the way through the library matters: what they rotate by,
// of every kind, and tensors of any number.  Used by stack_test.cc.
#ifndef TESTS_APPLY_STACK_CALLS_H_
#define TESTS_APPLY_STACK_CALLS_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/support/objects.h"

namespace rotary_test {

// Of a call: in two sequences, or packed.
constexpr int64_t kStackTokens = 6;
constexpr int64_t kStackHeads = 2;

// What a call takes its rotation from.
struct StackSource {
  std::string name;
  const rotary_embedding* embedding = nullptr;
  const rotary_rows* rows = nullptr;
  int64_t row_head_stride = 0;
  const rotary_cos_sin* cos_sin = nullptr;
  const rotary_positions* positions = nullptr;
};

// The kinds of them, for heads of which rotary_dim elements are rotated.
class StackSources {
 public:
  explicit StackSources(int64_t rotary_dim);
  StackSources(const StackSources&) = delete;
  StackSources& operator=(const StackSources&) = delete;
  ~StackSources() = default;

  // An embedding, and rows made of it, shared by heads and not.
  void AddOwn();
  // Embeddings whose rows are made in other ways: of angles, of several axes,
  // for each head.
  void AddOther();
  // A caller's own cos and sin, of all dtypes and widths.
  void AddCosSin();

  const std::vector<StackSource>& list() const { return list_; }

 private:
  StackSource& Add(const std::string& name);
  void AddCosSin(rotary_dtype dtype, rotary_width width, int64_t element_stride,
                 bool by_head);

  const int64_t rotary_dim_;
  const std::vector<int64_t> ids_;  // which rows of a table have, too
  const std::vector<int32_t> cu_seqlens_;
  const std::vector<int64_t> whole_numbers_;
  const std::vector<double> real_numbers_;
  rotary_positions by_id_;
  rotary_positions whole_;
  rotary_positions real_;
  rotary_positions packed_;
  Embedding embedding_;
  std::vector<Embedding> others_;
  Rows rows_;
  std::vector<float> values_;
  std::vector<rotary_cos_sin> cos_sins_;
  std::vector<StackSource> list_;
};

// Tensors in memory of their own.
class StackMemory {
 public:
  StackMemory(int64_t head_dim, int64_t num_tensors);

  // The i-th.  It points to this memory.
  rotary_tensor Tensor(const Formats& formats, bool in_place, int64_t i = 0);

 private:
  const int64_t head_dim_;
  const int64_t floats_;
  std::vector<float> input_;
  std::vector<float> output_;
};

// In the calling thread.
rotary_apply_args MakeArgs(const StackSource& source, const char* target,
                           const std::vector<rotary_tensor>& tensors);
rotary_apply_args MakeArgs(const StackSource& source, const char* target,
                           std::vector<rotary_tensor>&& tensors) = delete;

}  // namespace rotary_test

#endif  // TESTS_APPLY_STACK_CALLS_H_
