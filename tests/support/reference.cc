// The formula of RoPE in f64, with its error bound, and in f32.
#include "tests/support/reference.h"

#include <cmath>
#include <sstream>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

// Where the two elements of a pair are in their head.
struct PairPlace {
  int64_t first;
  int64_t second;
};

PairPlace PlaceOf(const HeadRotation& by, rotary_pairing pairing,
                  int64_t pair) {
  if (pairing == ROTARY_HALF) {
    return {by.rotary_offset + pair,
            by.rotary_offset + pair + by.rotary_dim / 2};
  }
  return {by.rotary_offset + 2 * pair, by.rotary_offset + 2 * pair + 1};
}

PairPlace InputPlace(const HeadRotation& by, int64_t pair) {
  return PlaceOf(by, by.pairing, pair);
}

PairPlace OutputPlace(const HeadRotation& by, int64_t pair) {
  return PlaceOf(by, by.output_pairing == 0 ? by.pairing : by.output_pairing,
                 pair);
}

Expected Sum(double product, double other_product) {
  const double magnitude = std::fabs(product) + std::fabs(other_product);
  return {product + other_product, 0x1p-23 * magnitude + 0x1p-149};
}

// Without volatile a compiler may contract the multiply and the add.
float Multiply(float a, float b) {
  const volatile float product = a * b;
  return product;
}

// An element of a tensor.
struct Element {
  int64_t b, t, h, i;
};

std::string Describe(const Element& at, const std::string& input,
                     const View& output, double expected, double bound) {
  const uint32_t bits = output.Bits(at.b, at.t, at.h, at.i);
  std::ostringstream text;
  text.precision(12);
  text << std::hexfloat << "element [" << at.b << "][" << at.t << "][" << at.h
       << "][" << at.i << "] of " << input << " is "
       << ValueOf(output.dtype, bits) << " (bits " << std::hex << bits
       << "), expected " << expected << " within " << bound;
  return text.str();
}

// Calls differs(b, t, h) for the heads of a tensor until one does.
template <typename Differs>
std::string FirstDifference(const Shape& shape, const Differs& differs) {
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t t = 0; t < shape.tokens; ++t) {
      for (int64_t h = 0; h < shape.heads; ++h) {
        std::string difference = differs(b, t, h);
        if (!difference.empty()) return difference;
      }
    }
  }
  return {};
}

std::vector<float> WidenedHead(const View& view, int64_t b, int64_t t,
                               int64_t h) {
  std::vector<float> values(static_cast<size_t>(view.shape.head_dim));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] =
        Widened(view.dtype, view.Bits(b, t, h, static_cast<int64_t>(i)));
  }
  return values;
}

HeadRotation RotationOf(const TensorRotation& by, int64_t head_dim,
                        int64_t row) {
  const int64_t pairs = by.rotary_dim / 2;
  const bool none =
      by.positions != nullptr && by.positions[row] == ROTARY_NO_POSITION_I64;
  return {head_dim,
          by.rotary_offset,
          by.rotary_dim,
          by.pairing,
          none ? nullptr : by.cos + row * pairs,
          none ? nullptr : by.sin + row * pairs,
          by.transpose,
          by.output_pairing};
}

// Whether an element is neither rotated nor moved.
bool Stays(const HeadRotation& by, int64_t element) {
  const bool outside =
      element < by.rotary_offset || element >= by.rotary_offset + by.rotary_dim;
  const bool moves = by.output_pairing != 0 && by.output_pairing != by.pairing;
  return outside || (by.cos == nullptr && !moves);
}

}  // namespace

std::vector<Expected> ExpectedHead(const float* input, const HeadRotation& by) {
  std::vector<Expected> output(static_cast<size_t>(by.head_dim));
  for (int64_t i = 0; i < by.head_dim; ++i) {
    output[static_cast<size_t>(i)] = {static_cast<double>(input[i]), 0.0};
  }
  for (int64_t pair = 0; pair < by.rotary_dim / 2; ++pair) {
    const PairPlace from = InputPlace(by, pair);
    const PairPlace to = OutputPlace(by, pair);
    const double a = static_cast<double>(input[from.first]);
    const double b = static_cast<double>(input[from.second]);
    Expected& first = output[static_cast<size_t>(to.first)];
    Expected& second = output[static_cast<size_t>(to.second)];
    if (by.cos == nullptr) {
      first = {a, 0.0};
      second = {b, 0.0};
      continue;
    }
    const double cos = static_cast<double>(by.cos[pair]);
    const double sin =
        static_cast<double>(by.transpose ? -by.sin[pair] : by.sin[pair]);
    first = Sum(a * cos, -(b * sin));
    second = Sum(b * cos, a * sin);
  }
  return output;
}

