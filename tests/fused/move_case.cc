#include "tests/fused/move_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstddef>

#include "tests/fused/fused_reference.h"

namespace rotary_test {
namespace {

constexpr int64_t kSlots = 60;
constexpr int64_t kNone = INT64_MIN;

// Slots in memory.
class Slots {
 public:
  Slots(const std::vector<int64_t>& ids, bool shared) {
    const auto count = static_cast<int64_t>(ids.size());
    const rotary_positions positions = MakePositions(ids);
    rotary_slots_args args;
    rotary_slots_args_init(&args, sizeof(args));
    args.tokens = count;
    args.num_slots = kSlots;
    args.positions = &positions;
    args.shared = shared ? 1 : 0;
    size_t bytes;
    rotary_error error;
    RequireOk(rotary_slots_bytes_needed(count, kSlots, &bytes, &error), error);
    memory_.resize(bytes / 8 + 1);
    RequireOk(rotary_slots_init(memory_.data(), bytes, &args, &slots_, &error),
              error);
  }
  const rotary_slots* get() const { return slots_; }

 private:
  std::vector<uint64_t> memory_;
  rotary_slots* slots_;
};

}  // namespace

MoveCase::MoveCase(uint64_t seed) {
  Random random(seed);
  heads_ = random.Integer(1, 5);
  const std::vector<int64_t> dims = {16, 24, 64, 96, 128};
  head_dim_ = random.Choose(dims);
  rotary_dim_ = random.Integer(0, 1) == 0 ? 16 : head_dim_;
  rotary_offset_ = random.Integer(0, head_dim_ - rotary_dim_);
  rotates_ = random.Integer(0, 3) != 0;
  hadamard_ = random.Integer(0, 3) == 0 && head_dim_ % 64 == 0 ? 64 : 0;
  cache_ = std::make_unique<CacheMemory>(kSlots, heads_, head_dim_, &random);
  cache_->FillNumbers(&random);
  if (random.Integer(0, 1) == 0) {
    other_ = std::make_unique<CacheMemory>(kSlots, heads_, head_dim_, &random);
  }
  MakeSlots(&random);
  for (size_t t = 0; t < from_.size(); ++t) {
    const int64_t kind = random.Integer(0, 5);
    deltas_.push_back(kind == 0   ? kNone
                      : kind == 1 ? 0
                                  : random.Integer(-200000, 200000));
  }
  embedding_ = MakeEmbedding(rotary_dim_, 10000, 1.25);
  changes_embedding_ = random.Integer(0, 3) == 0;
  if (changes_embedding_) {
    MakeRowsBetween();
  } else {
    rows_ = MakeRows(embedding_.get(), deltas_, ROTARY_SHIFT);
  }
  values_ = ReadRows(rows_.get());
  for (size_t t = 0; t < from_.size(); ++t) {
    if (from_[t] < 0 || to_[t] < 0) continue;
    (other_ == nullptr ? cache_ : other_)->MayChange(to_[t]);
  }
}

// From an embedding to another, where keys keep their positions.
void MoveCase::MakeRowsBetween() {
  const Embedding other = MakeEmbedding(rotary_dim_, 500000, 2.5);
  rotary_embedding* between = nullptr;
  rotary_error error;
  RequireOk(
      rotary_embedding_between(embedding_.get(), other.get(), &between, &error),
      error);
  embedding_.reset(between);
  const auto count = static_cast<int64_t>(deltas_.size());
  rotary_rows* rows = nullptr;
  RequireOk(rotary_rows_create(between, count, &rows, &error), error);
  rows_.reset(rows);
  rotary_positions positions = MakePositions(deltas_);
  positions.axis_stride = 0;
  SetRowsOk(rows, MakeRowsArgs(between, &positions, count));
}

// In one cache: slots stay or go to the upper half.
void MoveCase::MakeSlots(Random* random) {
  std::vector<int64_t> low;
  std::vector<int64_t> high;
  for (int64_t i = 0; i < kSlots; ++i) {
    (i < kSlots / 2 ? low : high).push_back(i);
  }
  if (random->Integer(0, 1) == 0) {
    random->Shuffle(&low);
    random->Shuffle(&high);
  }
  for (size_t t = 0; t < low.size(); ++t) {
    // Some are forks of the one before.
    const bool fork = t > 0 && random->Integer(0, 7) == 0;
    from_.push_back(fork ? from_.back() : low[t]);
    const bool stays = other_ == nullptr && !fork && random->Integer(0, 1) == 0;
    to_.push_back(stays ? low[t] : high[t]);
    if (random->Integer(0, 9) == 0) from_.back() = -1;
    if (random->Integer(0, 9) == 0) to_.back() = -1;
  }
  if (other_ != nullptr) return;
  // A slot that is written is the source of nobody else.
  for (size_t t = 0; t < from_.size(); ++t) {
    for (size_t u = 0; u < to_.size(); ++u) {
      if (u != t && from_[t] >= 0 && from_[t] == to_[u] && from_[t] != to_[t]) {
        from_[t] = -1;
      }
    }
  }
}

void MoveCase::Run(const char* target, int32_t num_threads) {
  cache_->Reset();
  if (other_ != nullptr) other_->Reset();
  const Slots from(from_, true);
  const Slots slots(to_, false);
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = heads_;
  tensor.head_dim = head_dim_;
  tensor.rotary_offset = rotary_offset_;
  rotary_fusion fusion;
  rotary_fusion_init(&fusion, sizeof(fusion));
  fusion.rotates = rotates_ ? 1 : 0;
  fusion.hadamard = hadamard_;
  fusion.source = &cache_->cache();
  fusion.cache = &to().cache();
  const std::vector<rotary_tensor> tensors = {tensor};
  rotary_apply_args apply =
      MakeApplyArgs(1, static_cast<int64_t>(from_.size()), tensors);
  apply.rows = rows_.get();
  apply.target = target;
  apply.num_threads = num_threads;
  rotary_fused_args args;
  rotary_fused_args_init(&args, sizeof(args));
  args.apply = &apply;
  args.fusions = &fusion;
  args.slots = slots.get();
  args.source_slots = from.get();
  rotary_error error;
  RequireOk(rotary_apply_fused(&args, &error), error);
}

// Whether bytes mean the same in both slots of a token.
bool MoveCase::AreAlike(size_t t) const {
  const rotary_cache& a = cache_->cache();
  const rotary_cache& b = to().cache();
  if (other_ == nullptr && from_[t] == to_[t]) return true;
  if (a.dtype != b.dtype || a.scale_kind != b.scale_kind ||
      (rotates_ && a.pairing != b.pairing)) {
    return false;
  }
  // Given scales may be others in another slot, and in another cache.
  if (a.scale_kind == ROTARY_SCALES_GIVEN) {
    return other_ == nullptr && a.scales_slot_stride == 0;
  }
  return a.scale_kind == ROTARY_SCALES_NONE || a.scales_dtype == b.scales_dtype;
}

std::string MoveCase::CheckToken(size_t t) const {
  if (from_[t] < 0 || to_[t] < 0) return "";
  const bool still = !rotates_ || deltas_[t] == kNone ||
                     (deltas_[t] == 0 && !changes_embedding_);
  FusedSteps steps;
  steps.heads = 1;
  steps.head_dim = head_dim_;
  if (rotates_) {
    steps.rotary_offset = rotary_offset_;
    steps.rotary_dim = rotary_dim_;
    steps.from = cache_->cache().pairing;
    steps.to = to().cache().pairing;
    if (deltas_[t] != kNone) {
      steps.cos = values_.Cos(static_cast<int64_t>(t));
      steps.sin = values_.Sin(static_cast<int64_t>(t));
    }
  }
  for (int64_t h = 0; h < heads_; ++h) {
    if (still && AreAlike(t)) {
      if (cache_->HeadBytes(from_[t], h, true) !=
          to().HeadBytes(to_[t], h, false)) {
        return "the bytes of head " + std::to_string(h) + " are others";
      }
      continue;
    }
    const StoredHead source = cache_->Head(from_[t], h, true);
    std::vector<double> x;
    for (size_t e = 0; e < source.numbers.size(); ++e) {
      const double scale = source.scales.empty() ? 1.0
                           : source.scales.size() == source.numbers.size()
                               ? source.scales[e]
                           : source.dtype == ROTARY_Q8_0 ? source.scales[e / 32]
                                                         : source.scales[0];
      // Heads are kept as f32.
      x.push_back(
          static_cast<double>(static_cast<float>(source.numbers[e] * scale)));
    }
    steps.undone_hadamard = steps.hadamard = hadamard_;
    const std::string wrong =
        CompareStored(to().Head(to_[t], h), FusedHeads(steps, x).data());
    if (!wrong.empty()) return "head " + std::to_string(h) + ", " + wrong;
  }
  return "";
}

std::string MoveCase::Check() const {
  for (size_t t = 0; t < from_.size(); ++t) {
    const std::string wrong = CheckToken(t);
    if (!wrong.empty()) return "token " + std::to_string(t) + ": " + wrong;
  }
  return to().CheckRest();
}

std::string MoveCase::Describe() const {
  return "dtype " + std::to_string(cache_->cache().dtype) + " to " +
         std::to_string(to().cache().dtype) + ", heads " +
         std::to_string(heads_) + " of " + std::to_string(head_dim_) +
         ", hadamard " + std::to_string(hadamard_) + ", rotates " +
         std::to_string(static_cast<int>(rotates_)) +
         (changes_embedding_ ? ", another embedding" : "") +
         (other_ == nullptr ? ", one cache" : ", two caches");
}

}  // namespace rotary_test
