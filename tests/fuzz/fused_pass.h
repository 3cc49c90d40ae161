// A fused pass of several tensors.  Used by the kinds of fused passes.
#ifndef TESTS_FUZZ_FUSED_PASS_H_
#define TESTS_FUZZ_FUSED_PASS_H_

#include <rotary/rotary.h>

#include <cstdint>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/drawn_fused.h"
#include "tests/fuzz/hostile_fields.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {

// What an apply call may refer to.
struct OwnRotation {
  rotary_positions positions;
  rotary_cos_sin cos_sin;
};

// The tokens and rows of a pass.
void DrawShared(Input* input, bool is_plain, SharedFused* shared);
// What it is rotated by, the same for each variant: kept rows if variant % 4 is
// 0, cos and sin of those if it is 2, else the embedding and ids.
void SetRotation(const SharedFused& shared, int variant, OwnRotation* own,
                 rotary_apply_args* apply);

class FusedPass {
 public:
  static constexpr int64_t kMaxTensors = 3;

  // Of plain numbers, or also of special ones.
  void Draw(Input* input, Arena* arena, bool from_caches, bool is_plain);
  rotary_status Run(const char* target, int variant, rotary_error* error);
  // All fields, and what may be written whatever their values are.
  void Expose(HostileFields* fields, Outputs* outputs);
  // As the fields are now.
  rotary_status RunExposed(const char* target, rotary_error* error);
  const Outputs& outputs() const { return outputs_; }
  void CheckResult(const Arena& arena) const;

 private:
  void SetArgs(const char* target, int variant);
  void DrawSlots(Input* input, bool from_caches);
  static rotary_slots* MakeSlots(Arena* arena, const SharedFused& shared,
                                 const int64_t* ids, bool are_shared);

  SharedFused shared_;
  DrawnFused drawn_[kMaxTensors];
  int64_t count_;
  rotary_tensor tensors_[kMaxTensors];
  rotary_fusion fusions_[kMaxTensors];
  OwnRotation rotation_;
  rotary_apply_args apply_;
  rotary_fused_args args_;
  rotary_slots* slots_;
  rotary_slots* sources_;
  uint8_t* prepared_;
  size_t prepared_bytes_;
  Outputs outputs_;
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_FUSED_PASS_H_
