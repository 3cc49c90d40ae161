// What the library asks about caches, answered in its place: the linker wraps
// these functions.
#include "tests/fuzz/caches.h"

#include <cstdint>

namespace {

bool small_caches = false;

// Smaller calls are planned as ever.
constexpr int64_t kLargeCall = 512;

}  // namespace

// NOLINTBEGIN(bugprone-reserved-identifier): of the linker's choice.
extern "C" {

// rotary::FillsCaches(int64_t)
bool __wrap__ZN6rotary11FillsCachesEl(int64_t bytes);
bool __wrap__ZN6rotary11FillsCachesEl(int64_t bytes) {
  return small_caches && bytes >= kLargeCall;
}

// rotary::PrefetchPays()
bool __wrap__ZN6rotary12PrefetchPaysEv();
bool __wrap__ZN6rotary12PrefetchPaysEv() { return small_caches; }
}
// NOLINTEND(bugprone-reserved-identifier)

namespace rotary_test {

void SetSmallCaches(bool small) { small_caches = small; }

}  // namespace rotary_test
