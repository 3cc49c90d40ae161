// The table of kinds, and counts of their inputs.
#include "tests/fuzz/kinds.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"

namespace rotary_test {
namespace {

struct Kind {
  const char* name;
  bool (*run)(Input*);
  int share;  // of 256 first bytes
};

constexpr Kind kKinds[] = {
    {"apply", FuzzApply, 48},
    {"prepared", FuzzPrepared, 28},
    {"corrupt", FuzzCorrupt, 32},
    {"config", FuzzConfig, 16},
    {"rows", FuzzRows, 24},
    {"corrupt_rows", FuzzCorruptRows, 8},
    {"objects", FuzzObjects, 4},
    {"export", FuzzExport, 12},
    {"flat", FuzzFlat, 16},
    {"weights", FuzzWeights, 8},
    {"shard", FuzzShard, 4},
    {"slots", FuzzSlots, 12},
    {"names", FuzzNames, 4},
    {"fused", FuzzFused, 12},
    {"move", FuzzMove, 4},
    {"backward", FuzzBackward, 8},
    {"corrupt_fused", FuzzCorruptFused, 6},
    {"corrupt_move", FuzzCorruptMove, 4},
    {"corrupt_backward", FuzzCorruptBackward, 6},
};
constexpr size_t kCount = sizeof(kKinds) / sizeof(kKinds[0]);

constexpr int Shares() {
  int sum = 0;
  for (const Kind& kind : kKinds) sum += kind.share;
  return sum;
}
static_assert(Shares() == 256, "each first byte is a kind's");

struct Count {
  int64_t inputs;
  int64_t valid;
  std::clock_t time;  // of the processor
};
Count counts[kCount];

void PrintCounts() {
  Count all = {};
  const auto print = [](const char* name, const Count& count) {
    if (count.inputs == 0) return;
    const auto inputs = static_cast<double>(count.inputs);
    std::fprintf(
        stderr, "%-16s %10lld inputs, %5.1f %% valid, %7.2f us each\n", name,
        static_cast<long long>(count.inputs),
        100.0 * static_cast<double>(count.valid) / inputs,
        1e6 / CLOCKS_PER_SEC * static_cast<double>(count.time) / inputs);
  };
  for (size_t i = 0; i < kCount; ++i) {
    print(kKinds[i].name, counts[i]);
    all.inputs += counts[i].inputs;
    all.valid += counts[i].valid;
    all.time += counts[i].time;
  }
  print("all", all);
}

// The kind that the environment has, or kCount.
size_t OnlyKind() {
  const char* const name = std::getenv("ROTARY_FUZZ_KIND");
  if (name == nullptr) return kCount;
  for (size_t i = 0; i < kCount; ++i) {
    if (std::strcmp(name, kKinds[i].name) == 0) return i;
  }
  Fail("ROTARY_FUZZ_KIND is no kind");
}

size_t KindOf(uint8_t first) {
  int at = first;
  size_t i = 0;
  for (; at >= kKinds[i].share; ++i) at -= kKinds[i].share;
  return i;
}

struct Settings {
  Settings()
      : only(OnlyKind()), counts(std::getenv("ROTARY_FUZZ_STATS") != nullptr) {
    HandleAsserts();
    if (counts) std::atexit(PrintCounts);
  }
  size_t only;
  bool counts;
};

}  // namespace

void RunInput(const uint8_t* data, size_t size) {
  static const Settings settings;
  if (size == 0) return;
  const size_t kind = settings.only < kCount ? settings.only : KindOf(data[0]);
  Input input(data + 1, size - 1);
  const std::clock_t begin = settings.counts ? std::clock() : 0;
  const bool valid = kKinds[kind].run(&input);
  Arena::Get().Clear();
  if (!settings.counts) return;
  ++counts[kind].inputs;
  counts[kind].valid += valid ? 1 : 0;
  counts[kind].time += std::clock() - begin;
}

}  // namespace rotary_test
