// A small seeded generator with the same numbers on every platform, which the
// distributions of the standard library do not promise.  Used by all tests; a
// fuzzer's bytes may decide instead of a seed.
#ifndef TESTS_SUPPORT_RANDOM_H_
#define TESTS_SUPPORT_RANDOM_H_

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

namespace rotary_test {

inline float FloatFromBits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof(value));
  return value;
}

inline uint32_t BitsFromFloat(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof(bits));
  return bits;
}

// SplitMix64; or, as long as there are any, bytes: for a number as many as it
// needs.
class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}
  Random(const uint8_t* bytes, size_t size)
      : next_(bytes), end_(bytes + size) {}

  uint64_t Bits() {
    if (next_ != end_) return Taken(8);
    state_ += 0x9e3779b97f4a7c15u;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // In [low, high].
  int64_t Integer(int64_t low, int64_t high) {
    const uint64_t span = static_cast<uint64_t>(high - low) + 1;
    return low + static_cast<int64_t>(Below(span) % span);
  }

  // Of random sign, with a random significand, and a magnitude within
  // [2^-20, 2^4): wide enough for the two products of a pair to differ in size.
  float Float() {
    const auto significand = static_cast<float>(Bits() >> 40);
    const auto exponent = static_cast<int>(Integer(-20, 3));
    const float magnitude = std::ldexp(1.0f + significand * 0x1p-24f, exponent);
    return (Bits() & 1) != 0 ? -magnitude : magnitude;
  }

  template <typename T>
  const T& Choose(const std::vector<T>& from) {
    return from[static_cast<size_t>(
        Integer(0, static_cast<int64_t>(from.size()) - 1))];
  }

  template <typename T>
  void Shuffle(std::vector<T>* values) {
    for (size_t i = values->size(); i > 1; --i) {
      std::swap((*values)[i - 1], (*values)[Bits() % i]);
    }
  }

 private:
  uint64_t Below(uint64_t span) {
    if (next_ == end_) return Bits();
    return Taken(span <= 0x100 ? 1 : span <= 0x10000 ? 2 : 8);
  }
  uint64_t Taken(size_t count) {
    uint64_t bits = 0;
    for (size_t i = 0; i < count && next_ != end_; ++i) {
      bits |= uint64_t{*next_++} << (8 * i);
    }
    return bits;
  }

  uint64_t state_ = 0;
  const uint8_t* next_ = nullptr;
  const uint8_t* end_ = nullptr;
};

// Positions of every magnitude and sign that the library takes.
inline std::vector<int64_t> RandomPositions(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t limit = int64_t{1} << random.Integer(1, 31);
    positions.push_back(random.Integer(1 - limit, limit - 1));
  }
  return positions;
}

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_RANDOM_H_
