// Computes golden cases with the library.  Used by golden_test.cc.
#ifndef TESTS_GOLDEN_GOLDEN_ROPE_H_
#define TESTS_GOLDEN_GOLDEN_ROPE_H_

#include <string>
#include <vector>

#include "tests/golden/golden_case.h"

namespace rotary_test {

// What the library computed, in the type that it computed it in.
struct GoldenOutput {
  std::string file;  // "y.f32"
  std::vector<char> bytes;
};

struct GoldenResult {
  // Why this version of the library cannot compute the case; else empty.
  std::string unsupported;
  // The largest absolute difference, and what it may be; of 16-bit outputs, the
  // worst one and its own tolerance.  NaN if any difference is.
  double error = 0;
  double tolerance = 1;
  std::vector<GoldenOutput> outputs;
};

// Throws if the case contradicts itself or a call of the library fails.
GoldenResult RunGoldenCase(const GoldenCase& golden);

}  // namespace rotary_test

#endif  // TESTS_GOLDEN_GOLDEN_ROPE_H_
