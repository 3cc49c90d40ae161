// Elements of tensors by their bits: what number they stand for, and to which
// one a number is rounded, both in f64 from the definition of the formats in
// IEEE 754.  Used by the tests of apply.
#ifndef TESTS_SUPPORT_ELEMENT_H_
#define TESTS_SUPPORT_ELEMENT_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace rotary_test {

// Those of tensors.
const std::vector<rotary_dtype>& Dtypes();

inline size_t ElementBytes(rotary_dtype dtype) {
  return dtype == ROTARY_F32 ? 4 : 2;
}

// Bits of an element, in the lower ones.
inline uint32_t LoadBits(rotary_dtype dtype, const void* data, int64_t index) {
  const size_t bytes = ElementBytes(dtype);
  const char* const from =
      static_cast<const char*>(data) + index * static_cast<int64_t>(bytes);
  uint32_t bits = 0;
  if (bytes == 4) {
    std::memcpy(&bits, from, 4);
  } else {
    std::memcpy(&bits, from, 2);  // on a little-endian machine the lower ones
  }
  return bits;
}

inline void StoreBits(rotary_dtype dtype, void* data, int64_t index,
                      uint32_t bits) {
  const size_t bytes = ElementBytes(dtype);
  char* const to =
      static_cast<char*>(data) + index * static_cast<int64_t>(bytes);
  if (bytes == 4) {
    std::memcpy(to, &bits, 4);
  } else {
    std::memcpy(to, &bits, 2);
  }
}

bool IsNan(rotary_dtype dtype, uint32_t bits);

// Whether the bits are equal, any NaN counted as equal to any NaN.
bool SameElement(rotary_dtype dtype, uint32_t a, uint32_t b);

// The number that bits stand for; of a NaN, a NaN.
double ValueOf(rotary_dtype dtype, uint32_t bits);

// The nearest element to a number; of two, the even one; from half an ulp above
// the largest on, infinity.  Of a NaN, a NaN.
uint32_t Nearest(rotary_dtype dtype, double value);

// From `from` to `to`, any NaN to a NaN.
inline uint32_t Converted(rotary_dtype from, rotary_dtype to, uint32_t bits) {
  return Nearest(to, ValueOf(from, bits));
}

// An element as f32, and the nearest one to an f32; of f32 the very bits.
float Widened(rotary_dtype dtype, uint32_t bits);
uint32_t Narrowed(rotary_dtype dtype, float value);

// How far Nearest may take a number of this magnitude that stays finite.
double HalfUlp(rotary_dtype dtype, double magnitude);

// Magnitudes from here on are rounded to infinity.
double OverflowOf(rotary_dtype dtype);

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_ELEMENT_H_
