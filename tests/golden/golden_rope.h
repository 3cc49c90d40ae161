// Computes golden cases with the library.  Used by golden_test.cc.
#ifndef TESTS_GOLDEN_GOLDEN_ROPE_H_
#define TESTS_GOLDEN_GOLDEN_ROPE_H_

#include <string>
#include <vector>

#include "tests/golden/golden_case.h"

namespace rotary_test {

struct GoldenResult {
  // Why this version of the library cannot compute the case; else empty.
  std::string unsupported;
  double error = 0;  // the largest absolute difference; NaN if any is
  double tolerance = 0;
  std::vector<float> y;
};

// Throws if the case contradicts itself or a call of the library fails.
GoldenResult RunGoldenCase(const GoldenCase& golden);

}  // namespace rotary_test

#endif  // TESTS_GOLDEN_GOLDEN_ROPE_H_
