#include "bench/dtypes.h"

#include <math.h>
#include <string.h>

#include <algorithm>

namespace rotary_bench {
namespace {

void WriteF32(void* data, int64_t element, float value) {
  static_cast<float*>(data)[element] = value;
}
double ReadF32(const void* data, int64_t element) {
  return static_cast<double>(static_cast<const float*>(data)[element]);
}

// The upper half of an f32.
void WriteBF16(void* data, int64_t element, float value) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof(bits));
  static_cast<uint16_t*>(data)[element] = static_cast<uint16_t>(bits >> 16);
}
double ReadBF16(const void* data, int64_t element) {
  const uint32_t bits = static_cast<const uint16_t*>(data)[element];
  const uint32_t wide = bits << 16;
  float value;
  memcpy(&value, &wide, sizeof(value));
  return static_cast<double>(value);
}

// Of |value| < 65504; what would be subnormal becomes 0.
void WriteF16(void* data, int64_t element, float value) {
  uint16_t bits = 0;
  const double magnitude = fabs(static_cast<double>(value));
  if (magnitude >= 0x1p-14) {
    const int exponent = ilogb(magnitude);
    const double mantissa = ldexp(magnitude, 10 - exponent) - 1024;
    bits = static_cast<uint16_t>(((exponent + 15) << 10) +
                                 static_cast<int>(mantissa));
  }
  const int sign = signbit(value) ? 0x8000 : 0;
  static_cast<uint16_t*>(data)[element] = static_cast<uint16_t>(bits | sign);
}
double ReadF16(const void* data, int64_t element) {
  const int bits = static_cast<const uint16_t*>(data)[element];
  const int exponent = (bits >> 10) & 31;
  const int mantissa = (bits & 1023) | (exponent != 0 ? 1024 : 0);
  const double magnitude = ldexp(mantissa, std::max(exponent, 1) - 25);
  return (bits & 0x8000) != 0 ? -magnitude : magnitude;
}

}  // namespace

const Dtype kDtypes[kNumDtypes] = {
    {"f32", ROTARY_F32, 4, &WriteF32, &ReadF32, 23, -126},
    {"bf16", ROTARY_BF16, 2, &WriteBF16, &ReadBF16, 7, -126},
    {"f16", ROTARY_F16, 2, &WriteF16, &ReadF16, 10, -14}};

double HalfUlp(const Dtype& dtype, double value) {
  const int exponent = value == 0.0
                           ? dtype.min_exponent
                           : std::max(ilogb(value), dtype.min_exponent);
  return ldexp(0.5, exponent - dtype.mantissa_bits);
}

}  // namespace rotary_bench
