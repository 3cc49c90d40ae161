// A program: what the library allocates, and what it does when there is no
// memory.  (Skipped where malloc cannot be replaced.)
#include "tests/api/alloc_watch.h"
#include "tests/support/program.h"

#if !ROTARY_TEST_OWN_MALLOC

int main() { return rotary_test::kSkipped; }

#else

#include <dirent.h>
#include <rotary/rotary.h>

#include <cstring>
#include <vector>

namespace {

using rotary_test::LiveAllocations;
using rotary_test::WatchResult;

int ThreadsOfProcess() {
  DIR* const tasks = opendir("/proc/self/task");
  ROTARY_EXPECT(tasks != nullptr);
  int count = 0;
  while (const dirent* entry = readdir(tasks)) {
    count += entry->d_name[0] != '.' ? 1 : 0;
  }
  closedir(tasks);
  return count;
}

// Runs call, watched; its n-th allocation and all after it fail (-1: none).
template <typename Call>
rotary_status Watch(int n, const Call& call, WatchResult* result) {
  rotary_test::StartWatch(n);
  const rotary_status status = call();
  *result = rotary_test::StopWatch();
  return status;
}

template <typename Call>
void ExpectNoAllocation(const Call& call) {
  WatchResult result;
  ROTARY_EXPECT(Watch(-1, call, &result) == ROTARY_OK);
  ROTARY_EXPECT(result.allocations == 0);
}

// Each allocation of call fails in turn, until it needs no more of them.
// undo() frees what a successful call made.
template <typename Call, typename Undo>
void FailEachAllocation(int at_least, const Call& call, const Undo& undo) {
  int n = 0;
  for (;; ++n) {
    ROTARY_EXPECT(n < 100);
    WatchResult result;
    const rotary_status status = Watch(n, call, &result);
    if (status == ROTARY_OK) {
      undo();
    } else {
      ROTARY_EXPECT(result.failed);
      ROTARY_EXPECT(status == ROTARY_ERROR_MEMORY);
    }
    ROTARY_EXPECT(LiveAllocations() == 0);
    if (!result.failed) break;
  }
  ROTARY_EXPECT(n >= at_least);
}

// A call with rows, and one with an embedding and positions.
struct Calls {
  static constexpr size_t kTokens = 2048;
  std::vector<float> input = std::vector<float>(kTokens * 8 * 64, 1.0f);
  std::vector<float> output = std::vector<float>(input.size());
  std::vector<int32_t> ids = std::vector<int32_t>(kTokens, 12345);
  rotary_positions positions;
  rotary_rows_args rows_args;
  rotary_tensor tensor;
  rotary_apply_args by_rows;
  rotary_apply_args by_embedding;

  Calls(const rotary_embedding* embedding, const rotary_rows* rows) {
    rotary_positions_init(&positions, sizeof(positions));
    positions.data = ids.data();
    positions.dtype = ROTARY_I32;
    rotary_rows_args_init(&rows_args, sizeof(rows_args));
    rows_args.embedding = embedding;
    rows_args.positions = &positions;
    rows_args.tokens = static_cast<int64_t>(ids.size());
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = 8;
    tensor.head_dim = 64;
    tensor.input = input.data();
    tensor.input_pairing = ROTARY_HALF;
    tensor.output = output.data();
    rotary_apply_args_init(&by_rows, sizeof(by_rows));
    by_rows.tokens = rows_args.tokens;
    by_rows.tensors = &tensor;
    by_rows.num_tensors = 1;
    by_embedding = by_rows;
    by_rows.rows = rows;
    by_embedding.embedding = embedding;
    by_embedding.positions = &positions;
  }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;
  ~Calls() = default;

  // From then on the output's memory is rotated in place, as f16 that becomes
  // bf16 and changes its pairing.
  void ChangeInPlace() {
    tensor.input = tensor.output;
    tensor.input_dtype = ROTARY_F16;
    tensor.output_dtype = ROTARY_BF16;
    tensor.output_pairing = ROTARY_INTERLEAVED;
  }

