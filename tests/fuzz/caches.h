// Caches of no size, at will: so that calls of a few tokens are planned as
// those that come from memory.  Used by same_results.h.
#ifndef TESTS_FUZZ_CACHES_H_
#define TESTS_FUZZ_CACHES_H_

namespace rotary_test {

// Whether calls that are made from now on find that they fill the caches, and
// that the processor gains from fetching ahead.
void SetSmallCaches(bool small);

}  // namespace rotary_test

#endif  // TESTS_FUZZ_CACHES_H_
