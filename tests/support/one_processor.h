// A process of one processor, for which smaller calls are large ones.  Used by
// the tests of large calls.
#ifndef TESTS_SUPPORT_ONE_PROCESSOR_H_
#define TESTS_SUPPORT_ONE_PROCESSOR_H_

#include <doctest/doctest.h>
#include <sched.h>

#include <cstddef>

namespace rotary_test {

// Keeps the process to one processor while it lives.
class OneProcessor {
 public:
  OneProcessor() {
    REQUIRE(sched_getaffinity(0, sizeof(before_), &before_) == 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i) {
      if (CPU_ISSET(i, &before_)) CPU_SET(i, &one);
    }
    REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
  }
  ~OneProcessor() { sched_setaffinity(0, sizeof(before_), &before_); }

 private:
  cpu_set_t before_;
};

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_ONE_PROCESSOR_H_
