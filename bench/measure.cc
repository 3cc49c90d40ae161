// Rounds, batches and medians, and which streams a case is held against.

#include "bench/measure.h"

#include <stddef.h>
#include <stdint.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <thread>
#include <vector>

#include "bench/stream.h"
#include "bench/stream_team.h"

namespace rotary_bench {
namespace {

constexpr int kTrialRounds = 5;   // of every stream, to find the best two
constexpr int kMeasurements = 3;  // at most, while kMaxOfLimit is exceeded
constexpr double kTrialBatchSeconds = 5e-4;
constexpr double kBatchSeconds = 1e-3;

// OpenMP's threads spin for a while after a call, and would disturb a stream
// that has as many threads as there are cores.
constexpr auto kUntilThreadsSleep = std::chrono::milliseconds(20);

double Seconds(const Calls& run, int64_t calls) {
  const auto start = std::chrono::steady_clock::now();
  run(calls);
  const std::chrono::duration<double> taken =
      std::chrono::steady_clock::now() - start;
  return taken.count();
}

// How many calls fill a batch.  The first call only warms up.
int64_t CallsFor(const Calls& run, double batch_seconds) {
  run(1);
  int64_t calls = 1;
  double seconds = Seconds(run, calls);
  while (seconds < batch_seconds / 8) {
    calls *= 8;
    seconds = Seconds(run, calls);
  }
  const double needed = static_cast<double>(calls) * batch_seconds / seconds;
  return std::max(int64_t{1}, static_cast<int64_t>(std::ceil(needed)));
}

double Median(std::vector<double> values) {
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Something that is timed, round after round.
class Contestant {
 public:
  double MedianSeconds() const { return Median(seconds_); }

 protected:
  void TimeBatch(const Calls& run, double batch_seconds) {
    if (calls_ == 0) calls_ = CallsFor(run, batch_seconds);
    run(1);  // caches and threads are warm
    seconds_.push_back(Seconds(run, calls_) / static_cast<double>(calls_));
  }

 private:
  int64_t calls_ = 0;
  std::vector<double> seconds_;
};

class Caller : public Contestant {
 public:
  explicit Caller(const Calls& run) : run_(run) {}

  void TimeBatch(double batch_seconds) {
    Contestant::TimeBatch(run_, batch_seconds);
  }

 private:
  const Calls& run_;
};

class StreamContestant : public Contestant {
 public:
  StreamContestant(const Stream& stream, int threads)
      : stream_(&stream), threads_(threads) {}

  void TimeBatch(const Case& c, const Memory& memory, double batch_seconds) {
    StreamTeam team(*stream_, c, memory, threads_);
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
