// IEEE 754's formats as numbers of bits, and what follows from them.
#include "tests/support/element.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/support/random.h"

namespace rotary_test {
namespace {

// A sign, so many bits of exponent, so many of significand without the first.
struct Format {
  int exponent;
  int significand;

  uint32_t sign() const { return 1u << (exponent + significand); }
  uint32_t infinity() const { return sign() - (1u << significand); }
  // The least exponent of a normal number, and that of the largest.
  int least() const { return 2 - (1 << (exponent - 1)); }
  int most() const { return 1 - least(); }
};

Format FormatOf(rotary_dtype dtype) {
  return dtype == ROTARY_F32   ? Format{8, 23}
         : dtype == ROTARY_F16 ? Format{5, 10}
                               : Format{8, 7};
}

// Of the distance between neighbors at a magnitude, the power of 2.
int UlpExponent(const Format& format, double magnitude) {
  const int exponent = magnitude == 0 ? format.least() : std::ilogb(magnitude);
  return std::max(exponent, format.least()) - format.significand;
}

}  // namespace

const std::vector<rotary_dtype>& Dtypes() {
  static const std::vector<rotary_dtype> dtypes = {ROTARY_F32, ROTARY_F16,
                                                   ROTARY_BF16};
  return dtypes;
}

bool IsNan(rotary_dtype dtype, uint32_t bits) {
  const Format format = FormatOf(dtype);
  return (bits & (format.sign() - 1)) > format.infinity();
}

bool SameElement(rotary_dtype dtype, uint32_t a, uint32_t b) {
  return a == b || (IsNan(dtype, a) && IsNan(dtype, b));
}

double ValueOf(rotary_dtype dtype, uint32_t bits) {
  using Limits = std::numeric_limits<double>;
  const Format format = FormatOf(dtype);
  const uint32_t one = 1u << format.significand;
  const uint32_t fraction = bits & (one - 1);
  const auto biased =
      static_cast<int>((bits & format.infinity()) >> format.significand);
  double magnitude;
  if ((bits & format.infinity()) == format.infinity()) {
    magnitude = fraction == 0 ? Limits::infinity() : Limits::quiet_NaN();
  } else if (biased == 0) {
    magnitude = std::ldexp(fraction, format.least() - format.significand);
  } else {
    magnitude = std::ldexp(one + fraction,
                           biased - 1 + format.least() - format.significand);
  }
  return (bits & format.sign()) != 0 ? -magnitude : magnitude;
}

uint32_t Nearest(rotary_dtype dtype, double value) {
  const Format format = FormatOf(dtype);
  const uint32_t sign = std::signbit(value) ? format.sign() : 0;
  if (std::isnan(value)) {
    return sign | format.infinity() | (1u << (format.significand - 1));
  }
  const double magnitude = std::fabs(value);
  if (magnitude >= OverflowOf(dtype)) return sign | format.infinity();
  // As a multiple of the distance between neighbors, which nearbyint rounds to
  // the nearest, of two to the even one.
  const int ulp = UlpExponent(format, magnitude);
  const auto multiple =
      static_cast<uint32_t>(std::nearbyint(std::ldexp(magnitude, -ulp)));
  // Below the least normal number the exponent is 0; from there on the first
  // bit of the significand counts as one of the exponent, also that of a sum
  // that was rounded up to the next power of 2.
  const auto steps =
      static_cast<uint32_t>(ulp + format.significand - format.least());
  return sign | ((steps << format.significand) + multiple);
}

float Widened(rotary_dtype dtype, uint32_t bits) {
  return dtype == ROTARY_F32 ? FloatFromBits(bits)
                             : static_cast<float>(ValueOf(dtype, bits));
}

uint32_t Narrowed(rotary_dtype dtype, float value) {
  return dtype == ROTARY_F32 ? BitsFromFloat(value)
                             : Nearest(dtype, static_cast<double>(value));
}

double HalfUlp(rotary_dtype dtype, double magnitude) {
  return std::ldexp(1.0, UlpExponent(FormatOf(dtype), magnitude) - 1);
}

double OverflowOf(rotary_dtype dtype) {
  // The largest is one ulp below the next power of 2.
  const Format format = FormatOf(dtype);
  return std::ldexp(1.0, format.most() + 1) -
         std::ldexp(1.0, format.most() - format.significand - 1);
}

}  // namespace rotary_test
