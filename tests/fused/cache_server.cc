#include "tests/fused/cache_server.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <utility>

#include "tests/fused/stored.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

constexpr double kBase = 10000;
constexpr int64_t kPairs = CacheServer::kHeadDim / 2;

std::vector<uint64_t> MakeSlots(const std::vector<int64_t>& ids, bool shared,
                                rotary_slots** slots, rotary_status* status) {
  const auto count = static_cast<int64_t>(ids.size());
  const rotary_positions positions = MakePositions(ids);
  rotary_slots_args args;
  rotary_slots_args_init(&args, sizeof(args));
  args.tokens = count;
  args.num_slots = CacheServer::kSlots;
  args.positions = &positions;
  args.shared = shared ? 1 : 0;
  size_t bytes = 0;
  rotary_error error;
  RequireOk(rotary_slots_bytes_needed(count, args.num_slots, &bytes, &error),
            error);
  std::vector<uint64_t> memory(bytes / 8 + 1);
  *status = rotary_slots_init(memory.data(), bytes, &args, slots, &error);
  return memory;
}

}  // namespace

CacheServer::CacheServer(rotary_dtype dtype, uint64_t seed)
    : dtype_(dtype),
      random_(seed),
      embedding_(MakeEmbedding(kHeadDim, kBase)),
      users_(Index(kSlots)),
      keys_(Index(kSlots * kHeads * kHeadDim * 4)),
      scales_(Index(kSlots * kHeads)),
      values_(Index(kSlots * kHeads * kHeadDim)) {
  rotary_cache_init(&key_cache_, sizeof(key_cache_));
  key_cache_.data = keys_.data();
  key_cache_.block_size = kBlockSize;
  key_cache_.dtype = dtype;
  key_cache_.pairing = ROTARY_HALF;
  if (dtype == ROTARY_I8) {
    key_cache_.scale_kind = ROTARY_SCALES_MADE;
    key_cache_.scales = scales_.data();
  }
  // Heads before slots.
  rotary_cache_init(&value_cache_, sizeof(value_cache_));
  value_cache_.data = values_.data();
  value_cache_.block_size = kBlockSize;
  value_cache_.slot_stride = kHeadDim;
  value_cache_.head_stride = kBlockSize * kHeadDim;
  value_cache_.dtype = ROTARY_F16;
}

// Of a key, or of a value, whose elements are those of f16: -1 to 1.
std::vector<float> CacheServer::Numbers(int64_t key) {
  Random random(static_cast<uint64_t>(key) + 1);
  std::vector<float> numbers;
  for (int64_t i = 0; i < kHeads * kHeadDim; ++i) {
    numbers.push_back(static_cast<float>(random.Integer(-1024, 1024)) / 1024);
  }
  return numbers;
}

int64_t CacheServer::FreeSlots() const {
  return std::count(users_.begin(), users_.end(), 0);
}

// The next free one after a random place: mostly in order.
int64_t CacheServer::FreeSlot() {
  int64_t slot = random_.Integer(0, kSlots - 1);
  while (users_[Index(slot)] != 0) slot = (slot + 1) % kSlots;
  users_[Index(slot)] = 1;
  return slot;
}

std::string CacheServer::Run(const Work& work, rotary_status expected) {
  std::vector<float> keys;
  for (const int64_t key : work.keys) {
    const std::vector<float> numbers = Numbers(key);
    keys.insert(keys.end(), numbers.begin(), numbers.end());
  }
  const auto tokens = static_cast<int64_t>(work.positions.size());
  rotary_slots* slots = nullptr;
  rotary_slots* sources = nullptr;
  rotary_status status = ROTARY_OK;
  const std::vector<uint64_t> slots_memory =
      MakeSlots(work.slots, false, &slots, &status);
  std::vector<uint64_t> sources_memory;
  if (status == ROTARY_OK && work.moves) {
    sources_memory = MakeSlots(work.sources, true, &sources, &status);
  }
  if (status == ROTARY_OK) {
    rotary_tensor tensor;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = kHeads;
    tensor.head_dim = kHeadDim;
    tensor.input_pairing = ROTARY_HALF;
    if (!work.moves) tensor.input = keys.data();
    const std::vector<rotary_tensor> tensors = {tensor, tensor};
    rotary_fusion fusions[2];
    for (int i = 0; i < 2; ++i) {
      rotary_cache* cache = i == 0 ? &key_cache_ : &value_cache_;
      rotary_fusion_init(&fusions[i], sizeof(fusions[i]));
      fusions[i].rotates = 1 - i;
      fusions[i].cache = cache;
      if (work.moves) fusions[i].source = cache;
    }
    const rotary_positions positions = MakePositions(work.positions);
    rotary_apply_args apply = MakeApplyArgs(1, tokens, tensors);
    apply.embedding = embedding_.get();
    apply.positions = &positions;
    apply.mode = work.moves ? ROTARY_SHIFT : ROTARY_FORWARD;
    apply.num_threads = static_cast<int32_t>(random_.Integer(0, 2));
    rotary_fused_args args;
    rotary_fused_args_init(&args, sizeof(args));
    args.apply = &apply;
    args.fusions = fusions;
    args.slots = slots;
    args.source_slots = sources;
    status = rotary_apply_fused(&args, nullptr);
  }
  if (status == expected) return "";
  return std::string("a call returned ") + rotary_status_string(status);
}

