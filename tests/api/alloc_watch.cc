// Takes the place of malloc and pthread_create in the executable, and so in the
// shared libraries that it loads.
#include "tests/api/alloc_watch.h"

#if ROTARY_TEST_OWN_MALLOC

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstring>

#include "tests/support/program.h"

// NOLINTBEGIN(bugprone-reserved-identifier)
extern "C" void* __libc_malloc(size_t bytes);
extern "C" void* __libc_calloc(size_t count, size_t bytes);
extern "C" void* __libc_realloc(void* memory, size_t bytes);
extern "C" void* __libc_memalign(size_t alignment, size_t bytes);
extern "C" void __libc_free(void* memory);
// NOLINTEND(bugprone-reserved-identifier)

namespace {

std::atomic<bool> watching{false};
std::atomic<int> allocations{0};   // while watching
std::atomic<int> fails_after{-1};  // so many allocations; -1: never
std::atomic<bool> failed{false};
std::atomic<int> threads_created{0};

// What was allocated while watching and is not yet freed.
constexpr int kMaxLive = 64;
std::atomic<void*> live[kMaxLive];

void Remember(void* memory) {
  for (std::atomic<void*>& slot : live) {
    void* empty = nullptr;
    if (slot.compare_exchange_strong(empty, memory)) return;
  }
  ROTARY_EXPECT(false && "no room for another allocation");
}

void Forget(void* memory) {
  for (std::atomic<void*>& slot : live) {
    void* expected = memory;
    if (slot.compare_exchange_strong(expected, nullptr)) return;
  }
}

// Without memory an OpenMP runtime ends the process, and the loader a thread
// that is being made for it: not the library's doing.
bool IsRuntime(void* caller) {
  Dl_info info;
  if (dladdr(caller, &info) == 0 || info.dli_fname == nullptr) return false;
  const char* const slash = std::strrchr(info.dli_fname, '/');
  const char* const name = slash == nullptr ? info.dli_fname : slash + 1;
  for (const char* prefix : {"libgomp", "libomp", "libiomp", "ld-"}) {
    if (std::strncmp(name, prefix, std::strlen(prefix)) == 0) return true;
  }
  return false;
}

bool MayAllocate(void* caller) {
  if (!watching) return true;
  const int before = allocations++;
  if (IsRuntime(caller) || fails_after < 0 || before < fails_after) return true;
  failed = true;
  errno = ENOMEM;
  return false;
}

void* Allocated(void* memory) {
  if (watching && memory != nullptr) Remember(memory);
  return memory;
}

}  // namespace

#define ROTARY_MAY_ALLOCATE() MayAllocate(__builtin_return_address(0))

extern "C" {

void* malloc(size_t bytes) noexcept {
  if (!ROTARY_MAY_ALLOCATE()) return nullptr;
  return Allocated(__libc_malloc(bytes));
}

void* calloc(size_t count, size_t bytes) noexcept {
  if (!ROTARY_MAY_ALLOCATE()) return nullptr;
  return Allocated(__libc_calloc(count, bytes));
}

void* realloc(void* memory, size_t bytes) noexcept {
  if (!ROTARY_MAY_ALLOCATE()) return nullptr;
  Forget(memory);
  return Allocated(__libc_realloc(memory, bytes));
}

void* memalign(size_t alignment, size_t bytes) noexcept {
  if (!ROTARY_MAY_ALLOCATE()) return nullptr;
  return Allocated(__libc_memalign(alignment, bytes));
}

void* aligned_alloc(size_t alignment, size_t bytes) noexcept {
  if (!ROTARY_MAY_ALLOCATE()) return nullptr;
  return Allocated(__libc_memalign(alignment, bytes));
}

int posix_memalign(void** memory, size_t alignment, size_t bytes) noexcept {
  if (!ROTARY_MAY_ALLOCATE()) return ENOMEM;
  *memory = Allocated(__libc_memalign(alignment, bytes));
  return *memory == nullptr ? ENOMEM : 0;
}

void free(void* memory) noexcept {
  if (memory != nullptr) Forget(memory);
  __libc_free(memory);
}

int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                   void* (*start)(void*), void* argument) noexcept {
  static const auto next = reinterpret_cast<decltype(pthread_create)*>(
      dlsym(RTLD_NEXT, "pthread_create"));
  ++threads_created;
  return next(thread, attributes, start, argument);
}

}  // extern "C"

namespace rotary_test {

void StartWatch(int fail_after) {
  allocations = 0;
  failed = false;
  fails_after = fail_after;
  watching = true;
}

WatchResult StopWatch() {
  watching = false;
  return {allocations, failed};
}

int LiveAllocations() {
  int count = 0;
  for (const std::atomic<void*>& slot : live) count += slot != nullptr ? 1 : 0;
  return count;
}

int ThreadsCreated() { return threads_created; }

}  // namespace rotary_test

#endif  // ROTARY_TEST_OWN_MALLOC
