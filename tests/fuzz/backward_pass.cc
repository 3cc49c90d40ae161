// The passes of backward_pass.h.
#include "tests/fuzz/backward_pass.h"

#include <algorithm>

#include "tests/fuzz/check.h"
#include "tests/fuzz/fused_pass.h"

namespace rotary_test {

void BackwardPass::SetArgs(const char* target, int variant) {
  rotary_apply_args_init(&apply_, sizeof(apply_));
  apply_.batch = shared_.batch;
  apply_.tokens = shared_.tokens;
  apply_.tensors = tensors_;
  apply_.num_tensors = count_;
  apply_.num_threads = variant % 3;
  apply_.target = target;
  apply_.transpose = transpose_;
  SetRotation(shared_, variant, &rotation_, &apply_);
  rotary_backward_args_init(&args_, sizeof(args_));
  args_.apply = &apply_;
  args_.fusions = fusions_;
  args_.gradients = gradients_;
  args_.scratch = scratch_;
  args_.scratch_bytes = scratch_bytes_;
}

void BackwardPass::Draw(Input* input, Arena* arena, bool is_plain) {
  DrawShared(input, is_plain, &shared_);
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
  SetArgs(nullptr, 0);
  Check(rotary_backward_bytes_needed(&args_, &scratch_bytes_, nullptr) ==
            ROTARY_OK,
        "a pass has no scratch memory");
  if (scratch_bytes_ == 0) return;
  scratch_ = arena->Take(scratch_bytes_, 8);
  ClearScratch();
}

rotary_status BackwardPass::Run(const char* target, int variant,
                                rotary_error* error) {
  SetArgs(target, variant);
  return RunExposed(target, error);
}

rotary_status BackwardPass::RunExposed(const char* target,
                                       rotary_error* error) {
  apply_.target = target;
  const rotary_status status = rotary_apply_fused_backward(&args_, error);
  if (status == ROTARY_OK) ClearScratch();
  return status;
}

void BackwardPass::ClearScratch() {
  std::fill_n(scratch_, scratch_bytes_, kUsed);
}

void BackwardPass::Expose(HostileFields* fields, Outputs* outputs) {
  SetArgs(nullptr, shared_.first_row % 2 == 0 ? 0 : 1);
  apply_.num_threads = 1;
  fields->Clear();
  outputs->Clear();
  for (int64_t i = 0; i < count_; ++i) {
    fields->AddTensor(&tensors_[i]);
    fields->AddFusion(&fusions_[i]);
    fields->AddGradient(&gradients_[i]);
    drawn_[i].Expose(fields, outputs);
  }
  fields->AddApply(&apply_);
  fields->Add(&args_.struct_size, Rule::kStructSize);
  fields->Add(&args_.apply, Rule::kPointer);
  fields->Add(&args_.fusions, Rule::kPointer);
  fields->Add(&args_.gradients, Rule::kPointer);
  fields->Add(&args_.scratch, Rule::kMisaligned);
  fields->Add(&args_.scratch_bytes, Rule::kStructSize);
}

}  // namespace rotary_test
