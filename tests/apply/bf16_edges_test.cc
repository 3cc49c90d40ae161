// bf16 at the edges of its rounding, where a processor's own instruction and
// short ways to round go wrong: results that are subnormal, wherever among the
// others, and NaN of any bits in a caller's cos and sin.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// Heads of bf16 that are rotated by one row of the caller's.
class Case {
 public:
  Case(int64_t pairs, rotary_pairing pairing)
      : pairs_(pairs),
        pairing_(pairing),
        cos_(static_cast<size_t>(pairs), 0.75f),
        sin_(static_cast<size_t>(pairs), 0.5f),
        shape_{1, 1, 3, 2 * pairs},
        original_(ROTARY_BF16, shape_, StridesOf(shape_)) {
    original_.FillRandom(3);
  }

  void SetRow(int64_t pair, float cos, float sin) {
    cos_[static_cast<size_t>(pair)] = cos;
    sin_[static_cast<size_t>(pair)] = sin;
  }
  // Both elements of a pair, of every head.
  void SetPair(int64_t pair, uint32_t first, uint32_t second) {
    const bool half = pairing_ == ROTARY_HALF;
    for (int64_t h = 0; h < shape_.heads; ++h) {
      void* head = original_.view().Head(0, 0, h);
      StoreBits(ROTARY_BF16, head, half ? pair : 2 * pair, first);
      StoreBits(ROTARY_BF16, head, half ? pair + pairs_ : 2 * pair + 1, second);
    }
  }

  // What is wrong with the result on some target, or empty.
  std::string Difference() const {
    TensorRotation by = {};
    by.pairing = pairing_;
    by.rotary_dim = 2 * pairs_;
    by.cos = cos_.data();
    by.sin = sin_.data();
    std::string difference;
    ForEachTarget([&](const char* target) {
      const Snapshot input(original_);
      rotary_cos_sin own;
      rotary_cos_sin_init(&own, sizeof(own));
      own.cos = cos_.data();
      own.sin = sin_.data();
      own.dtype = ROTARY_F32;
      own.width = ROTARY_WIDTH_PAIRS;
      own.rotary_dim = 2 * pairs_;
      own.rows = 1;
      const StridedTensor output(ROTARY_BF16, shape_, StridesOf(shape_));
      const std::vector<rotary_tensor> tensors = {
          OutOfPlace(input.view(), output.view(), pairing_)};
      rotary_apply_args args = MakeApplyArgs(1, 1, tensors);
      args.cos_sin = &own;
      args.target = target;
      ApplyOk(args);
      const std::string differs =
          CompareRotated(input.view(), output.view(), by);
      if (!differs.empty()) difference = target + (": " + differs);
    });
    return difference;
  }

 private:
  int64_t pairs_;
  rotary_pairing pairing_;
  std::vector<float> cos_;
  std::vector<float> sin_;
  Shape shape_;
  StridedTensor original_;
};

// Each vector of every target, and what is left over.
const std::vector<int64_t> kPairs = {1, 7, 16, 40, 64, 75};
constexpr uint32_t kOne = 0x3F80;

template <typename Check>
void ForEachCase(const Check& check) {
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    for (const int64_t pairs : kPairs) {
      CAPTURE(pairing);
      CAPTURE(pairs);
      check(pairing, pairs);
    }
  }
}

}  // namespace

TEST_CASE("bf16: one subnormal or zero result among others") {
  // Of x = (1, 0): cos and sin themselves.
  const std::vector<float> values = {0.0f,       -0.0f,        0x1p-127f,
                                     -0x1p-127f, 0x1.fep-127f, 0x1p-133f,
                                     0x1p-134f,  -0x1.8p-134f, 0x1p-149f};
  ForEachCase([&](rotary_pairing pairing, int64_t pairs) {
    Random random(static_cast<uint64_t>(pairs));
    for (int64_t pair = 0; pair < pairs; ++pair) {
      Case one(pairs, pairing);
      one.SetPair(pair, kOne, 0);
      const float value = random.Choose(values);
      if (random.Integer(0, 1) == 0) {
        one.SetRow(pair, value, 0.5f);
      } else {
        one.SetRow(pair, 0.75f, value);
      }
      CAPTURE(pair);
      CHECK(one.Difference() == "");
    }
  });
}

TEST_CASE("bf16: zeros and subnormals alone") {
  ForEachCase([](rotary_pairing pairing, int64_t pairs) {
    for (const uint32_t bits : {0x0000u, 0x8000u, 0x0001u, 0x807Fu, 0x0080u}) {
      Case one(pairs, pairing);
      for (int64_t pair = 0; pair < pairs; ++pair) {
        one.SetPair(pair, bits, bits ^ 0x8000u);
      }
      CAPTURE(bits);
      CHECK(one.Difference() == "");
    }
  });
}

TEST_CASE("bf16: NaN of any bits in the caller's cos and sin") {
  ForEachCase([](rotary_pairing pairing, int64_t pairs) {
    Random random(static_cast<uint64_t>(pairs));
    const auto nan = [&random] {
      const uint32_t bits = static_cast<uint32_t>(random.Bits());
      // Most of them would be carried into the exponent and the sign.
      const uint32_t payload =
          random.Integer(0, 1) == 0 ? 0x7FFFFFFFu : 0x7F800001u;
      return FloatFromBits(bits | payload);
    };
    for (int i = 0; i < Effort(4, 100); ++i) {
      Case some(pairs, pairing);
      for (int64_t pair = 0; pair < pairs; ++pair) {
        if (random.Integer(0, 2) == 0) some.SetRow(pair, nan(), 0.5f);
        if (random.Integer(0, 2) == 0) some.SetRow(pair, 0.75f, nan());
      }
      CHECK(some.Difference() == "");
    }
  });
}

}  // namespace rotary_test
