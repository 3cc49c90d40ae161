#include "bench/rows_bench.h"

#include <benchmark/benchmark.h>
#include <rotary/rotary.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace rotary_bench {
namespace {

constexpr int64_t kTokens = 512;
constexpr int64_t kRotaryDim = 128;
constexpr int64_t kMaxAxes = 3;
constexpr int kRounds = 31;
constexpr int kCallsPerRound = 8;

// What rows are made of.
struct Kind {
  const char* name;
  rotary_dtype positions;
  int64_t axes;
  rotary_arithmetic arithmetic;
  rotary_dtype row_dtype;
  rotary_xpos xpos;
  double log_n_length;
};
constexpr Kind kKinds[] = {
    {"exact", ROTARY_I32, 1, ROTARY_EXACT, ROTARY_F32, ROTARY_XPOS_NONE, 0},
    {"axes3", ROTARY_I32, 3, ROTARY_EXACT, ROTARY_F32, ROTARY_XPOS_NONE, 0},
    {"log_n", ROTARY_I32, 1, ROTARY_EXACT, ROTARY_F32, ROTARY_XPOS_NONE, 256},
    {"real", ROTARY_F64, 1, ROTARY_EXACT, ROTARY_F32, ROTARY_XPOS_NONE, 0},
    {"real_axes3", ROTARY_F64, 3, ROTARY_EXACT, ROTARY_F32, ROTARY_XPOS_NONE,
     0},
    {"xpos", ROTARY_I32, 1, ROTARY_EXACT, ROTARY_F32, ROTARY_XPOS_QUERY, 0},
    {"hf", ROTARY_I32, 1, ROTARY_COMPATIBLE_HF, ROTARY_F32, ROTARY_XPOS_NONE,
     0},
    {"hf_bf16", ROTARY_I32, 1, ROTARY_COMPATIBLE_HF, ROTARY_BF16,
     ROTARY_XPOS_NONE, 0},
    {"ggml", ROTARY_I32, 1, ROTARY_COMPATIBLE_GGML, ROTARY_F32,
     ROTARY_XPOS_NONE, 0}};

void Check(rotary_status status, const rotary_error& error) {
  if (status == ROTARY_OK) return;
  fprintf(stderr, "rotary_bench: %s\n", error.message);
  exit(EXIT_FAILURE);
}

// Everything that a call takes.
class RowsCall {
 public:
  explicit RowsCall(const Kind& kind) {
    rotary_error error;
    rotary_axes axes;
    rotary_axes_init(&axes, sizeof(axes));
    axes.num_axes = kind.axes;
    axes.layout = ROTARY_AXES_INTERLEAVED;
    axes.sections[0] = 24;
    axes.sections[1] = axes.sections[2] = 20;
    rotary_embedding_config config;
    rotary_embedding_config_init(&config, sizeof(config));
    config.rotary_dim = kRotaryDim;
    config.base = 500000;
    if (kind.axes > 1) config.axes = &axes;
    config.arithmetic = kind.arithmetic;
    config.row_dtype = kind.row_dtype;
    config.xpos = kind.xpos;
    Check(rotary_embedding_create(&config, &embedding_, &error), error);
    Check(rotary_rows_create(embedding_, kTokens, &rows_, &error), error);
    for (int64_t i = 0; i < kTokens * kMaxAxes; ++i) {
      ids_.push_back(static_cast<int32_t>(i * 7919 % 30011));
      numbers_.push_back(0.37 + static_cast<double>(ids_.back()));
    }
    rotary_positions_init(&positions_, sizeof(positions_));
    positions_.dtype = kind.positions;
    positions_.data = kind.positions == ROTARY_I32
                          ? static_cast<const void*>(ids_.data())
                          : static_cast<const void*>(numbers_.data());
    rotary_rows_args_init(&args_, sizeof(args_));
    args_.embedding = embedding_;
    args_.positions = &positions_;
    args_.tokens = kTokens;
    args_.num_threads = 1;
    args_.log_n_length = kind.log_n_length;
  }
  RowsCall(const RowsCall&) = delete;
  RowsCall& operator=(const RowsCall&) = delete;
  ~RowsCall() {
    rotary_rows_destroy(rows_);
    rotary_embedding_destroy(embedding_);
  }

  // The mean of a few calls.
  double Seconds() {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kCallsPerRound; ++i) {
      rotary_error error;
      Check(rotary_rows_set(rows_, &args_, &error), error);
    }
    const std::chrono::duration<double> taken =
        std::chrono::steady_clock::now() - start;
    return taken.count() / kCallsPerRound;
  }

 private:
  rotary_embedding* embedding_ = nullptr;
  rotary_rows* rows_ = nullptr;
  std::vector<int32_t> ids_;
  std::vector<double> numbers_;
  rotary_positions positions_;
  rotary_rows_args args_;
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// A kind beside exact rows from whole positions, in turn.
void Run(benchmark::State& state, const Kind& kind) {
  RowsCall call(kind);
  RowsCall exact(kKinds[0]);
  for (auto _ : state) {
    std::vector<double> seconds;
    std::vector<double> exact_seconds;
    for (int round = 0; round < kRounds; ++round) {
      seconds.push_back(call.Seconds());
      exact_seconds.push_back(exact.Seconds());
    }
    const double median = Median(seconds);
    state.SetIterationTime(median);
    state.counters["ns_per_token"] =
        median * 1e9 / static_cast<double>(kTokens);
    state.counters["of_exact"] = Median(exact_seconds) / median;
  }
}

// Making the embedding that rows come from.
void RunCreate(benchmark::State& state) {
  for (auto _ : state) {
    std::vector<double> seconds;
    for (int round = 0; round < kRounds; ++round) {
      rotary_embedding* embedding = nullptr;
      rotary_error error;
      const auto start = std::chrono::steady_clock::now();
      Check(rotary_embedding_from_base(kRotaryDim, 500000, &embedding, &error),
            error);
      const std::chrono::duration<double> taken =
          std::chrono::steady_clock::now() - start;
      rotary_embedding_destroy(embedding);
      seconds.push_back(taken.count());
    }
    state.SetIterationTime(Median(seconds));
  }
}

}  // namespace

void RegisterRows() {
  benchmark::RegisterBenchmark("create/t1", RunCreate)
      ->UseManualTime()
      ->Unit(benchmark::kMicrosecond);
  for (const Kind& kind : kKinds) {
    const std::string name = std::string("rows/") + kind.name + "/t1";
    benchmark::RegisterBenchmark(name.c_str(), [&kind](
                                                   benchmark::State& state) {
      Run(state, kind);
    })->UseManualTime();
  }
}

}  // namespace rotary_bench
