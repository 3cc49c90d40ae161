// Watches a call's allocations and lets them fail.  Used by alloc_test.cc.
#ifndef TESTS_API_ALLOC_WATCH_H_
#define TESTS_API_ALLOC_WATCH_H_

#include <cstddef>  // defines __GLIBC__ where that is the C library

// Needs glibc, and no sanitizer that takes malloc's place itself.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define ROTARY_TEST_OWN_MALLOC 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || \
    __has_feature(memory_sanitizer)
#define ROTARY_TEST_OWN_MALLOC 0
#endif
#endif
#if !defined(ROTARY_TEST_OWN_MALLOC) && defined(__GLIBC__)
#define ROTARY_TEST_OWN_MALLOC 1
#endif
#ifndef ROTARY_TEST_OWN_MALLOC
#define ROTARY_TEST_OWN_MALLOC 0
#endif

namespace rotary_test {

// From now on allocations of every thread are counted; after so many of them
// (-1: never) all fail, but for those of an OpenMP runtime.
void StartWatch(int fail_after);

struct WatchResult {
  int allocations;
  bool failed;  // whether any was made to fail
};
WatchResult StopWatch();

// Allocations made while watching that are not yet freed.
int LiveAllocations();

// In the whole process so far.
int ThreadsCreated();

}  // namespace rotary_test

#endif  // TESTS_API_ALLOC_WATCH_H_
