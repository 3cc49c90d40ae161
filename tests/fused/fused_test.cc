// Fused passes of every kind against the formulas, with the same bits for every
// target, number of threads and source of rows.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fused/fused_case.h"
#include "tests/support/effort.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

TEST_CASE("fused passes: random ones") {
  const uint64_t count = Effort<uint64_t>(80, 10000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    FusedCase fused(seed);
    const std::string described = fused.Describe();
    CAPTURE(described);
    fused.Run(nullptr, 1, true);
    REQUIRE(fused.Check() == "");
    const std::vector<uint8_t> expected = fused.Result();
    ForEachTarget([&](const char* target) {
      fused.Run(target, 1, false);
      REQUIRE(fused.Result() == expected);
    });
    fused.Run(nullptr, 3, seed % 2 == 0);
    REQUIRE(fused.Result() == expected);
  }
}

}  // namespace
}  // namespace rotary_test
