#include "lib/import/gguf_value.h"

#include <math.h>
#include <string.h>

namespace rotary_import {
namespace {

template <class T>
double NumberOf(const void* data) {
  T value;
  memcpy(&value, data, sizeof(value));
  return static_cast<double>(value);
}

double HalfOf(const void* data) {
  uint16_t bits;
  memcpy(&bits, data, sizeof(bits));
  const int exponent = bits >> 10 & 31;
  const double fraction = bits & 1023;
  const double magnitude =
      exponent == 31  ? (fraction == 0.0 ? HUGE_VAL : nan(""))
      : exponent == 0 ? ldexp(fraction, -24)
                      : ldexp(fraction + 1024.0, exponent - 25);
  return (bits >> 15) != 0 ? -magnitude : magnitude;
}

double BrainHalfOf(const void* data) {
  uint16_t bits;
  memcpy(&bits, data, sizeof(bits));
  const uint32_t wide = static_cast<uint32_t>(bits) << 16;
  return NumberOf<float>(&wide);
}

// Of GGUF's types of numbers, by their value.
struct NumberType {
  size_t size;
  double (*number)(const void* data);
};
constexpr NumberType kNumberTypes[kGgufTypes] = {
    {1, NumberOf<uint8_t>}, {1, NumberOf<int8_t>},   {2, NumberOf<uint16_t>},
    {2, NumberOf<int16_t>}, {4, NumberOf<uint32_t>}, {4, NumberOf<int32_t>},
    {4, NumberOf<float>},   {1, NumberOf<uint8_t>},  {0, nullptr},
    {0, nullptr},           {8, NumberOf<uint64_t>}, {8, NumberOf<int64_t>},
    {8, NumberOf<double>}};

NumberType NumberTypeOf(uint32_t type) {
  return type < kGgufTypes ? kNumberTypes[type] : NumberType{0, nullptr};
}

NumberType TensorTypeOf(uint32_t type) {
  switch (type) {
    case 0:
      return {4, NumberOf<float>};
    case 1:
      return {2, HalfOf};
    case 30:
      return {2, BrainHalfOf};
    default:
      return {0, nullptr};
  }
}

std::vector<double> Numbers(const NumberType& type, uint64_t count,
                            const void* data) {
  std::vector<double> numbers;
  if (type.number == nullptr) return numbers;
  for (uint64_t i = 0; i < count; ++i) {
    numbers.push_back(
        type.number(static_cast<const char*>(data) + i * type.size));
  }
  return numbers;
}

}  // namespace

size_t GgufSize(uint32_t type) { return NumberTypeOf(type).size; }

GgufValue GgufValueOf(uint32_t type, uint32_t element_type, uint64_t count,
                      const void* data) {
  GgufValue value;
  if (type == kGgufString) {
    value.kind = GgufValue::Kind::kText;
    value.text.assign(static_cast<const char*>(data),
                      static_cast<size_t>(count));
  } else if (type == kGgufArray && GgufSize(element_type) > 0) {
    value.kind = GgufValue::Kind::kNumbers;
    value.numbers = Numbers(NumberTypeOf(element_type), count, data);
  } else if (GgufSize(type) > 0) {
    value.kind =
        type == kGgufBool ? GgufValue::Kind::kFlag : GgufValue::Kind::kNumber;
    value.number = NumberTypeOf(type).number(data);
  }
  return value;
}

size_t GgmlSize(uint32_t type) { return TensorTypeOf(type).size; }

std::vector<double> GgmlNumbers(uint32_t type, uint64_t count,
                                const void* data) {
  return Numbers(TensorTypeOf(type), count, data);
}

}  // namespace rotary_import
