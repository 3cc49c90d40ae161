// How a case is cut into the parts of a team's threads, and the team itself.

#include "bench/stream_team.h"

#include <stddef.h>

namespace rotary_bench {
namespace {

// A token is cut in two, so that two threads have work at the smallest, each
// half with as much of a row; where that is less than a block, a chunk is as
// many halves as fill one.
size_t HalfTokensPerChunk(const Case& c, size_t half_token_bytes) {
  const size_t half_tokens = static_cast<size_t>(c.workload->tokens) * 2;
  size_t count = 1;
  while (count * half_token_bytes < kStreamBlock &&
         half_tokens % (count * 2) == 0) {
    count *= 2;
  }
  return count;
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

StreamSpan StreamPart(const Case& c, const Memory& memory, int part,
                      int parts) {
  // The compiler must not know that these bits are 0.
  static volatile uint32_t no_bits = 0;

  const Workload& workload = *c.workload;
  const size_t half_tokens = static_cast<size_t>(workload.tokens) * 2;
  const size_t half_token_bytes = MovedBytes(c) / 2 / half_tokens;
  const size_t halves = HalfTokensPerChunk(c, half_token_bytes);
  const size_t chunks = half_tokens / halves;
  const size_t first =
      chunks * static_cast<size_t>(part) / static_cast<size_t>(parts);
  const size_t count =
      chunks * static_cast<size_t>(part + 1) / static_cast<size_t>(parts) -
      first;

  StreamSpan span;
  size_t pieces = 1;
  size_t offset = 0;
  span.piece_bytes = halves * half_token_bytes;
  span.piece_stride = span.piece_bytes;
  if (MovesTails(c)) {
    const size_t bytes = static_cast<size_t>(c.input->bytes);
    span.piece_bytes = static_cast<size_t>(workload.rotary_dim) * bytes;
    span.piece_stride = static_cast<size_t>(workload.head_dim) * bytes;
    pieces = halves * half_token_bytes / span.piece_bytes;
    offset = static_cast<size_t>(workload.rotary_offset) * bytes;
  }
  const size_t skipped = first * pieces * span.piece_stride + offset;
  const size_t row_bytes = ReadsRows(c) ? RowBytes(workload) / 2 * halves : 0;
  span.from = memory.x.data() + skipped;
  span.to = (c.out_of_place ? memory.y : memory.x).data() + skipped;
  span.rows = memory.rows.data() + first * row_bytes;
  span.chunks = count;
  span.chunk_pieces = pieces;
  span.chunk_row_bytes = row_bytes;
  span.zero = no_bits;
  if (row_bytes == 0) {
    // There is no need to stop between chunks.
    span.chunks = 1;
    span.chunk_pieces = count * pieces;
    if (!MovesTails(c)) {
      span.chunk_pieces = 1;
      span.piece_bytes *= count;
    }
  }
  return span;
}

StreamTeam::StreamTeam(const std::vector<std::vector<StreamTask>>& tasks)
    : members_(new Member[tasks.size()]),
      threads_(static_cast<int>(tasks.size())) {
  for (size_t i = 0; i < tasks.size(); ++i) {
    members_[i].tasks = tasks[i];
    for (StreamTask& task : members_[i].tasks) {
      task.span.sink = members_[i].sink;
    }
  }
  if (threads_ == 1) return;
  // One CPU each: the scheduler may start two on the same.
  CPU_ZERO(&allowed_);
  sched_getaffinity(0, sizeof(allowed_), &allowed_);
  for (int i = 1; i < threads_; ++i) {
    Member* member = &members_[static_cast<size_t>(i)];
    const size_t cpu = Cpu(allowed_, i);
    member->thread = std::thread([this, member, cpu] { Serve(member, cpu); });
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

void StreamTeam::RunTasks(const Member& member) {
  for (const StreamTask& task : member.tasks) task.run(task.span);
}

void StreamTeam::Run() {
  if (threads_ == 1) return RunTasks(members_[0]);
  const uint64_t round = round_.fetch_add(1, std::memory_order_release) + 1;
  RunTasks(members_[0]);
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
    RunTasks(*member);
    member->done.store(served + 1, std::memory_order_release);
  }
}

}  // namespace rotary_bench
