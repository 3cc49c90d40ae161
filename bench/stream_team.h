// Threads that run stream kernels, each over its parts.  They spin, so that the
// limit holds no more than the least cost of a start; used by measure.cc and
// fused_bench.cc, and alive only while a stream is timed.

#ifndef ROTARY_BENCH_STREAM_TEAM_H_
#define ROTARY_BENCH_STREAM_TEAM_H_

#include <sched.h>
#include <stdint.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "bench/cases.h"
#include "bench/memory.h"
#include "bench/stream.h"

namespace rotary_bench {

struct StreamTask {
  void (*run)(const StreamSpan& span);
  StreamSpan span;  // its sink is the thread's
};

// The part of a case that a thread has.
StreamSpan StreamPart(const Case& c, const Memory& memory, int part, int parts);

class StreamTeam {
 public:
  // What each thread runs, one after the other; the first is the caller.
  explicit StreamTeam(const std::vector<std::vector<StreamTask>>& tasks);
  ~StreamTeam();
  StreamTeam(const StreamTeam&) = delete;
  StreamTeam& operator=(const StreamTeam&) = delete;

  // Runs all tasks once.
  void Run();

 private:
  struct alignas(64) Member {
    uint32_t sink[16];
    std::vector<StreamTask> tasks;
    std::atomic<uint64_t> done{0};
    std::thread thread;
  };

  static void RunTasks(const Member& member);
  void Serve(Member* member, size_t cpu) const;

  alignas(64) std::atomic<uint64_t> round_{0};
  const std::unique_ptr<Member[]> members_;
  cpu_set_t allowed_;  // where the caller may run, to be restored
  const int threads_;
  std::atomic<bool> stop_{false};
};

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_STREAM_TEAM_H_
