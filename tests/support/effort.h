// How much work a test does: the default suite also runs under emulators, so
// the full matrices are for ROTARY_TEST_LONG=1.  Used by the larger tests.
#ifndef TESTS_SUPPORT_EFFORT_H_
#define TESTS_SUPPORT_EFFORT_H_

#include <cstdlib>
#include <string>

namespace rotary_test {

inline bool LongTests() {
  const char* value = std::getenv("ROTARY_TEST_LONG");
  return value != nullptr && std::string(value) == "1";
}

// `usual`, or `full` if ROTARY_TEST_LONG=1.
template <typename T>
T Effort(const T& usual, const T& full) {
  return LongTests() ? full : usual;
}

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_EFFORT_H_