std::string CacheServer::Append(Sequence* sequence, int64_t count) {
  Work work = {{}, {}, {}, {}, false};
  int64_t position = sequence->empty() ? random_.Integer(0, 200000)
                                       : sequence->back().position + 1;
  for (int64_t i = 0; i < count; ++i) {
    const Token token = {next_key_++, position++, FreeSlot(), 0};
    work.keys.push_back(token.key);
    work.positions.push_back(token.position);
    work.slots.push_back(token.slot);
    sequence->push_back(token);
  }
  return Run(work, ROTARY_OK);
}

// The first tokens but one are dropped, and all that follow move up; tokens of
// others are moved to slots of their own.
std::string CacheServer::Shift(Sequence* sequence, int64_t dropped) {
  Work work = {{}, {}, {}, {}, true};
  for (int64_t i = 1; i <= dropped; ++i) Leave((*sequence)[Index(i)]);
  sequence->erase(sequence->begin() + 1, sequence->begin() + 1 + dropped);
  for (Token& token : *sequence) {
    const bool first = &token == sequence->data();
    work.positions.push_back(first ? 0 : -dropped);
    work.sources.push_back(token.slot);
    if (!first && users_[Index(token.slot)] > 1) {
      Leave(token);
      token.slot = FreeSlot();
    }
    work.slots.push_back(token.slot);
    if (first) continue;
    token.position -= dropped;
    most_moves_ = std::max(most_moves_, ++token.moves);
  }
  // The first token stays, also where others have it.
  ++shifts_;
  return Run(work, ROTARY_OK);
}

// A wrong call leaves everything as it is.
std::string CacheServer::InjectError() {
  const std::vector<uint8_t> keys = keys_;
  const std::vector<float> scales = scales_;
  const std::vector<uint16_t> values = values_;
  Work work = {{1, 2, 3}, {5, 6, 7}, {0, 1, 2}, {0, 1, 2}, false};
  rotary_status expected = ROTARY_ERROR_SLOT;
  switch (random_.Integer(0, 4)) {
    case 0:
      work.slots[2] = kSlots;
      break;
    case 1:
      work.slots[2] = 0;
      break;
    case 2:
      work.positions[2] = int64_t{1} << 31;
      expected = ROTARY_ERROR_POSITION;
      break;
    case 3:
      work.moves = true;
      work.slots = {1, 2, 3};
      break;
    default:
      work.moves = true;
      work.sources[1] = kSlots + 5;
      break;
  }
  ++refusals_;
  const std::string wrong = Run(work, expected);
  if (!wrong.empty()) return wrong;
  return keys == keys_ && scales == scales_ && values == values_
             ? ""
             : "a call that failed has written";
}

