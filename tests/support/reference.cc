// The formula of RoPE in f64, with its error bound, and in f32.
#include "tests/support/reference.h"

#include <cmath>
#include <sstream>

#include "tests/support/random.h"

namespace rotary_test {
namespace {

// Where the two elements of a pair are in their head.
struct PairPlace {
  int64_t first;
  int64_t second;
};

PairPlace PlaceOf(const HeadRotation& by, int64_t pair) {
  if (by.pairing == ROTARY_HALF) {
    return {by.rotary_offset + pair,
            by.rotary_offset + pair + by.rotary_dim / 2};
  }
  return {by.rotary_offset + 2 * pair, by.rotary_offset + 2 * pair + 1};
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

bool IsRotated(const TensorRotation& by, int64_t element) {
  return element >= by.rotary_offset &&
         element < by.rotary_offset + by.rotary_dim;
}

std::string Describe(int64_t b, int64_t t, int64_t h, int64_t element,
                     float input, float got, double expected, double bound) {
  std::ostringstream text;
  text.precision(12);
  text << std::hexfloat << "element [" << b << "][" << t << "][" << h << "]["
       << element << "] of " << input << " is " << got << " (bits "
       << BitsFromFloat(got) << "), expected " << expected << " within "
       << bound;
  return text.str();
}

}  // namespace

std::vector<Expected> ExpectedHead(const float* input, const HeadRotation& by) {
  std::vector<Expected> output(static_cast<size_t>(by.head_dim));
  for (int64_t i = 0; i < by.head_dim; ++i) {
    output[static_cast<size_t>(i)] = {static_cast<double>(input[i]), 0.0};
  }
  if (by.cos == nullptr) return output;
  for (int64_t pair = 0; pair < by.rotary_dim / 2; ++pair) {
    const PairPlace place = PlaceOf(by, pair);
    const double a = static_cast<double>(input[place.first]);
    const double b = static_cast<double>(input[place.second]);
    const double cos = static_cast<double>(by.cos[pair]);
    const double sin =
        static_cast<double>(by.transpose ? -by.sin[pair] : by.sin[pair]);
    output[static_cast<size_t>(place.first)] = Sum(a * cos, -(b * sin));
    output[static_cast<size_t>(place.second)] = Sum(b * cos, a * sin);
  }
  return output;
}

std::vector<float> ExactHead(const float* input, const HeadRotation& by) {
  std::vector<float> output(input, input + by.head_dim);
  if (by.cos == nullptr) return output;
  for (int64_t pair = 0; pair < by.rotary_dim / 2; ++pair) {
    const PairPlace place = PlaceOf(by, pair);
    const float a = input[place.first];
    const float b = input[place.second];
    const float cos = by.cos[pair];
    const float sin = by.transpose ? -by.sin[pair] : by.sin[pair];
    output[static_cast<size_t>(place.first)] =
        Multiply(a, cos) - Multiply(b, sin);
    output[static_cast<size_t>(place.second)] =
        Multiply(b, cos) + Multiply(a, sin);
  }
  return output;
}

std::string CompareRotated(const View& input, const View& output,
                           const TensorRotation& by) {
  const int64_t pairs = by.rotary_dim / 2;
  for (int64_t b = 0; b < input.shape.batch; ++b) {
    for (int64_t t = 0; t < input.shape.tokens; ++t) {
      const int64_t row =
          by.first_row + b * by.row_batch_stride + t * by.row_token_stride;
      const HeadRotation rotation{
          input.shape.head_dim, by.rotary_offset,     by.rotary_dim, by.pairing,
          by.cos + row * pairs, by.sin + row * pairs, by.transpose};
      for (int64_t h = 0; h < input.shape.heads; ++h) {
        const float* const from = input.Head(b, t, h);
        const float* const got = output.Head(b, t, h);
        const std::vector<Expected> expected = ExpectedHead(from, rotation);
        const std::vector<float> exact = ExactHead(from, rotation);
        for (int64_t i = 0; i < input.shape.head_dim; ++i) {
          const Expected& want = expected[static_cast<size_t>(i)];
          const float bits = exact[static_cast<size_t>(i)];
          const bool both_nan =
              IsRotated(by, i) && std::isnan(got[i]) && std::isnan(bits);
          // False for every finite element out of bounds; what is not finite
          // has no bound but its exact value.
          const bool in_bound =
              !std::isfinite(bits) ||
              std::fabs(static_cast<double>(got[i]) - want.value) <= want.bound;
          if (!in_bound ||
              (!both_nan && BitsFromFloat(got[i]) != BitsFromFloat(bits))) {
            return Describe(b, t, h, i, from[i], got[i], want.value,
                            want.bound);
          }
        }
      }
    }
  }
  return {};
}

std::string CompareCopied(const View& input, const View& output) {
  for (int64_t b = 0; b < input.shape.batch; ++b) {
    for (int64_t t = 0; t < input.shape.tokens; ++t) {
      for (int64_t h = 0; h < input.shape.heads; ++h) {
        const float* const from = input.Head(b, t, h);
        const float* const got = output.Head(b, t, h);
        for (int64_t i = 0; i < input.shape.head_dim; ++i) {
          if (BitsFromFloat(got[i]) != BitsFromFloat(from[i])) {
            return Describe(b, t, h, i, from[i], got[i],
                            static_cast<double>(from[i]), 0);
          }
        }
      }
    }
  }
  return {};
}

}  // namespace rotary_test
