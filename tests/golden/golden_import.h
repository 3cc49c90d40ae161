// Feeds the importer with the configuration that a golden case was made from.
// Used by golden_test.cc.
#ifndef TESTS_GOLDEN_GOLDEN_IMPORT_H_
#define TESTS_GOLDEN_GOLDEN_IMPORT_H_

#include "tests/golden/golden_case.h"
#include "tests/golden/golden_rope.h"

namespace rotary_test {

// The error is the largest relative difference of inv_freq from the case's at
// 50 digits, and of the gain.  Throws if the importer refuses the configuration
// or what it makes is not what the case's parameters say.
GoldenResult RunGoldenImport(const GoldenCase& golden);

}  // namespace rotary_test

#endif  // TESTS_GOLDEN_GOLDEN_IMPORT_H_
