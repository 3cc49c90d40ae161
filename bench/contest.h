// Those that are timed in turn, round after round: batches of calls, and the
// medians of their times.  Used by measure.cc and fused_bench.cc.

#ifndef ROTARY_BENCH_CONTEST_H_
#define ROTARY_BENCH_CONTEST_H_

#include <stdint.h>

#include <chrono>
#include <functional>
#include <vector>

namespace rotary_bench {

// Makes so many calls, one after the other.
using Calls = std::function<void(int64_t calls)>;

inline constexpr double kBatchSeconds = 1e-3;

// OpenMP's threads spin for a while after a call, and would disturb a stream
// that has as many threads as there are cores.
inline constexpr auto kUntilThreadsSleep = std::chrono::milliseconds(20);

class Contestant {
 public:
  double MedianSeconds() const;

 protected:
  void TimeBatch(const Calls& run, double batch_seconds);

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

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_CONTEST_H_