  void SetThreads(int32_t num_threads) {
    rows_args.num_threads = num_threads;
    by_rows.num_threads = num_threads;
    by_embedding.num_threads = num_threads;
  }
};

void TestCreation() {
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  FailEachAllocation(
      1,
      [&] {
        embedding = nullptr;
        std::memset(&error, 0, sizeof(error));
        const rotary_status status =
            rotary_embedding_from_base(64, 10000, &embedding, &error);
        ROTARY_EXPECT((status == ROTARY_OK) == (embedding != nullptr));
        ROTARY_EXPECT(status == error.status);
        ROTARY_EXPECT((status == ROTARY_OK) == (error.message[0] == '\0'));
        return status;
      },
      [&] { rotary_embedding_destroy(embedding); });

  ROTARY_EXPECT(rotary_embedding_from_base(64, 10000, &embedding, nullptr) ==
                ROTARY_OK);
  rotary_rows* rows = nullptr;
  FailEachAllocation(
      1,
      [&] {
        rows = nullptr;
        const rotary_status status =
            rotary_rows_create(embedding, 100, &rows, nullptr);
        ROTARY_EXPECT((status == ROTARY_OK) == (rows != nullptr));
        return status;
      },
      [&] { rotary_rows_destroy(rows); });
  rotary_embedding_destroy(embedding);
}

// One for another length: what it is made of stays as it is.
void TestForLength() {
  rotary_scaling scaling;
  rotary_scaling_init(&scaling, sizeof(scaling), ROTARY_SCALING_LONGROPE);
  const std::vector<float> factors(32, 2.0f);
  scaling.original_length = 100;
  scaling.factors = factors.data();
  scaling.short_factors = factors.data();
  scaling.long_factors = factors.data();
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = 64;
  config.scaling = &scaling;
  rotary_embedding* embedding = nullptr;
  ROTARY_EXPECT(rotary_embedding_create(&config, &embedding, nullptr) ==
                ROTARY_OK);
  rotary_embedding* other = nullptr;
  rotary_error error;
  FailEachAllocation(
      1,
      [&] {
        other = nullptr;
        std::memset(&error, 0, sizeof(error));
        const rotary_status status =
            rotary_embedding_for_length(embedding, 1000, &other, &error);
        ROTARY_EXPECT((status == ROTARY_OK) == (other != nullptr));
        ROTARY_EXPECT(other != embedding);
        ROTARY_EXPECT(status == error.status);
        return status;
      },
      [&] { rotary_embedding_destroy(other); });
  ExpectNoAllocation([&] {
    return rotary_embedding_for_length(embedding, 99, &other, nullptr);
  });
  ROTARY_EXPECT(other == embedding);
  FailEachAllocation(
      1,
      [&] {
        other = nullptr;
        const rotary_status status =
            rotary_embedding_between(embedding, embedding, &other, nullptr);
        ROTARY_EXPECT((status == ROTARY_OK) == (other != nullptr));
        return status;
      },
      [&] { rotary_embedding_destroy(other); });
  int32_t equal = 0;
  FailEachAllocation(
      2,
      [&] {
        return rotary_embedding_config_equal(&config, &config, &equal, nullptr);
      },
      [&] { ROTARY_EXPECT(equal == 1); });
  // A config that is refused once its frequencies are made.
  scaling.attention_factor = 1e100;
  FailEachAllocation(
      1,
      [&] {
        other = nullptr;
        const rotary_status status =
            rotary_embedding_create(&config, &other, nullptr);
        ROTARY_EXPECT(other == nullptr);
        return status == ROTARY_ERROR_ARGUMENT ? ROTARY_OK : status;
      },
      [] {});
  rotary_embedding_destroy(embedding);
}

// Before any call of the process with more threads.
void TestOneThread(Calls* calls, rotary_rows* rows) {
  calls->SetThreads(1);
  const int threads = ThreadsOfProcess();
  ExpectNoAllocation(
      [&] { return rotary_apply(&calls->by_embedding, nullptr); });
  ExpectNoAllocation(
      [&] { return rotary_rows_set(rows, &calls->rows_args, nullptr); });
  ExpectNoAllocation([&] { return rotary_apply(&calls->by_rows, nullptr); });
  alignas(8) static char memory[16384];
  for (rotary_apply_args* args : {&calls->by_rows, &calls->by_embedding}) {
    ExpectNoAllocation([&] {
      rotary_prepared* prepared = nullptr;
      const rotary_status status =
          rotary_prepare(args, memory, sizeof(memory), &prepared, nullptr);
      if (status != ROTARY_OK) return status;
      return rotary_prepared_run(prepared, 0, 1, nullptr);
    });
  }
  ROTARY_EXPECT(ThreadsOfProcess() == threads);
  ROTARY_EXPECT(rotary_test::ThreadsCreated() == 0);
}

// In place, by cycles.
void TestWeights() {
  std::vector<float> weights(2 * 64 * 2000);
  ExpectNoAllocation([&] {
    return rotary_permute_weights(weights.data(), nullptr, sizeof(float), 2, 64,
                                  0, 64, 2000, ROTARY_DENSE, ROTARY_DENSE,
                                  ROTARY_INTERLEAVED, ROTARY_HALF, nullptr);
  });
}

// Once the OpenMP runtime has its threads.
void TestTwoThreads(Calls* calls, rotary_rows* rows) {
  calls->SetThreads(2);
  ROTARY_EXPECT(rotary_apply(&calls->by_embedding, nullptr) == ROTARY_OK);
  const auto nothing = [] {};
  FailEachAllocation(
      0, [&] { return rotary_apply(&calls->by_embedding, nullptr); }, nothing);
  FailEachAllocation(
      0, [&] { return rotary_apply(&calls->by_rows, nullptr); }, nothing);
  FailEachAllocation(
      0, [&] { return rotary_rows_set(rows, &calls->rows_args, nullptr); },
      nothing);
}

}  // namespace

int main() {
  TestCreation();
  TestForLength();
  TestWeights();
  rotary_embedding* embedding = nullptr;
  ROTARY_EXPECT(rotary_embedding_from_base(64, 10000, &embedding, nullptr) ==
                ROTARY_OK);
  rotary_rows* rows = nullptr;
  ROTARY_EXPECT(rotary_rows_create(embedding, 2048, &rows, nullptr) ==
                ROTARY_OK);
  {
    Calls calls(embedding, rows);
    TestOneThread(&calls, rows);
    calls.ChangeInPlace();
    TestOneThread(&calls, rows);
    TestTwoThreads(&calls, rows);
  }
  rotary_rows_destroy(rows);
  rotary_embedding_destroy(embedding);
  return 0;
}

#endif  // ROTARY_TEST_OWN_MALLOC
