// What a rotation is expected to be, and its frequencies and gain in f64 from
// the formulas, sharing nothing with the library.  Used by this folder's tests.

#ifndef TESTS_IMPORT_EXPECTED_ROTATION_H_
#define TESTS_IMPORT_EXPECTED_ROTATION_H_

#include <rotary/import.h>

#include <cstdint>
#include <string>
#include <vector>

namespace rotary_test {

struct ExpectedRotation {
  std::string name;
  std::string pairing = "half";
  int64_t head_dim = 0;
  int64_t rotary_dim = 0;
  int64_t offset = 0;
  double base = 10000.0;

  // "default", "linear", "ntk", "dynamic", "yarn", "longrope", "llama3" or
  // "proportional".
  std::string kind = "default";
  double factor = 1.0;
  double original = 0.0;
  double length = 0.0;
  double attention = 0.0;  // 0: by the formula
  double mscale = 0.0;
  double mscale_all_dim = 0.0;
  double fast = 32.0;
  double slow = 1.0;
  bool truncate = true;
  double low = 1.0;
  double high = 4.0;
  double share = 1.0;
  std::vector<double> divisors;
  double gain = 1.0;     // beside the attention factor
  double softmax = 1.0;  // what the softmax's scale is multiplied by

  // "", "sections", "sections_ggml", "interleaved", "interleaved_ggml",
  // "blocks" or "strided".
  std::string layout;
  std::vector<int64_t> sections;
};

// YaRN's g(s, m).
double YarnScale(double factor, double mscale);

// [axes][rotary_dim / 2], 0 where an axis does not turn a pair.
std::vector<double> ExpectedFrequencies(const ExpectedRotation& expected);
double ExpectedGain(const ExpectedRotation& expected);

// Compares all: frequencies and gain within 1e-12 of their size.
void CheckRotation(const rotary_rotation& rotation,
                   const ExpectedRotation& expected);

}  // namespace rotary_test

#endif  // TESTS_IMPORT_EXPECTED_ROTATION_H_
