#include "tests/fused/stored.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

// Quotients and products on the way to a byte round a little; 0.51 is promised.
constexpr double kSteps = 0.5001;

std::string Tell(size_t element, double got, const Bounded& expected,
                 double bound) {
  return "element " + std::to_string(element) + " is " + std::to_string(got) +
         ", not within " + std::to_string(bound) + " of " +
         std::to_string(expected.value);
}

std::string CompareNumber(const StoredHead& head, size_t i,
                          const Bounded& expected) {
  const double got = head.numbers[i];
  const double most = std::fabs(expected.value) + expected.error;
  double bound = expected.error;
  if (head.dtype != ROTARY_F32) {
    if (std::isinf(got) && most >= OverflowOf(head.dtype)) return "";
    bound += HalfUlp(head.dtype, most);
  }
  if (std::fabs(got - expected.value) <= bound) return "";
  return Tell(i, got, expected, bound);
}

// Bytes by a scale: the elements [begin, end).
std::string CompareBytes(const StoredHead& head, size_t begin, size_t end,
                         const Bounded* expected, rotary_dtype dtype) {
  for (size_t i = begin; i < end; ++i) {
    const double scale =
        head.scales.size() == head.numbers.size() ? head.scales[i]
        : head.scales.empty()
            ? 1.0
            : head.scales[head.dtype == ROTARY_Q8_0 ? i / 32 : 0];
    const double got = head.numbers[i] * scale;
    const double limit = LargestByte(dtype) * scale;
    const double wanted = std::clamp(expected[i].value, -limit, limit);
    const double most = std::fabs(wanted) + expected[i].error;
    const double step = scale == 0 ? 0 : ByteStep(dtype, most / scale) * scale;
    const double bound = kSteps * step + expected[i].error;
    if (!(std::fabs(got - wanted) <= bound))
      return Tell(i, got, expected[i], bound);
  }
  return "";
}

// A scale that was made: the largest of elements [begin, end) over the largest
// byte, as near as its dtype has it.
std::string CompareScale(double scale, rotary_dtype dtype,
                         rotary_dtype scales_dtype, size_t begin, size_t end,
                         const Bounded* expected) {
  double largest = 0;
  double error = 0;
  for (size_t i = begin; i < end; ++i) {
    largest = std::max(largest, std::fabs(expected[i].value));
    error = std::max(error, expected[i].error);
  }
  const double limit = LargestByte(dtype);
  const double wanted = largest / limit;
  double bound = error / limit + 2 * kU * wanted + 0x1p-126;
  // Where it would saturate it is an ulp more.
  if (scales_dtype != ROTARY_F32) bound += 3 * HalfUlp(scales_dtype, wanted);
  if (std::fabs(scale - wanted) <= bound) return "";
  return "scale " + std::to_string(scale) + ", not " + std::to_string(wanted);
}

}  // namespace

double ByteValue(rotary_dtype dtype, uint8_t byte) {
  if (dtype == ROTARY_I8) return static_cast<int8_t>(byte);
  const int mantissa_bits = dtype == ROTARY_F8_E4M3 ? 3 : 2;
  const int bias = dtype == ROTARY_F8_E4M3 ? 7 : 15;
  const int exponent = (byte & 0x7F) >> mantissa_bits;
  const int mantissa = byte & ((1 << mantissa_bits) - 1);
  const double sign = (byte & 0x80) != 0 ? -1 : 1;
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  if (dtype == ROTARY_F8_E4M3 && (byte & 0x7F) == 0x7F) return kNan;
  if (dtype == ROTARY_F8_E5M2 && exponent == 31) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                         : kNan;
  }
  if (exponent == 0)
    return sign * std::ldexp(mantissa, 1 - bias - mantissa_bits);
  return sign * std::ldexp((1 << mantissa_bits) + mantissa,
                           exponent - bias - mantissa_bits);
}

double LargestByte(rotary_dtype dtype) {
  return dtype == ROTARY_F8_E4M3   ? 448.0
         : dtype == ROTARY_F8_E5M2 ? 57344.0
                                   : 127.0;
}

double ByteStep(rotary_dtype dtype, double magnitude) {
  if (dtype != ROTARY_F8_E4M3 && dtype != ROTARY_F8_E5M2) return 1.0;
  const int mantissa_bits = dtype == ROTARY_F8_E4M3 ? 3 : 2;
  const int least = dtype == ROTARY_F8_E4M3 ? -6 : -14;
  const int exponent =
      magnitude == 0 ? least : std::max(std::ilogb(magnitude), least);
  return std::ldexp(1.0, exponent - mantissa_bits);
}

std::string CompareStored(const StoredHead& head, const Bounded* expected) {
  const size_t count = head.numbers.size();
  if (head.dtype <= ROTARY_BF16) {
    for (size_t i = 0; i < count; ++i) {
      const std::string wrong = CompareNumber(head, i, expected[i]);
      if (!wrong.empty()) return wrong;
    }
    return "";
  }
  const bool blocks = head.dtype == ROTARY_Q8_0;
  const rotary_dtype dtype = blocks ? ROTARY_I8 : head.dtype;
  const size_t step = blocks ? 32 : count;
  for (size_t i = 0; i < count; i += step) {
    std::string wrong;
    if (head.made) {
      wrong = CompareScale(head.scales[i / step], dtype, head.scales_dtype, i,
                           i + step, expected);
    }
    if (wrong.empty()) {
      wrong = CompareBytes(head, i, i + step, expected, dtype);
    }
    if (!wrong.empty()) return wrong;
  }
  return "";
}

}  // namespace rotary_test