std::vector<float> ExactHead(const float* input, const HeadRotation& by) {
  std::vector<float> output(input, input + by.head_dim);
  for (int64_t pair = 0; pair < by.rotary_dim / 2; ++pair) {
    const PairPlace from = InputPlace(by, pair);
    const PairPlace to = OutputPlace(by, pair);
    const float a = input[from.first];
    const float b = input[from.second];
    float& first = output[static_cast<size_t>(to.first)];
    float& second = output[static_cast<size_t>(to.second)];
    if (by.cos == nullptr) {
      first = a;
      second = b;
      continue;
    }
    const float cos = by.cos[pair];
    const float sin = by.transpose ? -by.sin[pair] : by.sin[pair];
    first = Multiply(a, cos) - Multiply(b, sin);
    second = Multiply(b, cos) + Multiply(a, sin);
  }
  return output;
}

bool WithinBound(const Expected& expected, rotary_dtype dtype, double got) {
  double bound = expected.bound;
  if (dtype != ROTARY_F32) {
    // f32 is within its bound of the true value, and is itself rounded.
    const double most = std::fabs(expected.value) + bound;
    if (std::isinf(got) && (got < 0) == (expected.value < 0)) {
      return most >= OverflowOf(dtype);
    }
    bound += HalfUlp(dtype, most);
  }
  // False for a NaN.
  return std::fabs(got - expected.value) <= bound;
}

std::string CompareRotated(const View& input, const View& output,
                           const TensorRotation& by) {
  const bool same_dtype = input.dtype == output.dtype;
  return FirstDifference(
      input.shape, [&](int64_t b, int64_t t, int64_t h) -> std::string {
        const HeadRotation rotation = RotationOf(
            by, input.shape.head_dim,
            by.first_row + b * by.row_batch_stride + t * by.row_token_stride);
        const std::vector<float> from = WidenedHead(input, b, t, h);
        const std::vector<Expected> expected =
            ExpectedHead(from.data(), rotation);
        const std::vector<float> exact = ExactHead(from.data(), rotation);
        for (int64_t i = 0; i < input.shape.head_dim; ++i) {
          const Expected& want = expected[static_cast<size_t>(i)];
          const float f32 = exact[static_cast<size_t>(i)];
          const uint32_t got = output.Bits(b, t, h, i);
          // What is not finite in f32 has no bound but its exact value.
          const bool in_bound =
              !std::isfinite(f32) ||
              WithinBound(want, output.dtype,
                          static_cast<double>(Widened(output.dtype, got)));
          const bool same_bits =
              same_dtype && Stays(rotation, i)
                  ? got == input.Bits(b, t, h, i)
                  : SameElement(output.dtype, got, Narrowed(output.dtype, f32));
          if (!in_bound || !same_bits) {
            std::ostringstream was;
            was << std::hexfloat << from[static_cast<size_t>(i)];
            return Describe({b, t, h, i}, was.str(), output, want.value,
                            want.bound);
          }
        }
        return {};
      });
}

std::string CompareCopied(const View& input, const View& output) {
  return FirstDifference(
      input.shape, [&](int64_t b, int64_t t, int64_t h) -> std::string {
        for (int64_t i = 0; i < input.shape.head_dim; ++i) {
          const uint32_t was = input.Bits(b, t, h, i);
          if (output.dtype == input.dtype && output.Bits(b, t, h, i) == was) {
            continue;
          }
          std::ostringstream bits;
          bits << "bits " << std::hex << was;
          return Describe({b, t, h, i}, bits.str(), output,
                          ValueOf(input.dtype, was), 0);
        }
        return {};
      });
}

}  // namespace rotary_test
