// A program: calls with several threads while the system refuses threads, and
// from several threads at a time.  It takes the place of pthread_create and
// pthread_join, of what tells the number of processors, and of libgomp's entry
// for a team (with another OpenMP runtime teams are not seen).
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <thread>
#include <vector>

#include "tests/support/program.h"

namespace {

std::atomic<int> created{0};
std::atomic<int> refused{0};
// How many threads are still granted; negative: any number.
std::atomic<int> granted{-1};

constexpr int kProcessors = 4;

std::atomic<int> teams{0};
std::atomic<int> teams_now{0};
std::atomic<int> most_teams{0};
std::atomic<int> most_working{0};  // threads of one team

void KeepMost(int value, std::atomic<int>* most) {
  int known = *most;
  while (value > known && !most->compare_exchange_weak(known, value)) {
  }
}

// What the threads of a team do, and how many have begun it.
struct Team {
  void (*body)(void*);
  void* data;
  std::atomic<int> working{0};
};

// The threads that the library created itself and has not joined: those of
// OpenMP and of this program begin elsewhere.
std::mutex probes_mutex;
std::vector<pthread_t> probes;
std::atomic<int> probed{0};

bool BeginsInLibrary(void* (*start)(void*)) {
  Dl_info of_start, of_library;
  return dladdr(reinterpret_cast<void*>(start), &of_start) != 0 &&
         dladdr(reinterpret_cast<void*>(&rotary_has_openmp), &of_library) !=
             0 &&
         of_start.dli_fbase == of_library.dli_fbase;
}

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

}  // namespace

extern "C" {

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                   void* (*start)(void*), void* argument) {
  static const auto next = Next<decltype(pthread_create)>("pthread_create");
  if (granted == 0) {
    ++refused;
    return EAGAIN;
  }
  if (granted > 0) --granted;
  ++created;
  if (!BeginsInLibrary(start)) return next(thread, attributes, start, argument);
  const std::lock_guard<std::mutex> lock(probes_mutex);
  const int status = next(thread, attributes, start, argument);
  if (status == 0) {
    probes.push_back(*thread);
    ++probed;
  }
  return status;
}

int pthread_join(pthread_t thread, void** result) {
  static const auto next = Next<decltype(pthread_join)>("pthread_join");
  {
    const std::lock_guard<std::mutex> lock(probes_mutex);
    const auto probe = std::find(probes.begin(), probes.end(), thread);
    if (probe != probes.end()) probes.erase(probe);
  }
  return next(thread, result);
}

int omp_get_num_procs() { return kProcessors; }

void GOMP_parallel(void (*body)(void*), void* data, unsigned num_threads,
                   unsigned flags) {
  static const auto next = Next<decltype(GOMP_parallel)>("GOMP_parallel");
  ++teams;
  KeepMost(++teams_now, &most_teams);
  Team team{body, data};
  const auto count = [](void* all) {
    auto* const mine = static_cast<Team*>(all);
    ++mine->working;
    mine->body(mine->data);
  };
  next(count, &team, num_threads, flags);
  KeepMost(team.working, &most_working);
  --teams_now;
}

}  // extern "C"

namespace {

using rotary_test::Workload;

void ExpectRightWithoutThreads(const Workload& workload) {
  for (const int32_t num_threads : {2, 0, 64}) {
    ROTARY_EXPECT(workload.IsRightWith(num_threads));
  }
}

// Runs `call` in so many threads, all let go at the same time by `start`.
template <typename Start, typename Call>
void InThreads(int count, const Start& start, const Call& call) {
  std::atomic<bool> go{false};
  std::vector<std::thread> threads(static_cast<size_t>(count));
  for (std::thread& thread : threads) {
    thread = std::thread([&] {
      while (!go) std::this_thread::yield();
      call();
    });
  }
  start();
  go = true;
  for (std::thread& thread : threads) thread.join();
}

}  // namespace

int main() {
  const bool threaded = rotary_has_openmp() != 0;
  const Workload workload;
  ROTARY_EXPECT(created == 0);

  // Before the first team.
  granted = 0;
  ExpectRightWithoutThreads(workload);
  ROTARY_EXPECT(!threaded || refused > 0);
  ROTARY_EXPECT(created == 0);

  // Some threads are to be had, but not as many as the team needs.
  granted = 2;
  ROTARY_EXPECT(workload.IsRightWith(4));

  granted = -1;
  ROTARY_EXPECT(workload.IsRightWith(4));
  ROTARY_EXPECT(!threaded || created > 0);

  // A smaller team may have ended the threads of the larger one.
  ROTARY_EXPECT(workload.IsRightWith(2));
  granted = 0;
  ROTARY_EXPECT(workload.IsRightWith(4));
  granted = -1;

  // From another thread, which has no team yet.
  InThreads(
      1, [] { granted = 0; }, [&] { ExpectRightWithoutThreads(workload); });
  granted = -1;

  InThreads(
      4, [] {},
      [&] {
        for (int i = 0; i < 20; ++i) ROTARY_EXPECT(workload.IsRightWith(2));
      });
  ROTARY_EXPECT(most_teams <= 1);

  // As many threads as asked for, or fewer; never more than processors.
  for (const int asked : {1, 2, 3, 4, 64}) {
    most_working = 0;
    for (int i = 0; i < 20; ++i) ROTARY_EXPECT(workload.IsRightWith(asked));
    ROTARY_EXPECT(most_working <= std::min(asked, kProcessors));
  }

  // None is left behind, of those that were refused others neither.
  ROTARY_EXPECT(!threaded || probed > 0);
  ROTARY_EXPECT(probes.empty());
  std::printf("%d teams, at most %d at a time\n", teams.load(),
              most_teams.load());
  return 0;
}
