// Backward passes of every kind against the formulas, with the same bits for
// every target, number of threads and source of rows.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fused/backward_case.h"
#include "tests/support/effort.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

TEST_CASE("backward passes: random ones") {
  const uint64_t count = Effort<uint64_t>(80, 10000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    BackwardCase backward(seed);
    const std::string described = backward.Describe();
    CAPTURE(described);
    backward.Run(nullptr, 1, RowSource::kKept);
    REQUIRE(backward.Check() == "");
    const std::vector<uint8_t> expected = backward.Result();
    ForEachTarget([&](const char* target) {
      backward.Run(target, 1, RowSource::kEmbedding);
      REQUIRE(backward.Result() == expected);
    });
    backward.Run(nullptr, 3,
                 seed % 2 == 0 ? RowSource::kKept : RowSource::kEmbedding);
    REQUIRE(backward.Result() == expected);
    if (backward.HasUnrotated()) continue;
    backward.Run(nullptr, 2, RowSource::kCosSin);
    REQUIRE(backward.Result() == expected);
  }
}

}  // namespace
}  // namespace rotary_test
