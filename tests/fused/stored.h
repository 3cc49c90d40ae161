// What is stored in a cache: the numbers that bytes stand for, from the
// definition of the formats, and whether they are as near to the true ones as
// they must be.  Used by the tests of fused passes.
#ifndef TESTS_FUSED_STORED_H_
#define TESTS_FUSED_STORED_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fused/bounded.h"

namespace rotary_test {

// Of I8, F8_E4M3 and F8_E5M2 (an infinity or a NaN gives that).
double ByteValue(rotary_dtype dtype, uint8_t byte);

// The largest number, and the distance between the numbers around a magnitude.
double LargestByte(rotary_dtype dtype);
double ByteStep(rotary_dtype dtype, double magnitude);

// One head as it was read back.
struct StoredHead {
  rotary_dtype dtype;
  std::vector<double> numbers;  // [head_dim], bytes not yet times their scales
  std::vector<double> scales;   // none; one; [head_dim]; of Q8_0 each block's
  bool made = false;            // the scales
  rotary_dtype scales_dtype = ROTARY_F32;
};

// Empty, or which element is too far from what it should be.
std::string CompareStored(const StoredHead& got, const Bounded* expected);

}  // namespace rotary_test

#endif  // TESTS_FUSED_STORED_H_
