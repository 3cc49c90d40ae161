// The passes of fused_pass.h.
#include "tests/fuzz/fused_pass.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "tests/fuzz/check.h"

namespace rotary_test {

void DrawShared(Input* input, bool is_plain, SharedFused* shared) {
  // One axis, few pairs; the last has rows for each head.
  constexpr size_t kUsed[] = {0, 0, 1, 2, 4, 11, 6};
  shared->model = &ModelAt(input->Of(kUsed));
  shared->batch = input->Once(4) ? 2 : 1;
  shared->tokens = input->Once(8) ? SharedFused::kMaxTokens / shared->batch
                                  : input->Integer(0, 3);
  shared->first_row = input->Integer(0, 5);
  shared->is_plain = !input->Once(6) || is_plain;
}

void SetRotation(const SharedFused& shared, int variant, OwnRotation* own,
                 rotary_apply_args* apply) {
  const Model& model = *shared.model;
  if (variant % 4 == 0 || model.heads > 1) {
    apply->rows = model.rows.get();
    apply->first_row = shared.first_row * model.heads;
    apply->row_token_stride = model.heads;
    apply->row_batch_stride = shared.tokens * model.heads;
    apply->row_head_stride = model.heads == 1 ? 0 : 1;
    return;
  }
  rotary_positions* const positions = &own->positions;
  rotary_positions_init(positions, sizeof(*positions));
  positions->dtype = ROTARY_I64;
  apply->positions = positions;
  if (variant % 2 == 1) {
    positions->data = model.ids.data() + shared.first_row;
    apply->embedding = model.embedding.get();
    return;
  }
  positions->data = model.row_ids.data() + shared.first_row;
  rotary_cos_sin* const cos_sin = &own->cos_sin;
  rotary_cos_sin_init(cos_sin, sizeof(*cos_sin));
  cos_sin->cos = model.values.cos.data();
  cos_sin->sin = model.values.sin.data();
  cos_sin->rotary_dim = model.rotary_dim;
  cos_sin->width = ROTARY_WIDTH_PAIRS;
  cos_sin->rows = Model::kTokens;
  apply->cos_sin = cos_sin;
}

// Sources are the lower slots, each stays or goes to one of the upper; or any
// slots, if nothing has a source.
void FusedPass::DrawSlots(Input* input, bool from_caches) {
  const int64_t count = shared_.batch * shared_.tokens;
  shared_.num_slots = 2 * count + input->Integer(0, 5);
  const bool backwards = input->Once(3);
  const int64_t first = from_caches ? 0 : input->Integer(0, count);
  for (int64_t i = 0; i < count; ++i) {
    const int64_t at = backwards ? count - 1 - i : i;
    shared_.sources[i] = input->Once(10) ? -1 : at;
    shared_.slots[i] = from_caches && input->Flag() ? count + at : first + at;
    if (input->Once(10)) shared_.slots[i] = -1;
  }
}

rotary_slots* FusedPass::MakeSlots(Arena* arena, const SharedFused& shared,
                                   const int64_t* ids, bool are_shared) {
  const int64_t count = shared.batch * shared.tokens;
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = ids;
  positions.dtype = ROTARY_I64;
  rotary_slots_args args;
  rotary_slots_args_init(&args, sizeof(args));
  args.batch = shared.batch;
  args.tokens = shared.tokens;
  args.num_slots = shared.num_slots;
  args.positions = &positions;
  args.shared = are_shared ? 1 : 0;
  size_t bytes = 0;
  rotary_slots* slots = nullptr;
  Check(rotary_slots_bytes_needed(count, shared.num_slots, &bytes, nullptr) ==
            ROTARY_OK,
        "slots have no size");
  Check(rotary_slots_init(arena->Take(bytes), bytes, &args, &slots, nullptr) ==
            ROTARY_OK,
        "slots cannot be made");
  return slots;
}

void FusedPass::Draw(Input* input, Arena* arena, bool from_caches,
                     bool is_plain) {
  DrawShared(input, is_plain, &shared_);
  DrawSlots(input, from_caches);
  slots_ = MakeSlots(arena, shared_, shared_.slots, false);
  sources_ = MakeSlots(arena, shared_, shared_.sources, true);
  count_ = input->Integer(1, from_caches ? 2 : kMaxTensors);
  outputs_.Clear();
  for (int64_t i = 0; i < count_; ++i) {
    drawn_[i].Draw(input, arena, shared_, from_caches);
    drawn_[i].AddOutputs(shared_, &outputs_);
    tensors_[i] = drawn_[i].tensor;
    fusions_[i] = drawn_[i].fusion();
  }
  Check(rotary_prepared_fused_bytes_needed(&prepared_bytes_, nullptr) ==
            ROTARY_OK,
        "a prepared pass has no size");
  prepared_ = arena->Take(prepared_bytes_);
  std::memset(prepared_, 0, prepared_bytes_);
  outputs_.Add({prepared_,
                {1, 1, 1},
                {0, 0, 0},
                static_cast<int64_t>(prepared_bytes_),
                0});
}

void FusedPass::SetArgs(const char* target, int variant) {
  rotary_apply_args_init(&apply_, sizeof(apply_));
  apply_.batch = shared_.batch;
  apply_.tokens = shared_.tokens;
  apply_.tensors = tensors_;
  apply_.num_tensors = count_;
  apply_.num_threads = variant % 3;
  apply_.target = target;
  SetRotation(shared_, variant, &rotation_, &apply_);
  rotary_fused_args_init(&args_, sizeof(args_));
  args_.apply = &apply_;
  args_.fusions = fusions_;
  args_.slots = slots_;
  args_.source_slots = sources_;
}

rotary_status FusedPass::Run(const char* target, int variant,
                             rotary_error* error) {
  SetArgs(target, variant);
  if (variant != 2) return rotary_apply_fused(&args_, error);
  rotary_prepared* prepared = nullptr;
  const rotary_status status = rotary_prepare_fused(
      &args_, prepared_, prepared_bytes_, &prepared, error);
  if (status != ROTARY_OK) return status;
  constexpr int64_t kSlices = 3;
  for (int64_t i = kSlices; i-- > 0;) {
    Check(rotary_prepared_run(prepared, i, kSlices, error) == ROTARY_OK,
          "a slice cannot be run");
  }
  std::memset(prepared_, 0, prepared_bytes_);
  return status;
}

void FusedPass::Expose(HostileFields* fields, Outputs* outputs) {
  SetArgs(nullptr, shared_.first_row % 2 == 0 ? 0 : 1);
  apply_.num_threads = 1;
  fields->Clear();
  outputs->Clear();
  for (int64_t i = 0; i < count_; ++i) {
    fields->AddTensor(&tensors_[i]);
    fields->AddFusion(&fusions_[i]);
    drawn_[i].Expose(fields, outputs);
  }
  fields->AddApply(&apply_);
  fields->Add(&args_.struct_size, Rule::kStructSize);
  fields->Add(&args_.apply, Rule::kPointer);
  fields->Add(&args_.fusions, Rule::kPointer);
  fields->Add(&args_.slots, Rule::kPointer);
  fields->Add(&args_.source_slots, Rule::kPointer);
}

rotary_status FusedPass::RunExposed(const char* target, rotary_error* error) {
  apply_.target = target;
  return rotary_apply_fused(&args_, error);
}

void FusedPass::CheckResult(const Arena& arena) const {
  for (int64_t i = 0; i < count_; ++i) drawn_[i].CheckResult(arena, shared_);
}

}  // namespace rotary_test
