// Backward passes of every kind.
#include <algorithm>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/drawn_backward.h"
#include "tests/fuzz/fused_pass.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {
namespace {

class BackwardPass {
 public:
  void Draw(Input* input, Arena* arena);
  rotary_status Run(const char* target, int variant, rotary_error* error);
  const Outputs& outputs() const { return outputs_; }
  void CheckResult(const Arena& arena) const {
    for (int64_t i = 0; i < count_; ++i) {
      drawn_[i].CheckResult(arena, shared_, transpose_ == 1);
    }
  }

 private:
  static constexpr int64_t kMaxTensors = 3;
  static constexpr uint8_t kUsed = 0x33;  // scratch memory

  // With the scratch memory of the arena, which is made by the first call.
  rotary_backward_args Args(const char* target, int variant);

  SharedFused shared_;
  int32_t transpose_;
  DrawnBackward drawn_[kMaxTensors];
  int64_t count_;
  rotary_tensor tensors_[kMaxTensors];
  rotary_fusion fusions_[kMaxTensors];
  rotary_fusion_gradient gradients_[kMaxTensors];
  rotary_positions positions_;
  rotary_apply_args apply_;
  uint8_t* scratch_;
  size_t scratch_bytes_;
  Outputs outputs_;
};

rotary_backward_args BackwardPass::Args(const char* target, int variant) {
  rotary_apply_args_init(&apply_, sizeof(apply_));
  apply_.batch = shared_.batch;
  apply_.tokens = shared_.tokens;
  apply_.tensors = tensors_;
  apply_.num_tensors = count_;
  apply_.num_threads = variant % 3;
  apply_.target = target;
  apply_.transpose = transpose_;
  SetRotation(shared_, variant % 2 == 0, &positions_, &apply_);
  rotary_backward_args args;
  rotary_backward_args_init(&args, sizeof(args));
  args.apply = &apply_;
  args.fusions = fusions_;
  args.gradients = gradients_;
  args.scratch = scratch_;
  args.scratch_bytes = scratch_bytes_;
  return args;
}

void BackwardPass::Draw(Input* input, Arena* arena) {
  DrawShared(input, &shared_);
  transpose_ = input->Once(4) ? 1 : 0;
  count_ = input->Integer(1, kMaxTensors);
  outputs_.Clear();
  for (int64_t i = 0; i < count_; ++i) {
    drawn_[i].Draw(input, arena, shared_);
    drawn_[i].AddOutputs(&outputs_);
    tensors_[i] = drawn_[i].tensor;
    fusions_[i] = drawn_[i].fusion();
    gradients_[i] = drawn_[i].gradient;
  }
  scratch_ = nullptr;
  scratch_bytes_ = 0;
  const rotary_backward_args args = Args(nullptr, 0);
  Check(rotary_backward_bytes_needed(&args, &scratch_bytes_, nullptr) ==
            ROTARY_OK,
        "a pass has no scratch memory");
  if (scratch_bytes_ == 0) return;
  scratch_ = arena->Take(scratch_bytes_, 8);
  std::fill_n(scratch_, scratch_bytes_, kUsed);
}

rotary_status BackwardPass::Run(const char* target, int variant,
                                rotary_error* error) {
  const rotary_backward_args args = Args(target, variant);
  const rotary_status status = rotary_apply_fused_backward(&args, error);
  // It is left with any content.
  if (status == ROTARY_OK) std::fill_n(scratch_, scratch_bytes_, kUsed);
  return status;
}

}  // namespace

bool FuzzBackward(Input* input) {
  static BackwardPass pass;
  Arena& arena = Arena::Get();
  pass.Draw(input, &arena);
  const bool checks = input->Once(16);
  arena.Seal();
  return HasSameResults(
      pass.outputs(), &arena,
      [&](const char* target, int variant, rotary_error* error) {
        return pass.Run(target, variant, error);
      },
      [&] {
        if (checks) pass.CheckResult(arena);
      });
}

}  // namespace rotary_test
