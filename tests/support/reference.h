// What a rotation must give, written from the formula of the manual's section 1
// and sharing nothing with the library.  Used by the tests of apply.
#ifndef TESTS_SUPPORT_REFERENCE_H_
#define TESTS_SUPPORT_REFERENCE_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/strided.h"

namespace rotary_test {

// The rotation of one head by one row.
struct HeadRotation {
  int64_t head_dim;
  int64_t rotary_offset;
  int64_t rotary_dim;
  rotary_pairing pairing;
  const float* cos;  // [rotary_dim / 2], as rotary_rows_read gives them, or
  const float* sin;  // both NULL: no element is changed
  bool transpose;
  rotary_pairing output_pairing = 0;  // 0: as pairing
};

// The true value of an output element and how far f32 may be from it.
struct Expected {
  double value;
  double bound;
};

// In f64: the products of two f32 are exact there.  With u = 2^-24 the bound is
//     2u (|x cos| + |x~ sin|) + 2^-149
// where x~ is the other element of the pair; 0 for elements that are copied.
// The sum of the bound's terms must not overflow f32.
std::vector<Expected> ExpectedHead(const float* input, const HeadRotation& by);

// In f32, by separate multiplies and adds: the very bits, before they are
// rounded to the output's dtype.
std::vector<float> ExactHead(const float* input, const HeadRotation& by);

// Whether an output element is as near to its true value as it must be: within
// the bound of f32 and, of 16 bits, half an ulp of what may be rounded.  What
// may be too large for the dtype may be infinite.
bool WithinBound(const Expected& expected, rotary_dtype dtype, double got);

// The rotation of a tensor: token t of sequence b by row
// first_row + b * row_batch_stride + t * row_token_stride of values [rows]
// [rotary_dim / 2].  (What has a default need not be set.)
struct TensorRotation {
  rotary_pairing pairing;
  int64_t rotary_offset;
  int64_t rotary_dim;
  const float* cos;
  const float* sin;
  int64_t row_batch_stride;
  int64_t row_token_stride;
  bool transpose = false;
  int64_t first_row = 0;
  rotary_pairing output_pairing = 0;   // 0: as pairing
  const int64_t* positions = nullptr;  // of the rows, if some may have none
};

// Compares output with what becomes of input: every finite element with
// ExpectedHead, and all with ExactHead, rounded to their dtype (any NaN equal
// to any NaN; elements that change neither dtype nor place bit by bit).  Empty,
// or what differs first.
std::string CompareRotated(const View& input, const View& output,
                           const TensorRotation& by);

// The same for a tensor that must be copied, bit by bit.
std::string CompareCopied(const View& input, const View& output);

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_REFERENCE_H_
