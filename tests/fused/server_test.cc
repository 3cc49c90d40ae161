// Thousands of steps of a server that appends to, shifts, forks and evicts
// sequences in a shared paged cache, with wrong calls among them: after each
// step every live key is the one rotated directly, within the bound for as many
// moves.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>

#include "tests/fused/cache_server.h"
#include "tests/support/effort.h"

namespace rotary_test {
namespace {

TEST_CASE("a server's cache, step by step") {
  const int64_t steps = Effort<int64_t>(120, 10000);
  for (const rotary_dtype dtype :
       {ROTARY_F32, ROTARY_BF16, ROTARY_I8, ROTARY_Q8_0}) {
    CAPTURE(dtype);
    CacheServer server(dtype, 1);
    for (int64_t step = 0; step < steps; ++step) {
      CAPTURE(step);
      REQUIRE(server.Step() == "");
      REQUIRE(server.Check() == "");
    }
    CHECK(server.shifts() > steps / 20);
    CHECK(server.refusals() > steps / 20);
    CHECK(server.most_moves() >= 3);
  }
}

}  // namespace
}  // namespace rotary_test
