// What is in a cache, rotated again and moved: against the formulas, untouched
// where nothing turns, the same bits on every target; and which moves are
// refused.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fused/move_case.h"
#include "tests/support/effort.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

TEST_CASE("moves: random ones") {
  const uint64_t count = Effort<uint64_t>(300, 10000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    MoveCase move(seed);
    const std::string described = move.Describe();
    CAPTURE(described);
    move.Run(nullptr, 1);
    REQUIRE(move.Check() == "");
    const std::vector<uint8_t> expected = move.Result();
    ForEachTarget([&](const char* target) {
      move.Run(target, 1);
      REQUIRE(move.Result() == expected);
    });
    move.Run(nullptr, 3);
    REQUIRE(move.Result() == expected);
  }
}

}  // namespace
}  // namespace rotary_test
