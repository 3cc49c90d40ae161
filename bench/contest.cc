// Batches of calls and their times.

#include "bench/contest.h"

#include <stddef.h>

#include <algorithm>
#include <cmath>

namespace rotary_bench {
namespace {

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

}  // namespace

double Contestant::MedianSeconds() const {
  std::vector<double> values = seconds_;
  const auto middle =
      values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void Contestant::TimeBatch(const Calls& run, double batch_seconds) {
  if (calls_ == 0) calls_ = CallsFor(run, batch_seconds);
  run(1);  // caches and threads are warm
  seconds_.push_back(Seconds(run, calls_) / static_cast<double>(calls_));
}

}  // namespace rotary_bench
