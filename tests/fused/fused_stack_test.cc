// How much stack fused passes take in their own thread, forward and backward:
// at most 16 KB, and a tile of 16 KB more.  Left out with sanitizers, which
// make frames larger.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>

#include "tests/fused/backward_case.h"
#include "tests/fused/fused_case.h"
#include "tests/support/effort.h"
#include "tests/support/painted_stack.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kMostBytes = int64_t{2} * 16384;

template <typename Call>
void CheckStack(const Call& call) {
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
      CheckStack([&] { return fused.RunUnchecked(target, 1, true); });
      CheckStack([&] { return fused.RunUnchecked(target, 1, false); });
    });
  }
}

TEST_CASE("stack: random backward passes") {
  const uint64_t count = Effort<uint64_t>(40, 1000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    BackwardCase backward(seed);
    const std::string described = backward.Describe();
    CAPTURE(described);
    ForEachTarget([&](const char* target) {
      for (const RowSource source :
           {RowSource::kKept, RowSource::kEmbedding, RowSource::kCosSin}) {
        CheckStack([&] { return backward.RunUnchecked(target, 1, source); });
      }
    });
  }
}

}  // namespace
}  // namespace rotary_test
