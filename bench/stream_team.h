// Threads that run one stream kernel over one case, each over its part.  They
// spin, so that the limit holds no more than the least cost of a start; used by
// measure.cc, and alive only while a stream is timed.

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

class StreamTeam {
 public:
  StreamTeam(const Stream& stream, const Case& c, const Memory& memory,
             int threads);
  ~StreamTeam();
  StreamTeam(const StreamTeam&) = delete;
  StreamTeam& operator=(const StreamTeam&) = delete;

  // Moves all bytes of the case once.
  void Run();

 private:
  struct alignas(64) Member {
    uint32_t sink[16];
    StreamSpan span;
    std::atomic<uint64_t> done{0};
    std::thread thread;
  };

  void Serve(Member* member, size_t cpu) const;

  alignas(64) std::atomic<uint64_t> round_{0};
  void (*const run_)(const StreamSpan&);
  const std::unique_ptr<Member[]> members_;  // the first is the caller
  cpu_set_t allowed_;  // where the caller may run, to be restored
  const int threads_;
  std::atomic<bool> stop_{false};
};

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_STREAM_TEAM_H_
