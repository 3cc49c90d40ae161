// Fused passes on more than the caches hold, which go token by token, fetch
// ahead and store past the caches, give the bits of small ones.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/one_processor.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

struct Large {
  rotary_dtype input;
  rotary_dtype cache;
  bool norms = false;
  bool heads_apart = false;  // of the input
  bool heads_first = false;  // in the cache's blocks
  bool moves = false;        // the caches are then moved to others
  // Some tokens have no slots, some no positions, some no queries.
  bool gaps = false;
  bool streams = false;  // large calls store past the caches
};

// Bytes that begin at a line of the caches.
class Aligned {
 public:
  explicit Aligned(int64_t bytes)
      : memory_(static_cast<size_t>(bytes) + 64),
        data_(memory_.data() +
              (64 - reinterpret_cast<uintptr_t>(memory_.data()) % 64) % 64),
        bytes_(static_cast<size_t>(bytes)) {}
  Aligned(const Aligned&) = delete;
  Aligned& operator=(const Aligned&) = delete;

  uint8_t* data() const { return data_; }
  std::vector<uint8_t> Bytes() const { return {data_, data_ + bytes_}; }

 private:
  std::vector<uint8_t> memory_;
  uint8_t* data_;
  size_t bytes_;
};

constexpr int64_t kHeadDim = 128;
constexpr int64_t kQueries = 4;
constexpr int64_t kKeys = 8;
constexpr int64_t kHeads = kQueries + 2 * kKeys;
constexpr int64_t kBlock = 16;
constexpr int64_t kSmallTokens = 50;
constexpr int64_t kNoQueries = 30;  // tokens at both ends, where there are gaps

// Packed queries, keys and values of one sequence, and caches for the last two.
class LargePass {
 public:
  explicit LargePass(const Large& large)
      : large_(large),
        // Twice what one processor's share of the last cache, 16 MB, is for.
        tokens_(large.input == ROTARY_F32 ? 1024 : 2048),
        size_(static_cast<int64_t>(ElementBytes(large.input))),
        input_(tokens_ * kHeads * kHeadDim * size_),
        x_(tokens_ * kHeads * kHeadDim * size_),
        keys_(tokens_ * kKeys * kHeadDim * 4),
        values_(tokens_ * kKeys * kHeadDim * 4),
        moved_keys_(tokens_ * kKeys * kHeadDim * 4),
        moved_values_(tokens_ * kKeys * kHeadDim * 4),
        key_scales_(static_cast<size_t>(tokens_ * kKeys)),
        value_scales_(key_scales_.size()),
        moved_scales_(2 * key_scales_.size()),
        weight_(kHeadDim),
        embedding_(MakeEmbedding(kHeadDim)) {
    Random random(17);
    // Without a bit of its exponent a number is less than 2.
    const uint32_t two = Nearest(large.input, 2.0);
    for (int64_t i = 0; i < tokens_ * kHeads * kHeadDim; ++i) {
      StoreBits(large.input, input_.data(), i,
                static_cast<uint32_t>(random.Bits()) & ~two);
    }
    for (float& w : weight_) w = random.Float();
    std::vector<int64_t> positions;
    for (int64_t t = 0; t < tokens_; ++t) {
      const bool none = large.gaps && t % 13 == 7;
      positions.push_back(none ? ROTARY_NO_POSITION_I64 : 1000 + t);
    }
    rows_ = MakeRows(embedding_.get(), positions);
    rotary_norm_init(&norm_, sizeof(norm_));
    norm_.weight = weight_.data();
  }

  // In calls of so many tokens.
  std::vector<uint8_t> Run(const char* target, int64_t tokens) {
    const std::vector<uint8_t> bytes = input_.Bytes();
    std::copy(bytes.begin(), bytes.end(), x_.data());
    for (int64_t t = 0; t < tokens_; t += tokens) {
      RunSome(target, t, std::min(tokens, tokens_ - t), false);
    }
    if (large_.moves) {
      for (int64_t t = 0; t < tokens_; t += tokens) {
        RunSome(target, t, std::min(tokens, tokens_ - t), true);
      }
    }
    std::vector<uint8_t> all = x_.Bytes();
    for (const Aligned* some :
         {&keys_, &values_, &moved_keys_, &moved_values_}) {
      const std::vector<uint8_t> more = some->Bytes();
      all.insert(all.end(), more.begin(), more.end());
    }
    for (const std::vector<float>* scales :
         {&key_scales_, &value_scales_, &moved_scales_}) {
      const auto* data = reinterpret_cast<const uint8_t*>(scales->data());
      all.insert(all.end(), data, data + scales->size() * sizeof(float));
    }
    return all;
  }

  int64_t tokens() const { return tokens_; }

 private:
  rotary_tensor Tensor(int64_t first_head, int64_t heads, int64_t token) {
    const int64_t token_stride =
        large_.heads_apart ? kHeadDim : kHeads * kHeadDim;
    const int64_t head_stride =
        large_.heads_apart ? tokens_ * kHeadDim : kHeadDim;
    rotary_tensor tensor;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = heads;
    tensor.head_dim = kHeadDim;
    tensor.input =
        x_.data() + (first_head * head_stride + token * token_stride) * size_;
    tensor.input_token_stride = token_stride;
    tensor.input_head_stride = head_stride;
    tensor.input_dtype = large_.input;
    tensor.input_pairing = ROTARY_HALF;
    return tensor;
  }

