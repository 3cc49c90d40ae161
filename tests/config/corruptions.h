// Ways to set the fields of a call to extreme or small values.  Used by
// fuzz_test.
#ifndef TESTS_CONFIG_CORRUPTIONS_H_
#define TESTS_CONFIG_CORRUPTIONS_H_

#include <functional>
#include <vector>

#include "tests/config/fuzzed_call.h"
#include "tests/support/random.h"

namespace rotary_test {

using Corruption = std::function<void(FuzzedCall*, Random*)>;

// Each sets one field, or chooses a source.
std::vector<Corruption> AllCorruptions();

}  // namespace rotary_test

#endif  // TESTS_CONFIG_CORRUPTIONS_H_
