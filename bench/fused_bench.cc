// Rounds of fused passes, separate ones and streams.

#include "bench/fused_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "bench/fused_shapes.h"
#include "bench/stream.h"

namespace rotary_bench {
namespace {

constexpr int kFusedRounds = 31;
constexpr int kTrials = 5;
constexpr double kBatchSeconds = 1e-3;

using Action = std::function<void()>;

double Seconds(const Action& action, int64_t calls) {
  const auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; ++i) action();
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  return taken.count() / static_cast<double>(calls);
}

int64_t CallsFor(const Action& action) {
  action();
  int64_t calls = 1;
  double seconds = Seconds(action, calls);
  while (seconds * static_cast<double>(calls) < kBatchSeconds / 8) {
    calls *= 8;
    seconds = Seconds(action, calls);
  }
  return std::max(int64_t{1},
                  static_cast<int64_t>(std::ceil(kBatchSeconds / seconds)));
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

size_t Lines(size_t bytes) { return bytes / 64 * 64; }

// Reads and writes as many bytes as a move: what it reads more than it writes
// is only read.  Chunks are of some kilobytes.
void RunStream(const Stream& stream, const Move& move) {
  static volatile uint32_t no_bits = 0;
  uint32_t sink[16];
  StreamSpan span;
  const size_t chunks = std::max<size_t>(1, move.written / 4096);
  span.from = move.from;
  span.to = move.to;
  span.chunks = chunks;
  span.chunk_pieces = 1;
  span.piece_bytes = std::max<size_t>(64, Lines(move.written / chunks));
  span.piece_stride = span.piece_bytes;
  const size_t rest = move.read > move.written ? move.read - move.written : 0;
  span.chunk_row_bytes = Lines(rest / chunks);
  span.rows = move.from + span.piece_bytes * chunks;
  span.zero = no_bits;
  span.sink = sink;
  if (span.chunk_row_bytes == 0) {
    span.piece_bytes *= chunks;
    span.chunks = 1;
  }
  stream.run(span);
}

bool Serves(const Stream& stream, const Move& move) {
  if (stream.use == StreamUse::kPieces) return false;
  return stream.use != StreamUse::kOutOfPlace || move.from != move.to;
}

// The fastest stream of each move of some passes, which then run one after the
// other.
Action StreamsOf(const std::vector<FusedPass>& passes) {
  struct Best {
    const Stream* stream;
    Move move;
  };
  std::vector<Best> all;
  const StreamSet set = Streams();
  for (const FusedPass& pass : passes) {
    for (const Move& move : pass.moves) {
      Best best = {nullptr, move};
      double least = 0;
      for (size_t i = 0; i < set.count; ++i) {
        const Stream& stream = set.streams[i];
        if (!Serves(stream, move)) continue;
        const Action action = [&] { RunStream(stream, move); };
        const int64_t calls = CallsFor(action);
        std::vector<double> seconds;
        for (int trial = 0; trial < kTrials; ++trial) {
          seconds.push_back(Seconds(action, calls));
        }
        const double median = Median(seconds);
        if (best.stream != nullptr && median >= least) continue;
        best.stream = &stream;
        least = median;
      }
      all.push_back(best);
    }
  }
  return [all] {
    for (const Best& best : all) RunStream(*best.stream, best.move);
  };
}

void Run(benchmark::State& state, const FusedCase& c, const Memory& memory) {
  const FusedWork work(c, memory);
  const Action actions[] = {[&] { work.Run(work.fused()); },
                            [&] {
                              for (const FusedPass& pass : work.separate())
                                work.Run(pass);
                            },
                            StreamsOf({work.fused()}),
                            StreamsOf(work.separate())};
  constexpr size_t kActions = 4;
  for (auto _ : state) {
    int64_t calls[kActions];
    std::vector<double> seconds[kActions];
    for (size_t i = 0; i < kActions; ++i) calls[i] = CallsFor(actions[i]);
    for (int round = 0; round < kFusedRounds; ++round) {
      for (size_t k = 0; k < kActions; ++k) {
        const size_t i = round % 2 == 0 ? k : kActions - 1 - k;
        actions[i]();
        seconds[i].push_back(Seconds(actions[i], calls[i]));
      }
    }
    const double fused = Median(seconds[0]);
    state.SetIterationTime(fused);
    state.counters["of_limit"] = Median(seconds[2]) / fused;
    state.counters["of_separate"] = fused / Median(seconds[1]);
    state.counters["limit_ratio"] = Median(seconds[2]) / Median(seconds[3]);
  }
  size_t bytes = 0;
  for (const Move& move : work.fused().moves) bytes += move.read + move.written;
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

}  // namespace

void RegisterFused(const Memory& memory) {
  for (const FusedCase& c : FusedCases()) {
    benchmark::RegisterBenchmark(Name(c).c_str(), [c, &memory](
                                                      benchmark::State& state) {
      Run(state, c, memory);
    })->UseManualTime();
  }
}

}  // namespace rotary_bench
