// How much stack fused passes take in their own thread: at most 16 KB, and a
// tile of 16 KB more.  Left out with sanitizers, which make frames larger.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>

#include "tests/fused/fused_case.h"
#include "tests/support/effort.h"
#include "tests/support/painted_stack.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kMostBytes = int64_t{2} * 16384;

void CheckStack(const char* target, bool kept_rows, FusedCase* fused) {
  const auto call = [&] { return fused->RunUnchecked(target, 1, kept_rows); };
  REQUIRE(call() == ROTARY_OK);
  rotary_status status = ROTARY_OK;
  const int64_t bytes = StackBytesOf(call, &status);
  REQUIRE(status == ROTARY_OK);
  REQUIRE(bytes <= kMostBytes);
}

TEST_CASE("stack: random fused passes") {
  const uint64_t count = Effort<uint64_t>(40, 1000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    FusedCase fused(seed);
    const std::string described = fused.Describe();
    CAPTURE(described);
    ForEachTarget([&](const char* target) {
      CheckStack(target, true, &fused);
      CheckStack(target, false, &fused);
    });
  }
}

}  // namespace
}  // namespace rotary_test
