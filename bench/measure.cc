// Rounds, batches and medians, and which streams a case is held against.

#include "bench/measure.h"

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <thread>
#include <vector>

#include "bench/contest.h"
#include "bench/stream.h"
#include "bench/stream_team.h"

namespace rotary_bench {
namespace {

constexpr int kTrialRounds = 5;   // of every stream, to find the best two
constexpr int kMeasurements = 3;  // at most, while kMaxOfLimit is exceeded
constexpr double kTrialBatchSeconds = 5e-4;
class StreamContestant : public Contestant {
 public:
  StreamContestant(const Stream& stream, int threads)
      : stream_(&stream), threads_(threads) {}

  void TimeBatch(const Case& c, const Memory& memory, double batch_seconds) {
    std::vector<std::vector<StreamTask>> tasks;
    for (int i = 0; i < threads_; ++i) {
      tasks.push_back({{stream_->run, StreamPart(c, memory, i, threads_)}});
    }
    StreamTeam team(tasks);
    const auto run = [&team](int64_t calls) {
      for (int64_t i = 0; i < calls; ++i) team.Run();
    };
    Contestant::TimeBatch(run, batch_seconds);
  }

  const Stream& stream() const { return *stream_; }
  int threads() const { return threads_; }

 private:
  const Stream* stream_;
  int threads_;
};

// A call may always use fewer threads than it is allowed.
std::vector<int> StreamThreads(const Case& c) {
  const int most = c.threads != 0 ? c.threads : Cores();
  std::vector<int> threads;
  for (int n = 1; n < most; n *= 2) threads.push_back(n);
  threads.push_back(most);
  return threads;
}

bool IsFor(StreamUse use, const Case& c) {
  switch (use) {
    case StreamUse::kOutOfPlace:
      return c.out_of_place;
    case StreamUse::kPieces:
      return MovesTails(c);
    case StreamUse::kNoPieces:
      return !MovesTails(c);
    case StreamUse::kAny:
      break;
  }
  return true;
}

// The best two, by a short trial: it may be wrong by a little, both will be
// measured.
std::vector<StreamContestant> BestStreams(const Case& c, const Memory& memory) {
  std::vector<StreamContestant> streams;
  const StreamSet set = Streams();
  for (const int threads : StreamThreads(c)) {
    for (size_t i = 0; i < set.count; ++i) {
      if (!IsFor(set.streams[i].use, c)) continue;
      streams.emplace_back(set.streams[i], threads);
    }
  }
  for (int round = 0; round < kTrialRounds; ++round) {
    for (StreamContestant& stream : streams) {
      stream.TimeBatch(c, memory, kTrialBatchSeconds);
    }
  }
  std::partial_sort(streams.begin(), streams.begin() + 2, streams.end(),
                    [](const auto& a, const auto& b) {
                      return a.MedianSeconds() < b.MedianSeconds();
                    });
  // Without the times of the trial.
  return {StreamContestant(streams[0].stream(), streams[0].threads()),
          StreamContestant(streams[1].stream(), streams[1].threads())};
}

Measurement MeasureOnce(const Case& c, const std::vector<Calls>& runs,
                        const Memory& memory, int rounds) {
  std::vector<StreamContestant> streams = BestStreams(c, memory);
  std::vector<Caller> callers(runs.begin(), runs.end());
  const auto time_caller = [&](Caller& caller) {
    caller.TimeBatch(kBatchSeconds);
    if (c.threads != 1) std::this_thread::sleep_for(kUntilThreadsSleep);
  };
  for (int round = 0; round < rounds; ++round) {
    if (round % 2 == 0) {
      std::for_each(callers.begin(), callers.end(), time_caller);
    }
    for (StreamContestant& stream : streams) {
      stream.TimeBatch(c, memory, kBatchSeconds);
    }
    if (round % 2 == 1) {
      std::for_each(callers.rbegin(), callers.rend(), time_caller);
    }
    std::reverse(streams.begin(), streams.end());
  }
  const StreamContestant& best = *std::min_element(
      streams.begin(), streams.end(), [](const auto& a, const auto& b) {
        return a.MedianSeconds() < b.MedianSeconds();
      });
  Measurement measurement = {
      {}, best.MedianSeconds(), best.stream().name, best.threads()};
  for (const Caller& caller : callers) {
    measurement.call_seconds.push_back(caller.MedianSeconds());
  }
  return measurement;
}

}  // namespace

int Cores() {
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

double Measurement::MostOfLimit() const {
  return limit_seconds /
         *std::min_element(call_seconds.begin(), call_seconds.end());
}

Measurement Measure(const Case& c, const std::vector<Calls>& runs,
                    const Memory& memory, int rounds) {
  Measurement best = MeasureOnce(c, runs, memory, rounds);
  for (int i = 1; i < kMeasurements && best.MostOfLimit() > kMaxOfLimit; ++i) {
    const Measurement again = MeasureOnce(c, runs, memory, rounds);
    if (again.MostOfLimit() < best.MostOfLimit()) best = again;
  }
  return best;
}

double TrialSeconds(const Calls& run) {
  Caller caller(run);
  for (int round = 0; round < kTrialRounds; ++round) {
    caller.TimeBatch(kTrialBatchSeconds);
  }
  std::this_thread::sleep_for(kUntilThreadsSleep);
  return caller.MedianSeconds();
}

}  // namespace rotary_bench
