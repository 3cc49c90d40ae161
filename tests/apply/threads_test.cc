// A program: 64 threads use one embedding, one block of rows, one map of slots
// and one cache at the same time.  Built with ThreadSanitizer, it also shows
// that they share nothing else.
#include <rotary/rotary.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/support/program.h"

namespace {

using rotary_test::Workload;

constexpr size_t kThreads = 64;
constexpr int64_t kTokens = 32;  // of each thread
constexpr int64_t kHeads = 4;
constexpr int64_t kHeadDim = 64;
constexpr int64_t kSlots = static_cast<int64_t>(kThreads) * kTokens;

// What all threads share.
class Shared {
 public:
  Shared()
      : cache(static_cast<size_t>(kSlots * kHeads * kHeadDim)),
        positions_(static_cast<size_t>(kSlots)) {
    for (size_t i = 0; i < positions_.size(); ++i) {
      positions_[i] = static_cast<int64_t>(i * 31 % 4096);
    }
    ROTARY_EXPECT(rotary_embedding_from_base(kHeadDim, 10000, &embedding,
                                             nullptr) == ROTARY_OK);
    ROTARY_EXPECT(rotary_rows_create(embedding, kSlots, &rows, nullptr) ==
                  ROTARY_OK);
    rotary_positions positions = PositionsOf(0);
    rotary_rows_args args;
    rotary_rows_args_init(&args, sizeof(args));
    args.embedding = embedding;
    args.positions = &positions;
    args.tokens = kSlots;
    ROTARY_EXPECT(rotary_rows_set(rows, &args, nullptr) == ROTARY_OK);
  }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    rotary_rows_destroy(rows);
    rotary_embedding_destroy(embedding);
  }

  rotary_positions PositionsOf(int64_t slot) const {
    rotary_positions positions;
    rotary_positions_init(&positions, sizeof(positions));
    positions.data = positions_.data() + slot;
    positions.dtype = ROTARY_I64;
    return positions;
  }

  rotary_embedding* embedding = nullptr;
  rotary_rows* rows = nullptr;
  std::vector<float> cache;

 private:
  std::vector<int64_t> positions_;
};

// The tokens of a thread, and its calls.
class Host {
 public:
  Host(Shared* shared, size_t index)
      : shared_(shared),
        first_(static_cast<int64_t>(index) * kTokens),
        x_(static_cast<size_t>(kTokens * kHeads * kHeadDim)),
        y_(x_.size()) {
    for (size_t i = 0; i < x_.size(); ++i) {
      x_[i] = static_cast<float>((i + index) * 7919 % 2003) - 1001;
    }
  }

  void Work() {
    rotary_tensor tensor;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = kHeads;
    tensor.head_dim = kHeadDim;
    tensor.input = x_.data();
    tensor.input_pairing = ROTARY_HALF;
    tensor.output = y_.data();
    rotary_apply_args args;
    rotary_apply_args_init(&args, sizeof(args));
    args.tokens = kTokens;
    args.tensors = &tensor;
    args.num_tensors = 1;
    args.rows = shared_->rows;
    args.first_row = first_;
    args.num_threads = 1;
    ROTARY_EXPECT(rotary_apply(&args, nullptr) == ROTARY_OK);
    const std::vector<float> expected = y_;

    // By the embedding, by more threads.
    const rotary_positions positions = shared_->PositionsOf(first_);
    args.rows = nullptr;
    args.first_row = 0;
    args.embedding = shared_->embedding;
    args.positions = &positions;
    args.num_threads = 2;
    ROTARY_EXPECT(rotary_apply(&args, nullptr) == ROTARY_OK);
    ROTARY_EXPECT(y_ == expected);

    Append(&args, &tensor);
    const auto begin = shared_->cache.begin() + first_ * kHeads * kHeadDim;
    ROTARY_EXPECT(
        std::vector<float>(begin, begin + static_cast<int64_t>(y_.size())) ==
        expected);
  }

 private:
  // To the thread's own slots of the cache.
  void Append(rotary_apply_args* apply, rotary_tensor* tensor) {
    std::vector<int64_t> ids;
    for (int64_t t = 0; t < kTokens; ++t) ids.push_back(first_ + t);
    rotary_positions positions;
    rotary_positions_init(&positions, sizeof(positions));
    positions.data = ids.data();
    positions.dtype = ROTARY_I64;
    rotary_slots_args slots_args;
    rotary_slots_args_init(&slots_args, sizeof(slots_args));
    slots_args.tokens = kTokens;
    slots_args.num_slots = kSlots;
    slots_args.positions = &positions;
    size_t bytes = 0;
    ROTARY_EXPECT(rotary_slots_bytes_needed(kTokens, kSlots, &bytes, nullptr) ==
                  ROTARY_OK);
    std::vector<uint64_t> memory(bytes / 8 + 1);
    rotary_slots* slots = nullptr;
    ROTARY_EXPECT(rotary_slots_init(memory.data(), bytes, &slots_args, &slots,
                                    nullptr) == ROTARY_OK);
    rotary_cache cache;
    rotary_cache_init(&cache, sizeof(cache));
    cache.data = shared_->cache.data();
    cache.dtype = ROTARY_F32;
    cache.pairing = ROTARY_HALF;
    cache.block_size = 16;
    rotary_fusion fusion;
    rotary_fusion_init(&fusion, sizeof(fusion));
    fusion.rotates = 1;
    fusion.cache = &cache;
    rotary_fused_args args;
    rotary_fused_args_init(&args, sizeof(args));
    tensor->output = nullptr;
    args.apply = apply;
    args.fusions = &fusion;
    args.slots = slots;
    ROTARY_EXPECT(rotary_apply_fused(&args, nullptr) == ROTARY_OK);
  }

  Shared* const shared_;
  const int64_t first_;
  std::vector<float> x_;
  std::vector<float> y_;
};

}  // namespace

int main() {
  Shared shared;
  const Workload workload;
  std::atomic<bool> go{false};
  std::vector<std::thread> threads;
  for (size_t i = 0; i < kThreads; ++i) {
    threads.emplace_back([&shared, &workload, &go, i] {
      Host host(&shared, i);
      while (!go) std::this_thread::yield();
      for (int round = 0; round < 10; ++round) host.Work();
      ROTARY_EXPECT(workload.IsRightWith(static_cast<int32_t>(i % 4)));
    });
  }
  go = true;
  for (std::thread& thread : threads) thread.join();
  return 0;
}
