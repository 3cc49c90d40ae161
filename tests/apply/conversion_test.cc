// Elements are widened exactly and rounded once, to nearest, ties to even: all
// of 16 bits, and of f32 every upper half with lower halves around each tie, in
// vectors and in their tails, on every target.
#include "tests/apply/conversion.h"

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/support/effort.h"
#include "tests/support/element.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

std::vector<uint32_t> All16() {
  std::vector<uint32_t> elements;
  for (uint32_t bits = 0; bits <= 0xFFFF; ++bits) elements.push_back(bits);
  return elements;
}

// Every upper half with each of the lower ones, and with `random` others.
std::vector<uint32_t> AllUpper(const std::vector<uint32_t>& lower, int random) {
  Random numbers(3);
  std::vector<uint32_t> elements;
  for (uint32_t upper = 0; upper <= 0xFFFF; ++upper) {
    for (const uint32_t bits : lower) elements.push_back(upper << 16 | bits);
    for (int i = 0; i < random; ++i) {
      elements.push_back(upper << 16 |
                         static_cast<uint32_t>(numbers.Bits() >> 48));
    }
  }
  return elements;
}

// bf16 ends with the upper half.  Of the lower one, f16 has three more bits
// where it is normal: all eight of its ties, which are bf16's as well, and what
// is next to the first and the last ones.  Subnormals of f16 have their ties
// further up.
std::vector<uint32_t> AroundTies() {
  return AllUpper({0x0000, 0x0001, 0x0FFF, 0x1000, 0x1001, 0x2FFF, 0x3000,
                   0x3001, 0x5000, 0x7000, 0x7FFF, 0x8000, 0x8001, 0x9000,
                   0xB000, 0xD000, 0xEFFF, 0xF000, 0xF001, 0xFFFF},
                  2);
}

std::vector<uint32_t> FewAroundTies() {
  return AllUpper({0x0000, 0x0001, 0x1000, 0x7000, 0x8000, 0xFFFF}, 0);
}

std::vector<uint32_t> Expected(const std::vector<uint32_t>& elements,
                               rotary_dtype from, rotary_dtype to) {
  std::vector<uint32_t> expected;
  expected.reserve(elements.size());
  for (const uint32_t bits : elements) {
    expected.push_back(Converted(from, to, bits));
  }
  return expected;
}

// Runs of whole vectors, with and without a tail, and of less than a vector;
// data that is aligned to its element only.
std::vector<Conversion> Runs(rotary_dtype from, rotary_dtype to) {
  struct Size {
    int64_t head_dim, rotary_offset, misalignment;
  };
  std::vector<Conversion> all;
  for (const Size& size : {Size{2, 0, 0}, Size{3, 1, 0}, Size{18, 16, 1},
                           Size{34, 0, 0}, Size{53, 3, 1}}) {
    all.push_back({Way::kRuns, from, to, size.head_dim, size.rotary_offset});
    all.back().misalignment = size.misalignment;
  }
  return all;
}

// Pairs of heads of `count`, from each pairing to each.
std::vector<Conversion> Pairs(Way way, rotary_dtype from, rotary_dtype to,
                              int64_t count) {
  std::vector<Conversion> all;
  for (const rotary_pairing input : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    for (const rotary_pairing output : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
      all.push_back({way, from, to, 2 * count, 0, input, output});
      all.back().misalignment = count % 2;
    }
  }
  return all;
}

void CheckAll(const std::vector<Conversion>& conversions,
              const std::vector<uint32_t>& elements) {
  std::vector<uint32_t> expected;
  for (const Conversion& conversion : conversions) {
    if (expected.empty()) {
      expected = Expected(elements, conversion.from, conversion.to);
    }
    CAPTURE(Describe(conversion));
    Converter converter(conversion, static_cast<int64_t>(elements.size()));
    CHECK_EQ(converter.Check(elements, expected), "");
  }
}

}  // namespace

