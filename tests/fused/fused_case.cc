#include "tests/fused/fused_case.h"

#include <doctest/doctest.h>

#include <cstddef>
#include <cstring>
#include <utility>

#include "tests/fused/fused_part.h"

namespace rotary_test {
namespace {

void MakeSlots(FusedRows* shared, Random* random) {
  const int64_t count = shared->batch * shared->tokens;
  shared->num_slots = count + random->Integer(0, 20);
  std::vector<int64_t> all;
  for (int64_t i = 0; i < shared->num_slots; ++i) all.push_back(i);
  // In runs, as caches have them, or not.
  if (random->Integer(0, 2) == 0) random->Shuffle(&all);
  const int64_t first = random->Integer(0, shared->num_slots - count);
  for (int64_t i = 0; i < count; ++i) {
    const bool none = random->Integer(0, 9) == 0;
    shared->slots.push_back(none ? -1 : all[static_cast<size_t>(first + i)]);
  }
  rotary_positions positions = MakePositions(shared->slots);
  positions.batch_stride = shared->tokens;
  rotary_slots_args args;
  rotary_slots_args_init(&args, sizeof(args));
  args.batch = shared->batch;
  args.tokens = shared->tokens;
  args.num_slots = shared->num_slots;
  args.positions = &positions;
  size_t bytes;
  rotary_error error;
  RequireOk(rotary_slots_bytes_needed(count, shared->num_slots, &bytes, &error),
            error);
  shared->slots_memory.resize(bytes / 8 + 1);
  RequireOk(rotary_slots_init(shared->slots_memory.data(), bytes, &args,
                              &shared->map, &error),
            error);
}

}  // namespace

FusedCase::FusedCase(uint64_t seed) {
  Random random(seed);
  DrawRows(&random, &shared_);
  MakeSlots(&shared_, &random);
  const int64_t parts = random.Integer(1, 3);
  for (int64_t i = 0; i < parts; ++i) {
    parts_.push_back(std::make_unique<FusedPart>(shared_, &random));
    tensors_.push_back(parts_.back()->tensor());
    fusions_.push_back(parts_.back()->fusion());
  }
}

void FusedCase::Run(const char* target, int32_t num_threads, bool kept_rows) {
  for (const auto& part : parts_) part->Reset();
  REQUIRE(RunUnchecked(target, num_threads, kept_rows) == ROTARY_OK);
}

rotary_fused_args FusedCase::Args(rotary_apply_args* apply,
                                  bool kept_rows) const {
  if (kept_rows) {
    apply->rows = shared_.rows.get();
  } else {
    apply->embedding = shared_.embedding.get();
    apply->positions = &shared_.positions;
  }
  rotary_fused_args args;
  rotary_fused_args_init(&args, sizeof(args));
  args.apply = apply;
  args.fusions = fusions_.data();
  args.slots = shared_.map;
  return args;
}

rotary_status FusedCase::RunUnchecked(const char* target, int32_t num_threads,
                                      bool kept_rows) {
  rotary_apply_args apply =
      MakeApplyArgs(shared_.batch, shared_.tokens, tensors_);
  apply.target = target;
  apply.num_threads = num_threads;
  const rotary_fused_args args = Args(&apply, kept_rows);
  return rotary_apply_fused(&args, nullptr);
}

void FusedCase::RunPrepared(int64_t num_slices) {
  for (const auto& part : parts_) part->Reset();
  rotary_error error;
  size_t bytes;
  RequireOk(rotary_prepared_fused_bytes_needed(&bytes, &error), error);
  std::vector<uint64_t> memory(bytes / 8 + 1);
  rotary_prepared* prepared = nullptr;
  {
    // What may go once it is prepared.
    const std::vector<rotary_tensor> tensors = tensors_;
    const std::vector<rotary_fusion> fusions = fusions_;
    rotary_apply_args apply =
        MakeApplyArgs(shared_.batch, shared_.tokens, tensors);
    rotary_fused_args args = Args(&apply, num_slices % 2 == 0);
    args.fusions = fusions.data();
    RequireOk(
        rotary_prepare_fused(&args, memory.data(), bytes, &prepared, &error),
        error);
    REQUIRE(static_cast<void*>(prepared) == memory.data());
  }
  CHECK(rotary_prepared_slices(prepared) >= 1);
  for (int64_t i = num_slices; --i >= 0;) {
    RequireOk(rotary_prepared_run(prepared, i, num_slices, &error), error);
  }
}

std::string FusedCase::Check() const {
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::string wrong = parts_[i]->Check();
    if (!wrong.empty()) return "tensor " + std::to_string(i) + ": " + wrong;
  }
  return "";
}

std::vector<uint8_t> FusedCase::Result() const {
  std::vector<uint8_t> result;
  for (const auto& part : parts_) {
    const std::vector<uint8_t> bytes = part->Result();
    result.insert(result.end(), bytes.begin(), bytes.end());
  }
  return result;
}

std::string FusedCase::Describe() const {
  std::string text = "batch " + std::to_string(shared_.batch) + ", tokens " +
                     std::to_string(shared_.tokens) + ", rotary_dim " +
                     std::to_string(shared_.rotary_dim);
  for (const auto& part : parts_) text += "; " + part->Describe();
  return text;
}

}  // namespace rotary_test
