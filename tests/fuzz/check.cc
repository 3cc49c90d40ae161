// Failures, doctest's among them.
#define DOCTEST_CONFIG_IMPLEMENT
#include "tests/fuzz/check.h"

#include <doctest/doctest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "tests/config/fuzzed_call.h"

namespace rotary_test {
namespace {

constexpr int kUnwritten = 0xA5;

const rotary_error& UnwrittenError() {
  static const rotary_error error = [] {
    rotary_error unwritten;
    std::memset(&unwritten, kUnwritten, sizeof(unwritten));
    return unwritten;
  }();
  return error;
}

}  // namespace

void Fail(const char* what) {
  std::fprintf(stderr, "fuzz: %s\n", what);
  std::abort();
}

void HandleAsserts() {
  static doctest::Context context;
  context.setAsDefaultForAssertsOutOfTestCases();
  context.setAssertHandler([](const doctest::AssertData& data) {
    if (data.m_failed) Fail(data.m_expr);
  });
}

Told::Told() { std::memcpy(&error_, &UnwrittenError(), sizeof(error_)); }

void Told::CheckStatus(rotary_status status) const {
  if (status == ROTARY_OK) {
    Check(std::memcmp(&error_, &UnwrittenError(), sizeof(error_)) == 0,
          "a call that succeeds wrote an error");
    return;
  }
  if (!IsConsistent(status, error_)) {
    std::fprintf(stderr, "fuzz: %d: %.63s: %.255s\n", static_cast<int>(status),
                 error_.argument, error_.message);
    Fail("the error is not consistent");
  }
}

bool Told::Is(const Told& other) const {
  return error_.status == other.error_.status &&
         error_.tensor == other.error_.tensor &&
         error_.token == other.error_.token &&
         error_.value == other.error_.value &&
         std::strcmp(error_.argument, other.error_.argument) == 0;
}

}  // namespace rotary_test