TEST_CASE("conversion: the reference") {
  for (const rotary_dtype dtype : {ROTARY_F16, ROTARY_BF16}) {
    CAPTURE(dtype);
    int wrong = 0;
    for (const uint32_t bits : All16()) {
      const uint32_t back = Converted(dtype, dtype, bits);
      const uint32_t wide = Converted(dtype, ROTARY_F32, bits);
      wrong += SameElement(dtype, back, bits) ? 0 : 1;
      wrong +=
          SameElement(dtype, Converted(ROTARY_F32, dtype, wide), bits) ? 0 : 1;
    }
    CHECK_EQ(wrong, 0);
  }
  // bf16 is the upper half of f32, and f32 the compiler's.
  int wrong = 0;
  for (const uint32_t bits : All16()) {
    const auto value = static_cast<double>(FloatFromBits(bits << 16));
    wrong += ValueOf(ROTARY_BF16, bits) == value || std::isnan(value) ? 0 : 1;
  }
  for (const uint32_t bits : FewAroundTies()) {
    const auto value = static_cast<double>(FloatFromBits(bits));
    wrong += ValueOf(ROTARY_F32, bits) == value || std::isnan(value) ? 0 : 1;
    wrong += SameElement(ROTARY_F32, Nearest(ROTARY_F32, value), bits) ? 0 : 1;
    // In double the numbers between two of f32.
    const double between = value * (1 + (bits % 7) * 0x1p-26);
    const uint32_t near = BitsFromFloat(static_cast<float>(between));
    wrong +=
        SameElement(ROTARY_F32, Nearest(ROTARY_F32, between), near) ? 0 : 1;
  }
  CHECK_EQ(wrong, 0);
  // f16: what is known of it.
  struct Known {
    double value;
    uint32_t bits;
  };
  for (const Known& known :
       {Known{1, 0x3C00}, Known{-2, 0xC000}, Known{0.333251953125, 0x3555},
        Known{65504, 0x7BFF}, Known{65519.99, 0x7BFF}, Known{65520, 0x7C00},
        Known{-1e300, 0xFC00}, Known{0x1p-14, 0x0400}, Known{0x1p-24, 1},
        Known{0x1p-25, 0}, Known{0x1.002p-25, 1}, Known{0x1.8p-24, 2},
        Known{0x1.ffcp-15, 0x0400}, Known{-0.0, 0x8000}, Known{2049, 0x6800},
        Known{2051, 0x6802}}) {
    CAPTURE(known.value);
    CHECK_EQ(Nearest(ROTARY_F16, known.value), known.bits);
  }
  CHECK(IsNan(ROTARY_F16, Nearest(ROTARY_F16, std::nan(""))));
  CHECK_EQ(OverflowOf(ROTARY_F16), 65520);
  CHECK_EQ(HalfUlp(ROTARY_F16, 1), 0x1p-11);
  CHECK_EQ(HalfUlp(ROTARY_F16, 0), 0x1p-25);
  CHECK_EQ(HalfUlp(ROTARY_BF16, 255), 0.5);
}

TEST_CASE("conversion: runs of every 16-bit element") {
  for (const rotary_dtype from : {ROTARY_F16, ROTARY_BF16}) {
    for (const rotary_dtype to : Dtypes()) CheckAll(Runs(from, to), All16());
  }
}

// 31 and 127 pairs go in vectors of every size that a target has, and one by
// one.
TEST_CASE("conversion: pairs of every 16-bit element") {
  for (const rotary_dtype from : {ROTARY_F16, ROTARY_BF16}) {
    for (const rotary_dtype to : Dtypes()) {
      for (const Way way : {Way::kMoved, Way::kFirst, Way::kSecond}) {
        for (const int64_t count : {1, 31, 127}) {
          CheckAll(Pairs(way, from, to, count), All16());
        }
      }
    }
  }
}

TEST_CASE("conversion: runs of f32") {
  const std::vector<uint32_t> elements = AroundTies();
  for (const rotary_dtype to : {ROTARY_F16, ROTARY_BF16}) {
    CheckAll(Runs(ROTARY_F32, to), elements);
  }
}

TEST_CASE("conversion: pairs of f32") {
  const std::vector<uint32_t> all = AroundTies();
  const std::vector<uint32_t> few = Effort(FewAroundTies(), all);
  for (const rotary_dtype to : Dtypes()) {
    const std::vector<uint32_t>& most = to == ROTARY_F32 ? few : all;
    for (const Way way : {Way::kFirst, Way::kSecond}) {
      CheckAll(Pairs(way, ROTARY_F32, to, 32), most);
      CheckAll(Pairs(way, ROTARY_F32, to, 31), few);
    }
    CheckAll(Pairs(Way::kMoved, ROTARY_F32, to, 31), few);
  }
}

}  // namespace rotary_test
