// An apply call by every source of rotation.  Used by the kinds that rotate.
#ifndef TESTS_FUZZ_APPLY_CASE_H_
#define TESTS_FUZZ_APPLY_CASE_H_

#include <rotary/rotary.h>

#include <cstdint>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/drawn_positions.h"
#include "tests/fuzz/drawn_tensor.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/models.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {

// What the heads of a call are rotated by: head h of token t of sequence b by
// row first + b * batch_stride + t * token_stride + h * head_stride.
struct FoundRows {
  const float* cos;
  const float* sin;
  const int64_t* positions;  // of rows: ROTARY_NO_POSITION_I64, or any other
  int64_t first;
  int64_t batch_stride;
  int64_t token_stride;
  int64_t head_stride;
};

class ApplyCase {
 public:
  static constexpr int64_t kFewTensors = 3;
  // More than the library checks at a time.
  static constexpr int64_t kMaxTensors = 10;

  void Draw(Input* input, Arena* arena);

  const rotary_apply_args& args() const { return args_; }
  const Outputs& outputs() const { return outputs_; }

  // Compares what the arena holds with the reference.
  void CheckResult(const Arena& arena);

 private:
  enum class Source { kRows, kEmbedding, kCosSin };

  void DrawSource(Input* input, Arena* arena);
  void DrawRows(Input* input);
  void DrawCosSin(Input* input, Arena* arena);
  void DrawTensors(Input* input, Arena* arena);
  void FindOutputs();

  bool IsPadding(int64_t i) const {
    return args_.positions != nullptr && positions_.IsPadding(i);
  }
  FoundRows Find() const;
  FoundRows FindOfEmbedding() const;
  FoundRows FindOfCosSin() const;

  const Model* model_;
  Source source_;
  int64_t rotary_dim_;
  int64_t max_heads_;  // of which there are rows
  DrawnPositions positions_;
  rotary_cos_sin cos_sin_;
  DrawnTensor drawn_[kMaxTensors];
  rotary_tensor tensors_[kMaxTensors];
  rotary_apply_args args_;
  Outputs outputs_;
};

// The one that all inputs share.
ApplyCase& SharedApplyCase();

}  // namespace rotary_test

#endif  // TESTS_FUZZ_APPLY_CASE_H_
