// How a case is cut into the parts of a team's threads, and the team itself.

#include "bench/stream_team.h"

#include <stddef.h>

namespace rotary_bench {
namespace {

// A token is cut into chunks of whole blocks, whatever its dtypes, each with as
// much of a kept row.
constexpr size_t kChunksPerToken = 2;
static_assert(kTokenElements * 2 / kChunksPerToken % kStreamBlock == 0 &&
                  kTokenElements * 3 / kChunksPerToken % kStreamBlock == 0,
              "16 bits, and 16 bits with 32");
static_assert(kRowBytes / kChunksPerToken % 64 == 0, "lines");

StreamSpan Part(const Case& c, const Memory& memory, size_t part,
                size_t parts) {
  // The compiler must not know that these bits are 0.
  static volatile uint32_t no_bits = 0;

  const size_t chunks =
      static_cast<size_t>(c.workload->tokens) * kChunksPerToken;
  const size_t first = chunks * part / parts;
  const size_t count = chunks * (part + 1) / parts - first;
  const size_t bytes = (InputBytes(c) + OutputBytes(c)) / 2 / chunks;
  const size_t row_bytes = c.kept_rows ? kRowBytes / kChunksPerToken : 0;

  StreamSpan span;
  span.from = memory.x.data() + first * bytes;
  span.to = (c.out_of_place ? memory.y : memory.x).data() + first * bytes;
  span.rows = memory.rows.data() + first * row_bytes;
  // Without rows there is no need to stop between chunks.
  span.chunks = c.kept_rows ? count : 1;
  span.chunk_bytes = c.kept_rows ? bytes : bytes * count;
  span.chunk_row_bytes = row_bytes;
  span.zero = no_bits;
  return span;
}

inline void Pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

// The i-th of the CPUs in `allowed`, beginning anew behind the last.
size_t Cpu(const cpu_set_t& allowed, int i) {
  int skip = i % CPU_COUNT(&allowed);
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &allowed) && skip-- == 0) return cpu;
  }
  return 0;
}

void PinThisThread(size_t cpu) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(cpu, &set);
  sched_setaffinity(0, sizeof(set), &set);
}

}  // namespace

StreamTeam::StreamTeam(const Stream& stream, const Case& c,
                       const Memory& memory, int threads)
    : run_(stream.run),
      members_(new Member[static_cast<size_t>(threads)]),
      threads_(threads) {
  const size_t parts = static_cast<size_t>(threads);
  for (size_t i = 0; i < parts; ++i) {
    members_[i].span = Part(c, memory, i, parts);
    members_[i].span.sink = members_[i].sink;
  }
  if (threads_ == 1) return;
  // One CPU each: the scheduler may start two on the same.
  CPU_ZERO(&allowed_);
  sched_getaffinity(0, sizeof(allowed_), &allowed_);
  for (int i = 1; i < threads_; ++i) {
    Member* member = &members_[static_cast<size_t>(i)];
    const size_t cpu = Cpu(allowed_, i);
    member->thread = std::thread([=] { Serve(member, cpu); });
  }
  PinThisThread(Cpu(allowed_, 0));
}

StreamTeam::~StreamTeam() {
  if (threads_ == 1) return;
  stop_.store(true, std::memory_order_relaxed);
  round_.fetch_add(1, std::memory_order_release);
  for (int i = 1; i < threads_; ++i) {
    members_[static_cast<size_t>(i)].thread.join();
  }
  sched_setaffinity(0, sizeof(allowed_), &allowed_);
}

void StreamTeam::Run() {
  if (threads_ == 1) {
    run_(members_[0].span);
    return;
  }
  const uint64_t round = round_.fetch_add(1, std::memory_order_release) + 1;
  run_(members_[0].span);
  for (int i = 1; i < threads_; ++i) {
    const Member& member = members_[static_cast<size_t>(i)];
    while (member.done.load(std::memory_order_acquire) != round) Pause();
  }
}

void StreamTeam::Serve(Member* member, size_t cpu) const {
  PinThisThread(cpu);
  for (uint64_t served = 0;; ++served) {
    while (round_.load(std::memory_order_acquire) == served) Pause();
    if (stop_.load(std::memory_order_relaxed)) return;
    run_(member->span);
    member->done.store(served + 1, std::memory_order_release);
  }
}

}  // namespace rotary_bench
