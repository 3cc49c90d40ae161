// rotary_bench: registers every case with Google Benchmark, checks the outputs,
// runs, and fails if a share of the limit is more than there can be.

#include <benchmark/benchmark.h>
#include <rotary/rotary.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <memory>
#include <regex>
#include <string>
#include <vector>

#include "bench/arithmetic.h"
#include "bench/cases.h"
#include "bench/fused_bench.h"
#include "bench/measure.h"
#include "bench/memory.h"
#include "bench/reference.h"
#include "bench/rotation.h"
#include "bench/rows_bench.h"
#include "bench/source.h"
#include "bench/stream.h"

namespace rotary_bench {
namespace {

#if defined(__clang__)
constexpr char kCompiler[] = __VERSION__;  // "Clang 14.0.6", or so
#else
constexpr char kCompiler[] = "GCC " __VERSION__;
#endif

void AddContext() {
  const char* target;
  rotary_error error;
  if (rotary_target_default(&target, &error) != ROTARY_OK) {
    fprintf(stderr, "rotary_bench: %s\n", error.message);
    exit(EXIT_FAILURE);
  }
  std::string targets;
  for (int32_t i = 0; i < rotary_target_count(); ++i) {
    targets += std::string(i > 0 ? " " : "") + rotary_target_name(i);
  }
  benchmark::AddCustomContext("compiler", kCompiler);
  benchmark::AddCustomContext("rotary_version", rotary_version_string());
  benchmark::AddCustomContext("rotary_has_openmp",
                              std::to_string(rotary_has_openmp()));
  benchmark::AddCustomContext("rotary_targets", targets);
  benchmark::AddCustomContext("rotary_target", target);
  benchmark::AddCustomContext("stream_target", Streams().target);
}

// Which cases are run: only these are checked before.
class Filter {
 public:
  explicit Filter(const std::string& pattern)
      : empty_(pattern.empty()),
        negative_(!empty_ && pattern[0] == '-'),
        regex_(negative_ ? pattern.substr(1) : pattern) {}

  bool Takes(const Case& c) const {
    if (empty_) return InDefaultSet(c);
    return std::regex_search(Name(c) + "/manual_time", regex_) != negative_;
  }

 private:
  bool empty_;
  bool negative_;  // as Google Benchmark has it
  std::regex regex_;
};

// Times calls beside the limit of a case, and beside `others`, of which the
// fastest is what the calls might have been.  `exceeded`: set where they are
// faster than the limit allows; nullptr: they do not go through memory.
void Run(benchmark::State& state, const std::string& name, const Case& c,
         const Calls& calls, const std::vector<Calls>& others,
         const Memory& memory, bool* exceeded) {
  std::vector<Calls> all = {calls};
  all.insert(all.end(), others.begin(), others.end());
  while (state.KeepRunning()) {
    const Measurement m = Measure(c, all, memory);
    const double seconds = m.call_seconds[0];
    state.SetIterationTime(seconds);
    state.counters["of_limit"] = m.OfLimit(0);
    if (!others.empty()) {
      const auto first = m.call_seconds.begin() + 1;
      state.counters["of_best"] =
          *std::min_element(first, m.call_seconds.end()) / seconds;
    }
    state.SetLabel(std::string("limit: ") + m.stream + ", t" +
                   std::to_string(m.stream_threads));
    if (exceeded != nullptr && m.MostOfLimit() > kMaxOfLimit) {
      fprintf(stderr,
              "rotary_bench: %s: %.3f of the limit; the stream kernels are too "
              "slow\n",
              name.c_str(), m.MostOfLimit());
      *exceeded = true;
    }
  }
  state.SetBytesProcessed(static_cast<int64_t>(MovedBytes(c)));
}

int Main(int argc, char** argv) {
  // A measurement is one iteration, whatever min_time is asked for: it has
  // rounds of its own.
  std::vector<char*> args(argv, argv + argc);
  std::string one_iteration = "--benchmark_min_time=0";
  args.push_back(one_iteration.data());
  args.push_back(nullptr);
  int count = argc + 1;
  benchmark::Initialize(&count, args.data());
  if (benchmark::ReportUnrecognizedArguments(count, args.data())) {
    return EXIT_FAILURE;
  }
  AddContext();

  const Filter filter(benchmark::GetBenchmarkFilter());
  const Memory memory(LargestRowBytes());
  bool exceeded = false;
  for (const Case& c : AllCases()) {
    if (!filter.Takes(c)) continue;
    if (!OutputIsRight(c, memory)) return EXIT_FAILURE;
    const std::string name = Name(c);
    const auto run = [=, &memory, &exceeded](benchmark::State& state) {
      memory.Fill(c);
      const auto calls = [&](const Case& one) -> Calls {
        const auto rotation = std::make_shared<Rotation>(one, memory);
        return [rotation](int64_t n) { rotation->Run(n); };
      };
      // Where the library chooses, beside what it chooses from.
      std::vector<Calls> others;
      if (c.threads == 0) {
        for (const int threads : {1, Cores()}) {
          Case other = c;
          other.threads = threads;
          others.push_back(calls(other));
        }
      }
      Run(state, name, c, calls(c), others, memory, &exceeded);
    };
    benchmark::RegisterBenchmark(name.c_str(), run)->UseManualTime();
  }
  const Case decode = AllCases().front();
  const auto arithmetic = [&](benchmark::State& state) {
    const auto calls = [&](int64_t n) {
      RotateInRegisters(n * Elements(*decode.workload) / 2);
    };
    Run(state, "arithmetic", decode, calls, {}, memory, nullptr);
  };
  benchmark::RegisterBenchmark("arithmetic/D1/f32/t1", arithmetic)
      ->UseManualTime();
  RegisterRows();
  if (!benchmark::GetBenchmarkFilter().empty()) RegisterFused(memory);
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return exceeded ? EXIT_FAILURE : EXIT_SUCCESS;
}

}  // namespace
}  // namespace rotary_bench

int main(int argc, char** argv) { return rotary_bench::Main(argc, argv); }
