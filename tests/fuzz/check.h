// What ends a run, and what is said of errors.  Used by all kinds.
#ifndef TESTS_FUZZ_CHECK_H_
#define TESTS_FUZZ_CHECK_H_

#include <rotary/rotary.h>

#include <string>

namespace rotary_test {

// Tells what is wrong and aborts.
[[noreturn]] void Fail(const char* what);

inline void Check(bool holds, const char* what) {
  if (!holds) Fail(what);
}

// Of the checks that return what is wrong.
inline void CheckEmpty(const std::string& wrong) {
  if (!wrong.empty()) Fail(wrong.c_str());
}

// The failures of what the fuzzer shares with the tests are its own.
void HandleAsserts();

// An error that a call is given, and whether the call wrote what it must.
class Told {
 public:
  Told();

  rotary_error* error() { return &error_; }
  // The error of a call that fails is consistent, that of any other as it was.
  void CheckStatus(rotary_status status) const;
  // Whether two calls failed in the same way.
  bool Is(const Told& other) const;

 private:
  rotary_error error_;
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_CHECK_H_
