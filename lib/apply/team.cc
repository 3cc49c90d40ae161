#include "lib/apply/team.h"

#if defined(ROTARY_HAVE_OPENMP)

#include <omp.h>
#include <pthread.h>

#include <algorithm>
#include <atomic>

namespace rotary {
namespace {

// At most one team in the process, so that a host with many threads of its own
// is never oversubscribed.
std::atomic<bool> team_taken{false};

// libgomp's pool does not survive fork(): its next region in the child hangs.
std::atomic<bool> forked{false};

// Registered when the library is loaded: the host may have used an OpenMP
// runtime of its own before its fork, and us only after.
__attribute__((constructor)) void WatchForks() {
  pthread_atfork(nullptr, nullptr,
                 [] { forked.store(true, std::memory_order_relaxed); });
}

// libgomp ends the process when the system refuses it a thread.  So as many
// threads as a team needs are created and joined before this host thread's
// first team, or one larger than its last: of that, libgomp keeps the threads
// (but of an earlier, larger one it may not).  Not inlined: the 2 KB of stack
// are given back before the work.
[[gnu::noinline]] bool SystemGrants(int threads) {
  constexpr int kMaxProbes = 256;
  thread_local int last_team = 1;
  if (threads <= last_team) {
    last_team = threads;
    return true;
  }
  if (threads > kMaxProbes) return false;
  pthread_t probes[kMaxProbes];
  int created = 0;
  const auto nothing = [](void*) -> void* { return nullptr; };
  while (created < threads - 1 &&
         pthread_create(&probes[created], nullptr, nothing, nullptr) == 0) {
    ++created;
  }
  for (int i = 0; i < created; ++i) pthread_join(probes[i], nullptr);
  if (created < threads - 1) return false;
  last_team = threads;
  return true;
}

// Never more than processors: the threads of a team wait for each other.
int TeamSize(int32_t num_threads, int64_t useful) {
  const int64_t allowed =
      num_threads == 0 ? omp_get_max_threads() : num_threads;
  return static_cast<int>(
      std::min<int64_t>({useful, allowed, omp_get_num_procs()}));
}

// False if the team was not to be had: then nothing has been run.
bool RunInTeam(int threads, SliceFunction function, const void* work) {
  if (team_taken.exchange(true, std::memory_order_acquire)) return false;
  const bool granted = SystemGrants(threads);
  if (granted) {
#pragma omp parallel num_threads(threads)
    {
      // The runtime may give fewer threads than asked for.
      const int64_t step = omp_get_num_threads();
      for (int64_t slice = omp_get_thread_num(); slice < threads;
           slice += step) {
        function(work, slice, threads);
      }
    }
  }
  team_taken.store(false, std::memory_order_release);
  return granted;
}

}  // namespace

bool HasOpenMP() { return true; }

void RunTeam(int32_t num_threads, int64_t useful, SliceFunction function,
             const void* work) {
  const bool alone = num_threads == 1 || useful < 2 ||
                     forked.load(std::memory_order_relaxed) ||
                     team_taken.load(std::memory_order_relaxed);
  if (!alone) {
    const int threads = TeamSize(num_threads, useful);
    if (threads > 1 && RunInTeam(threads, function, work)) return;
  }
  function(work, 0, 1);
}

}  // namespace rotary

#else

namespace rotary {

bool HasOpenMP() { return false; }

void RunTeam(int32_t /*num_threads*/, int64_t /*useful*/,
             SliceFunction function, const void* work) {
  function(work, 0, 1);
}

}  // namespace rotary

#endif  // ROTARY_HAVE_OPENMP
