#include "tests/fused/backward_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>

namespace rotary_test {
namespace {

// Leaves of at least 16 tokens, at most 128 of them.
size_t ScratchBytes(int64_t tokens, int64_t sums) {
  const int64_t share = (tokens + 127) / 128;
  const int64_t leaf = std::max<int64_t>((share + 15) / 16 * 16, 16);
  return static_cast<size_t>((tokens + leaf - 1) / leaf * sums * 8);
}

}  // namespace

BackwardCase::BackwardCase(uint64_t seed) {
  Random random(seed);
  DrawRows(&random, &shared_);
  transpose_ = random.Integer(0, 3) == 0 ? 1 : 0;
  const int64_t parts = random.Integer(1, 3);
  int64_t sums = 0;
  for (int64_t i = 0; i < parts; ++i) {
    parts_.push_back(std::make_unique<BackwardPart>(shared_, &random));
    tensors_.push_back(parts_.back()->tensor());
    fusions_.push_back(parts_.back()->fusion());
    gradients_.push_back(parts_.back()->gradient());
    sums += parts_.back()->Sums();
  }
  scratch_ = std::make_unique<GuardedBuffer>(
      ScratchBytes(shared_.batch * shared_.tokens, sums), Flush::kEnd);
}

void BackwardCase::Run(const char* target, int32_t num_threads,
                       RowSource source) {
  for (const auto& part : parts_) part->Reset();
  REQUIRE(RunUnchecked(target, num_threads, source) == ROTARY_OK);
}

rotary_status BackwardCase::RunUnchecked(const char* target,
                                         int32_t num_threads,
                                         RowSource source) {
  rotary_apply_args apply =
      MakeApplyArgs(shared_.batch, shared_.tokens, tensors_);
  apply.target = target;
  apply.num_threads = num_threads;
  apply.transpose = transpose_;
  rotary_cos_sin cos_sin;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = shared_.values.cos.data();
  cos_sin.sin = shared_.values.sin.data();
  cos_sin.rotary_dim = shared_.rotary_dim;
  cos_sin.width = ROTARY_WIDTH_PAIRS;
  switch (source) {
    case RowSource::kKept:
      apply.rows = shared_.rows.get();
      break;
    case RowSource::kEmbedding:
      apply.embedding = shared_.embedding.get();
      apply.positions = &shared_.positions;
      break;
    case RowSource::kCosSin:
      apply.cos_sin = &cos_sin;
      break;
  }
  rotary_backward_args args;
  rotary_backward_args_init(&args, sizeof(args));
  args.apply = &apply;
  args.fusions = fusions_.data();
  args.gradients = gradients_.data();
  size_t bytes;
  const rotary_status status =
      rotary_backward_bytes_needed(&args, &bytes, nullptr);
  if (status != ROTARY_OK) return status;
  // It is all that is written there.
  if (bytes != scratch_->bytes()) return ROTARY_ERROR_MEMORY;
  args.scratch = bytes > 0 ? scratch_->data() : nullptr;
  args.scratch_bytes = bytes;
  return rotary_apply_fused_backward(&args, nullptr);
}

bool BackwardCase::HasUnrotated() const {
  return std::count(shared_.ids.begin(), shared_.ids.end(), INT64_MIN) > 0;
}

std::string BackwardCase::Check() const {
  for (size_t i = 0; i < parts_.size(); ++i) {
    const std::string wrong = parts_[i]->Check(transpose_ == 1);
    if (!wrong.empty()) return "tensor " + std::to_string(i) + ": " + wrong;
  }
  if (!scratch_->CanariesIntact()) return "more than the scratch was written";
  return "";
}

std::vector<uint8_t> BackwardCase::Result() const {
  std::vector<uint8_t> result;
  for (const auto& part : parts_) {
    const std::vector<uint8_t> bytes = part->Result();
    result.insert(result.end(), bytes.begin(), bytes.end());
  }
  return result;
}

std::string BackwardCase::Describe() const {
  std::string text = "batch " + std::to_string(shared_.batch) + ", tokens " +
                     std::to_string(shared_.tokens) + ", rotary_dim " +
                     std::to_string(shared_.rotary_dim);
  for (const auto& part : parts_) text += "; " + part->Describe();
  return text;
}

}  // namespace rotary_test