std::string CacheServer::Step() {
  const int64_t kind = random_.Integer(0, 9);
  if (kind == 0) return InjectError();
  if (sequences_.empty() || (kind == 1 && sequences_.size() < 8)) {
    if (FreeSlots() < 40) return "";
    sequences_.emplace_back();
    return Append(&sequences_.back(), random_.Integer(1, 40));
  }
  const auto at =
      Index(random_.Integer(0, static_cast<int64_t>(sequences_.size()) - 1));
  Sequence* const sequence = &sequences_[at];
  const auto length = static_cast<int64_t>(sequence->size());
  if (kind == 2 || FreeSlots() < 60) {  // eviction
    for (const Token& token : *sequence) Leave(token);
    sequences_.erase(sequences_.begin() + static_cast<std::ptrdiff_t>(at));
    return "";
  }
  if (kind == 3 && sequences_.size() < 8) {  // fork
    for (const Token& token : *sequence) ++users_[Index(token.slot)];
    const Sequence copy = *sequence;
    sequences_.push_back(copy);
    return "";
  }
  if (kind <= 5 && length > 2) {
    const int64_t most = std::min<int64_t>(length - 2, 10);
    if (FreeSlots() > length) return Shift(sequence, random_.Integer(0, most));
  }
  return Append(sequence, random_.Integer(1, 4));
}

double CacheServer::Stored(int64_t slot, int64_t h, int64_t e) const {
  const int64_t at = (slot * kHeads + h) * kHeadDim + e;
  if (dtype_ == ROTARY_Q8_0) {
    const uint8_t* block = keys_.data() + at / 32 * 34;
    return ByteValue(ROTARY_I8, block[2 + at % 32]) *
           ValueOf(ROTARY_F16, LoadBits(ROTARY_F16, block, 0));
  }
  if (dtype_ == ROTARY_I8) {
    return ByteValue(ROTARY_I8, keys_[Index(at)]) *
           static_cast<double>(scales_[Index(slot * kHeads + h)]);
  }
  return ValueOf(dtype_, LoadBits(dtype_, keys_.data(), at));
}

std::string CacheServer::CheckToken(const Token& token) const {
  const std::vector<float> numbers = Numbers(token.key);
  // Elements are at most the root of 2, so a rounding is off by at most that
  // many units of a dtype, a pair by the root of 2 more; and turns keep that.
  const double unit = dtype_ == ROTARY_F32    ? 4 * 0x1p-24
                      : dtype_ == ROTARY_BF16 ? 0x1p-9 + 4 * 0x1p-24
                                              : 0.501 / 127;
  // bf16 of 1 to 2 has steps of 2^-7.
  const double largest = dtype_ == ROTARY_BF16 ? 2.0 : std::sqrt(2.0);
  // What was off makes elements, and so the scale of the next, larger.
  const double bound = static_cast<double>(token.moves + 1) * std::sqrt(2.0) *
                       largest * unit * std::pow(1.01, token.moves);
  for (int64_t i = 0; i < kPairs; ++i) {
    const double angle =
        static_cast<double>(token.position) *
        std::pow(kBase, -2.0 * static_cast<double>(i) / kHeadDim);
    for (int64_t h = 0; h < kHeads; ++h) {
      const auto a = static_cast<double>(numbers[Index(h * kHeadDim + i)]);
      const auto b =
          static_cast<double>(numbers[Index(h * kHeadDim + i + kPairs)]);
      const double first = a * std::cos(angle) - b * std::sin(angle);
      const double second = b * std::cos(angle) + a * std::sin(angle);
      if (std::fabs(Stored(token.slot, h, i) - first) > bound ||
          std::fabs(Stored(token.slot, h, i + kPairs) - second) > bound) {
        return "the key of position " + std::to_string(token.position) +
               " after " + std::to_string(token.moves) + " moves is " +
               std::to_string(Stored(token.slot, h, i)) + ", not within " +
               std::to_string(bound) + " of " + std::to_string(first);
      }
    }
  }
  for (int64_t h = 0; h < kHeads; ++h) {
    for (int64_t e = 0; e < kHeadDim; ++e) {
      const int64_t at =
          (token.slot / kBlockSize * kHeads + h) * kBlockSize * kHeadDim +
          token.slot % kBlockSize * kHeadDim + e;
      const double value = ValueOf(ROTARY_F16, values_[Index(at)]);
      if (value != static_cast<double>(numbers[Index(h * kHeadDim + e)])) {
        return "a value is another";
      }
    }
  }
  return "";
}

std::string CacheServer::Check() const {
  for (const Sequence& sequence : sequences_) {
    for (const Token& token : sequence) {
      const std::string wrong = CheckToken(token);
      if (!wrong.empty()) return wrong;
    }
  }
  return "";
}

}  // namespace rotary_test
