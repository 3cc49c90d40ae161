// A backward pass of several tensors.  Used by the kinds of backward passes.
#ifndef TESTS_FUZZ_BACKWARD_PASS_H_
#define TESTS_FUZZ_BACKWARD_PASS_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/drawn_backward.h"
#include "tests/fuzz/fused_pass.h"
#include "tests/fuzz/hostile_fields.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {

class BackwardPass {
 public:
  // Of plain numbers, or also of special ones.
  void Draw(Input* input, Arena* arena, bool is_plain);
  rotary_status Run(const char* target, int variant, rotary_error* error);
  // All fields, and what may be written whatever their values are.
  void Expose(HostileFields* fields, Outputs* outputs);
  // As the fields are now.
  rotary_status RunExposed(const char* target, rotary_error* error);
  const Outputs& outputs() const { return outputs_; }
  void CheckResult(const Arena& arena) const {
    for (int64_t i = 0; i < count_; ++i) {
      drawn_[i].CheckResult(arena, shared_, transpose_ == 1);
    }
  }

 private:
  static constexpr int64_t kMaxTensors = 3;
  static constexpr uint8_t kUsed = 0x33;  // scratch memory

  void SetArgs(const char* target, int variant);
  // Scratch memory is left with any content.
  void ClearScratch();

  SharedFused shared_;
  int32_t transpose_;
  DrawnBackward drawn_[kMaxTensors];
  int64_t count_;
  rotary_tensor tensors_[kMaxTensors];
  rotary_fusion fusions_[kMaxTensors];
  rotary_fusion_gradient gradients_[kMaxTensors];
  OwnRotation rotation_;
  rotary_apply_args apply_;
  rotary_backward_args args_;
  uint8_t* scratch_;
  size_t scratch_bytes_;
  Outputs outputs_;
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_BACKWARD_PASS_H_