  rotary_cache Cache(const Aligned& data, float* scales) const {
    rotary_cache cache = MakeCache(data.data(), large_.cache);
    cache.block_size = kBlock;
    const int64_t unit = large_.cache == ROTARY_Q8_0 ? 32 : 1;
    if (large_.heads_first) {
      cache.head_stride = kBlock * kHeadDim / unit;
      cache.slot_stride = kHeadDim / unit;
    }
    if (large_.cache == ROTARY_I8) {
      cache.scale_kind = ROTARY_SCALES_MADE;
      cache.scales = scales;
    }
    return cache;
  }

  OwnSlots Slots(int64_t first, int64_t count, int64_t step) const {
    std::vector<int64_t> slots;
    for (int64_t t = first; t < first + count; ++t) {
      const int64_t block = t / kBlock * step % (tokens_ / kBlock);
      const bool none = large_.gaps && (t % 11 == 5 || t % 100 < 20);
      slots.push_back(none ? -1 : block * kBlock + t % kBlock);
    }
    return SlotsAt(1, slots, tokens_);
  }

  void RunSome(const char* target, int64_t first, int64_t count, bool moves) {
    const rotary_cache keys = Cache(keys_, key_scales_.data());
    const rotary_cache values = Cache(values_, value_scales_.data());
    const rotary_cache moved_keys = Cache(moved_keys_, moved_scales_.data());
    const rotary_cache moved_values =
        Cache(moved_values_, moved_scales_.data() + key_scales_.size());
    std::vector<rotary_tensor> tensors;
    std::vector<rotary_fusion> fusions = {MakeFusion(1), MakeFusion(0)};
    const OwnSlots slots = Slots(first, count, 7);
    const OwnSlots moved_slots = Slots(first, count, 5);
    if (moves) {
      tensors.resize(2);
      for (rotary_tensor& tensor : tensors) {
        rotary_tensor_init(&tensor, sizeof(tensor));
        tensor.heads = kKeys;
        tensor.head_dim = kHeadDim;
        tensor.input_pairing = ROTARY_HALF;
      }
      fusions[0].source = &keys;
      fusions[1].source = &values;
      fusions[0].cache = &moved_keys;
      fusions[1].cache = &moved_values;
    } else {
      tensors = {Tensor(kQueries, kKeys, first),
                 Tensor(kQueries + kKeys, kKeys, first),
                 Tensor(0, kQueries, first)};
      fusions.push_back(MakeFusion(1));
      fusions[0].cache = &keys;
      fusions[1].cache = &values;
      if (large_.streams && count > kSmallTokens) {
        tensors[0].output_store = ROTARY_STORE_STREAM;
        tensors[1].output_store = ROTARY_STORE_STREAM;
      }
      if (large_.norms) fusions[0].norm = fusions[2].norm = &norm_;
      if (large_.gaps) {
        const int64_t begin = std::clamp(kNoQueries - first, int64_t{0}, count);
        const int64_t end =
            std::clamp(tokens_ - kNoQueries - first, begin, count);
        tensors[2] = Tensor(0, kQueries, first + begin);
        fusions[2].first_token = begin;
        fusions[2].num_tokens = end - begin;
      }
    }
    rotary_apply_args apply = MakeApplyArgs(1, count, tensors);
    apply.rows = rows_.get();
    apply.first_row = first;
    apply.target = target;
    apply.num_threads = 1;
    rotary_fused_args args =
        MakeFusedArgs(&apply, fusions, moves ? &moved_slots : &slots);
    if (moves) args.source_slots = slots.get();
    FuseOk(args);
  }

  const Large large_;
  const int64_t tokens_;
  const int64_t size_;
  Aligned input_;
  Aligned x_;
  Aligned keys_;
  Aligned values_;
  Aligned moved_keys_;
  Aligned moved_values_;
  std::vector<float> key_scales_;
  std::vector<float> value_scales_;
  std::vector<float> moved_scales_;
  std::vector<float> weight_;
  rotary_norm norm_;
  Embedding embedding_;
  Rows rows_;
};

TEST_CASE("large fused passes: the bits of small ones") {
  const OneProcessor one_processor;
  std::vector<Large> all;
  const auto add = [&all](rotary_dtype input, rotary_dtype cache) -> Large& {
    Large large = {};
    large.input = input;
    large.cache = cache;
    all.push_back(large);
    return all.back();
  };
  add(ROTARY_F32, ROTARY_F32).norms = true;
  add(ROTARY_BF16, ROTARY_BF16).moves = true;
  add(ROTARY_BF16, ROTARY_BF16).norms = true;
  add(ROTARY_F32, ROTARY_F16).heads_first = true;
  add(ROTARY_BF16, ROTARY_I8).norms = true;
  add(ROTARY_F32, ROTARY_Q8_0).moves = true;
  add(ROTARY_F16, ROTARY_F8_E4M3).heads_first = true;
  add(ROTARY_F16, ROTARY_F16).heads_apart = true;
  add(ROTARY_F32, ROTARY_F16).gaps = true;
  add(ROTARY_F32, ROTARY_F16).streams = true;
  Large& gaps = add(ROTARY_F32, ROTARY_BF16);
  gaps.gaps = gaps.streams = true;
  add(ROTARY_BF16, ROTARY_BF16).gaps = true;
  for (const Large& large : all) {
    CAPTURE(large.input);
    CAPTURE(large.cache);
    LargePass pass(large);
    const std::vector<uint8_t> expected = pass.Run(nullptr, kSmallTokens);
    ForEachTarget([&](const char* target) {
      CHECK(pass.Run(target, pass.tokens()) == expected);
    });
  }
}

}  // namespace
}  // namespace rotary_test
