// What a fuzzer's bytes decide: sizes, choices, values.  Once they are used up
// a fixed sequence decides, so a short input is a whole one.  Used by all
// kinds.
#ifndef TESTS_FUZZ_INPUT_H_
#define TESTS_FUZZ_INPUT_H_

#include <cstddef>
#include <cstdint>

#include "tests/support/random.h"

namespace rotary_test {

class Input : public Random {
 public:
  using Random::Random;

  // True one time of n.
  bool Once(int64_t n) { return Integer(1, n) == n; }
  bool Flag() { return Integer(0, 1) == 1; }

  template <typename T, size_t kCount>
  T Of(const T (&from)[kCount]) {
    return from[Integer(0, static_cast<int64_t>(kCount) - 1)];
  }
  int32_t Integer32(int32_t low, int32_t high) {
    return static_cast<int32_t>(Integer(low, high));
  }
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_INPUT_H_
