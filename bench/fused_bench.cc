// Rounds of fused passes, separate ones and streams.

#include "bench/fused_bench.h"

#include <benchmark/benchmark.h>

#include <algorithm>
#include <string>
#include <thread>
#include <vector>

#include "bench/contest.h"
#include "bench/fused_shapes.h"
#include "bench/fused_work.h"
#include "bench/measure.h"
#include "bench/stream.h"
#include "bench/stream_team.h"

namespace rotary_bench {
namespace {

constexpr int kTrials = 5;

size_t Lines(size_t bytes) { return bytes / 64 * 64; }

// Reads and writes as many bytes as a part of a move: what it reads more than
// it writes is only read.  Chunks are of some kilobytes.
StreamSpan PartOf(const Move& move, size_t part, size_t parts) {
  // The compiler must not know that these bits are 0.
  static volatile uint32_t no_bits = 0;
  StreamSpan span;
  const size_t chunks = std::max(parts, move.written / 4096);
  const size_t first = chunks * part / parts;
  const size_t rest = move.read > move.written ? move.read - move.written : 0;
  span.piece_bytes = std::max<size_t>(64, Lines(move.written / chunks));
  span.piece_stride = span.piece_bytes;
  span.chunk_row_bytes = Lines(rest / chunks);
  span.from = move.from + first * span.piece_bytes;
  span.to = move.to + first * span.piece_bytes;
  span.rows =
      move.from + span.piece_bytes * chunks + first * span.chunk_row_bytes;
  span.chunks = chunks * (part + 1) / parts - first;
  span.chunk_pieces = 1;
  span.zero = no_bits;
  if (span.chunk_row_bytes == 0) {
    span.piece_bytes *= span.chunks;
    span.chunks = 1;
  }
  return span;
}

bool Serves(const Stream& stream, const Move& move) {
  if (stream.use == StreamUse::kPieces) return false;
  return stream.use != StreamUse::kOutOfPlace || move.from != move.to;
}

using Tasks = std::vector<std::vector<StreamTask>>;  // of each thread

class TeamContestant : public Contestant {
 public:
  explicit TeamContestant(Tasks tasks) : tasks_(std::move(tasks)) {}

  void TimeBatch() {
    StreamTeam team(tasks_);
    const auto run = [&team](int64_t calls) {
      for (int64_t i = 0; i < calls; ++i) team.Run();
    };
    Contestant::TimeBatch(run, kBatchSeconds);
  }

 private:
  Tasks tasks_;
};

// The fastest stream of a move.
const Stream* BestStream(const Move& move, size_t threads) {
  const Stream* best = nullptr;
  double least = 0;
  const StreamSet set = Streams();
  for (size_t i = 0; i < set.count; ++i) {
    const Stream& stream = set.streams[i];
    if (!Serves(stream, move)) continue;
    Tasks tasks(threads);
    for (size_t t = 0; t < threads; ++t) {
      tasks[t].push_back({stream.run, PartOf(move, t, threads)});
    }
    TeamContestant team(tasks);
    for (int trial = 0; trial < kTrials; ++trial) team.TimeBatch();
    if (best != nullptr && team.MedianSeconds() >= least) continue;
    best = &stream;
    least = team.MedianSeconds();
  }
  return best;
}

// That of each move of some passes, one after the other.
Tasks StreamsOf(const std::vector<FusedPass>& passes, size_t threads) {
  Tasks tasks(threads);
  for (const FusedPass& pass : passes) {
    for (const Move& move : pass.moves) {
      const Stream* best = BestStream(move, threads);
      for (size_t t = 0; t < threads; ++t) {
        tasks[t].push_back({best->run, PartOf(move, t, threads)});
      }
    }
  }
  return tasks;
}

void Run(benchmark::State& state, const FusedCase& c, const Memory& memory) {
  const FusedWork work(c, memory);
  const Calls fused = [&work](int64_t calls) {
    for (int64_t i = 0; i < calls; ++i) work.Run(work.fused());
  };
  const Calls separate = [&work](int64_t calls) {
    for (int64_t i = 0; i < calls; ++i) {
      for (const FusedPass& pass : work.separate()) work.Run(pass);
    }
  };
  const auto threads = static_cast<size_t>(c.threads);
  for (auto _ : state) {
    Caller callers[] = {Caller(fused), Caller(separate)};
    TeamContestant streams[] = {
        TeamContestant(StreamsOf({work.fused()}, threads)),
        TeamContestant(StreamsOf(work.separate(), threads))};
    const auto time_callers = [&](size_t first) {
      for (const size_t i : {first, 1 - first}) {
        callers[i].TimeBatch(kBatchSeconds);
        if (threads > 1) std::this_thread::sleep_for(kUntilThreadsSleep);
      }
    };
    for (int round = 0; round < kRounds; ++round) {
      const size_t first = static_cast<size_t>(round % 2);
      if (first == 0) time_callers(0);
      streams[first].TimeBatch();
      streams[1 - first].TimeBatch();
      if (first == 1) time_callers(1);
    }
    const double seconds = callers[0].MedianSeconds();
    const double limit = streams[0].MedianSeconds();
    state.SetIterationTime(seconds);
    state.counters["of_limit"] = limit / seconds;
    state.counters["of_separate"] = seconds / callers[1].MedianSeconds();
    state.counters["limit_ratio"] = limit / streams[1].MedianSeconds();
  }
  size_t bytes = 0;
  for (const Move& move : work.fused().moves) bytes += move.read + move.written;
  state.SetBytesProcessed(static_cast<int64_t>(bytes));
}

}  // namespace

void RegisterFused(const Memory& memory) {
  for (const FusedCase& c : FusedCases(Cores())) {
    benchmark::RegisterBenchmark(Name(c).c_str(), [c, &memory](
                                                      benchmark::State& state) {
      Run(state, c, memory);
    })->UseManualTime();
  }
}

}  // namespace rotary_bench
