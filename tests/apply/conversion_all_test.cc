// Every f32 value is rounded to f16 and bf16 as it should be, on every target:
// 2^32 of them in the long tests, else some blocks.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/apply/conversion.h"
#include "tests/support/effort.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

constexpr uint32_t kSign = 0x80000000u;
constexpr uint32_t kInfinity = 0x7F800000u;  // of f32

// To which 16-bit elements magnitudes of f32 are rounded, in the order of both:
// those from first[i] to first[i + 1] to element i.
class Rounding {
 public:
  explicit Rounding(rotary_dtype to) : to_(to), infinity_(Nearest(to, 1e300)) {
    first_.push_back(0);
    for (uint32_t i = 1; i <= infinity_; ++i) {
      // Half way between neighbors, or where infinity begins, is the even one's
      // place.  It has one more bit than they have.
      const double middle = i == infinity_
                                ? OverflowOf(to)
                                : (ValueOf(to, i - 1) + ValueOf(to, i)) / 2;
      const uint32_t bits = Nearest(ROTARY_F32, middle);
      REQUIRE(ValueOf(ROTARY_F32, bits) == middle);
      first_.push_back(i % 2 == 0 ? bits : bits + 1);
    }
    first_.push_back(kInfinity + 1);
  }

  // Whether the slow way agrees at both ends of every range, and so within.
  bool Agrees() const {
    for (uint32_t i = 0; i <= infinity_; ++i) {
      if (Converted(ROTARY_F32, to_, first_[i]) != i ||
          Converted(ROTARY_F32, to_, first_[i + 1] - 1) != i) {
        return false;
      }
    }
    return true;
  }

  // What becomes of f32 bits from `begin` on, all of one sign.
  void Expect(uint32_t begin, std::vector<uint32_t>* expected) const {
    const uint32_t sign = (begin & kSign) != 0 ? 0x8000u : 0;
    const uint32_t nan = sign | (infinity_ + 1);
    const uint64_t magnitude = begin & ~kSign;
    const uint64_t end = magnitude + expected->size();
    auto range = std::upper_bound(first_.begin(), first_.end(), magnitude);
    uint64_t at = magnitude;
    while (at < end) {
      const uint64_t stop =
          range == first_.end() ? end : std::min<uint64_t>(*range, end);
      const uint32_t becomes =
          range == first_.end()
              ? nan
              : sign | static_cast<uint32_t>(range - first_.begin() - 1);
      std::fill(expected->begin() + static_cast<int64_t>(at - magnitude),
                expected->begin() + static_cast<int64_t>(stop - magnitude),
                becomes);
      at = stop;
      if (range != first_.end()) ++range;
    }
  }

 private:
  rotary_dtype to_;
  uint32_t infinity_;
  std::vector<uint32_t> first_;
};

constexpr uint32_t kBlock = 1u << 16;

// The first elements of blocks: all of them, or those where the exponent, or
// what becomes of it, is about to change.
std::vector<uint32_t> Blocks() {
  std::vector<uint32_t> blocks;
  if (LongTests()) {
    for (uint32_t i = 0; i < 0x10000u; ++i) blocks.push_back(i * kBlock);
    return blocks;
  }
  for (const uint32_t upper :
       {0x0000u, 0x0001u, 0x007Fu, 0x0080u, 0x32FFu, 0x3300u, 0x337Fu, 0x387Fu,
        0x3880u, 0x3F80u, 0x477Fu, 0x4780u, 0x7F7Fu, 0x7F80u, 0x7FFFu}) {
    blocks.push_back(upper * kBlock);
    blocks.push_back(upper * kBlock | kSign);
  }
  return blocks;
}

void CheckEvery(rotary_dtype to) {
  const Rounding rounding(to);
  REQUIRE(rounding.Agrees());
  // In vectors, one by one, and in vectors of pairs.
  const int64_t count = kBlock;
  Converter runs({Way::kRuns, ROTARY_F32, to, count, count - 2}, count);
  Converter moved(
      {Way::kMoved, ROTARY_F32, to, 1024, 0, ROTARY_HALF, ROTARY_INTERLEAVED},
      count);
  Converter first({Way::kFirst, ROTARY_F32, to, 1024, 0, ROTARY_INTERLEAVED,
                   ROTARY_INTERLEAVED},
                  count);
  Converter second(
      {Way::kSecond, ROTARY_F32, to, 1024, 0, ROTARY_HALF, ROTARY_INTERLEAVED},
      count);
  std::vector<uint32_t> elements(kBlock);
  std::vector<uint32_t> expected(kBlock);
  for (const uint32_t begin : Blocks()) {
    for (uint32_t i = 0; i < kBlock; ++i) elements[i] = begin + i;
    rounding.Expect(begin, &expected);
    CAPTURE(begin);
    for (Converter* converter : {&runs, &moved, &first, &second}) {
      REQUIRE_EQ(converter->Check(elements, expected), "");
    }
  }
}

}  // namespace

TEST_CASE("conversion: every f32 to f16") { CheckEvery(ROTARY_F16); }

TEST_CASE("conversion: every f32 to bf16") { CheckEvery(ROTARY_BF16); }

}  // namespace rotary_test
