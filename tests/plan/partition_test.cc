// How work is cut: slices, how many are useful, leaves of sums; and from how
// many bytes on a call fills the caches.
#include "lib/apply/partition.h"

#include <doctest/doctest.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>

#include "lib/apply/backward.h"
#include "lib/apply/block.h"
#include "lib/apply/memory.h"

namespace rotary_test {
namespace {

TEST_CASE("plan: slices follow each other and differ by one at most") {
  for (int64_t total = 0; total < 40; ++total) {
    for (int64_t slices = 1; slices < 12; ++slices) {
      CAPTURE(total);
      CAPTURE(slices);
      int64_t end = 0;
      for (int64_t i = 0; i < slices; ++i) {
        const rotary::Range range = rotary::SliceOf(total, i, slices);
        CHECK(range.begin == end);
        end = range.end;
        const int64_t size = range.end - range.begin;
        CHECK(size >= total / slices);
        CHECK(size <= (total + slices - 1) / slices);
      }
      CHECK(end == total);
    }
  }
}

TEST_CASE("plan: a slice for each 256 KiB, but no more than there are units") {
  constexpr int64_t kSlice = int64_t{256} << 10;
  CHECK(rotary::UsefulSlices(0, 1000) == 1);
  CHECK(rotary::UsefulSlices(2 * kSlice - 1, 1000) == 1);
  CHECK(rotary::UsefulSlices(2 * kSlice, 1000) == 2);
  CHECK(rotary::UsefulSlices(1000 * kSlice, 1000) == 1000);
  CHECK(rotary::UsefulSlices(1000 * kSlice, 7) == 7);
  CHECK(rotary::UsefulSlices(1000 * kSlice, 0) == 1);
}

TEST_CASE("plan: at most 128 leaves of 16 tokens, or of as many more") {
  for (int64_t tokens = 0; tokens < 9000; ++tokens) {
    CAPTURE(tokens);
    rotary::Backward backward = {};
    rotary::SetLeaves(tokens, &backward);
    const int64_t share = (tokens + 127) / 128;
    const int64_t size = std::max<int64_t>((share + 15) / 16 * 16, 16);
    CHECK(backward.leaf_tokens == size);
    CHECK(backward.leaves == (tokens + size - 1) / size);
    CHECK(backward.leaves <= 128);
  }
}

TEST_CASE("plan: heads are apart if they are further than tokens") {
  CHECK_FALSE(rotary::AreHeadsApart({0, 128, 64}));
  CHECK_FALSE(rotary::AreHeadsApart({0, 64, 64}));
  CHECK_FALSE(rotary::AreHeadsApart({0, -128, 64}));
  CHECK_FALSE(rotary::AreHeadsApart({0, 128, -64}));
  CHECK(rotary::AreHeadsApart({0, 64, 65}));
  CHECK(rotary::AreHeadsApart({0, 64, -65}));
  CHECK(rotary::AreHeadsApart({0, -64, 65}));
}

TEST_CASE(
    "plan: the caches are filled by what the system says that they hold") {
  int64_t cache = sysconf(_SC_LEVEL3_CACHE_SIZE);
  if (cache <= 0) cache = sysconf(_SC_LEVEL2_CACHE_SIZE);
  if (cache <= 0) cache = int64_t{32} << 20;
  cpu_set_t processors;
  REQUIRE(sched_getaffinity(0, sizeof(processors), &processors) == 0);
  cache = std::min(cache, CPU_COUNT(&processors) * (int64_t{16} << 20));
  // What is smaller than any last-level cache never fills it.
  constexpr int64_t kSmall = int64_t{4} << 20;
  const int64_t least = std::max(cache, kSmall + 1);
  CHECK_FALSE(rotary::FillsCaches(0));
  CHECK_FALSE(rotary::FillsCaches(kSmall));
  CHECK_FALSE(rotary::FillsCaches(least - 1));
  CHECK(rotary::FillsCaches(least));
  CHECK(rotary::FillsCaches(INT64_MAX));
}

}  // namespace
}  // namespace rotary_test
