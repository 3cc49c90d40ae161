// Bytes: every number of the formats, the numbers in the middle between two,
// those beyond the largest, and scales that are hard to make.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "tests/fused/stored.h"
#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// Stores heads [tokens][1][head_dim] in slots 0, 1 .. of a cache.
void Store(const std::vector<float>& from, int64_t head_dim,
           const rotary_cache& cache, const char* target) {
  const int64_t tokens = static_cast<int64_t>(from.size()) / head_dim;
  std::vector<int64_t> ids;
  for (int64_t t = 0; t < tokens; ++t) ids.push_back(t);
  const rotary_positions positions = MakePositions(ids);
  rotary_slots_args slots_args;
  rotary_slots_args_init(&slots_args, sizeof(slots_args));
  slots_args.tokens = slots_args.num_slots = tokens;
  slots_args.positions = &positions;
  rotary_error error;
  size_t bytes;
  RequireOk(rotary_slots_bytes_needed(tokens, tokens, &bytes, &error), error);
  std::vector<uint64_t> memory(bytes / 8 + 1);
  rotary_slots* slots;
  RequireOk(
      rotary_slots_init(memory.data(), bytes, &slots_args, &slots, &error),
      error);
  std::vector<rotary_tensor> tensors(1);
  rotary_tensor_init(tensors.data(), sizeof(rotary_tensor));
  tensors[0].head_dim = head_dim;
  tensors[0].input = from.data();
  rotary_apply_args apply = MakeApplyArgs(1, tokens, tensors);
  apply.target = target;
  rotary_fusion fusion;
  rotary_fusion_init(&fusion, sizeof(fusion));
  fusion.rotates = 0;
  fusion.cache = &cache;
  rotary_fused_args args;
  rotary_fused_args_init(&args, sizeof(args));
  args.apply = &apply;
  args.fusions = &fusion;
  args.slots = slots;
  RequireOk(rotary_apply_fused(&args, &error), error);
}

struct Stored {
  std::vector<uint8_t> bytes;
  int64_t saturated = 0;
};

// By a scale of 1.
Stored Bytes(const std::vector<float>& from, rotary_dtype dtype,
             const char* target) {
  Stored stored;
  stored.bytes.assign(from.size(), 0xAA);
  float one = 1.0f;
  rotary_cache cache;
  rotary_cache_init(&cache, sizeof(cache));
  cache.data = stored.bytes.data();
  cache.dtype = dtype;
  cache.scale_kind = ROTARY_SCALES_GIVEN;
  cache.scales = &one;
  cache.scales_block_stride = cache.scales_slot_stride = 0;
  cache.scales_head_stride = 0;
  cache.saturated = &stored.saturated;
  Store(from, static_cast<int64_t>(from.size()), cache, target);
  return stored;
}

// The finite numbers of a format, ascending, and their bytes.
struct Number {
  double value;
  uint8_t byte;
};
std::vector<Number> Numbers(rotary_dtype dtype) {
  std::vector<Number> numbers;
  for (int byte = 0; byte < 256; ++byte) {
    const double value = ByteValue(dtype, static_cast<uint8_t>(byte));
    const bool negative_zero = value == 0 && byte != 0;
    const bool out = dtype == ROTARY_I8 && value == -128;
    if (std::isfinite(value) && !negative_zero && !out) {
      numbers.push_back({value, static_cast<uint8_t>(byte)});
    }
  }
  std::sort(numbers.begin(), numbers.end(),
            [](const Number& a, const Number& b) { return a.value < b.value; });
  return numbers;
}

// Of one that is 0, either sign.
bool Same(rotary_dtype dtype, uint8_t a, uint8_t b) {
  const bool zeros = ByteValue(dtype, a) == 0 && ByteValue(dtype, b) == 0;
  return a == b || zeros;
}

TEST_CASE("bytes: every number, and between every two") {
  for (const rotary_dtype dtype : {ROTARY_I8, ROTARY_F8_E4M3, ROTARY_F8_E5M2}) {
    CAPTURE(dtype);
    const std::vector<Number> numbers = Numbers(dtype);
    std::vector<float> from;
    std::vector<uint8_t> to;
    const auto add = [&](float value, uint8_t byte) {
      from.push_back(value);
      to.push_back(byte);
    };
    for (size_t i = 0; i < numbers.size(); ++i) {
      const Number& low = numbers[i];
      add(static_cast<float>(low.value), low.byte);
      if (i + 1 == numbers.size()) break;
      const Number& high = numbers[i + 1];
      const float middle = static_cast<float>((low.value + high.value) / 2);
      // The even one, of a byte or of a magnitude's bits.
      add(middle, low.byte % 2 == 0 ? low.byte : high.byte);
      add(std::nextafterf(middle, -kInf), low.byte);
      add(std::nextafterf(middle, kInf), high.byte);
    }
    const auto largest = static_cast<float>(LargestByte(dtype));
    const uint8_t most = numbers.back().byte;
    const uint8_t least = numbers.front().byte;
    for (const float beyond : {largest * 1.01f, largest * 2, 1e38f, kInf}) {
      add(beyond, most);
      add(-beyond, least);
    }
    ForEachTarget([&](const char* target) {
      const Stored stored = Bytes(from, dtype, target);
      for (size_t i = 0; i < from.size(); ++i) {
        CAPTURE(from[i]);
        REQUIRE(Same(dtype, stored.bytes[i], to[i]));
      }
      // Rounded back to the largest, 1.01 times it is not out of range.
      REQUIRE(stored.saturated == (dtype == ROTARY_I8 ? 8 : 6));
      const Stored nan = Bytes({kNan, -kNan, 1.0f}, dtype, target);
      for (size_t i = 0; i < 2; ++i) {
        const double value = ByteValue(dtype, nan.bytes[i]);
        REQUIRE((dtype == ROTARY_I8 ? value == 0 : std::isnan(value)));
      }
      REQUIRE(nan.saturated == 0);
    });
  }
}

// The scale that was made for one head, read back, and its bytes.
struct Made {
  double scale;
  std::vector<double> numbers;
  int64_t saturated = 0;
};
Made MakeScale(const std::vector<float>& from, rotary_dtype dtype,
               rotary_dtype scales_dtype, const char* target) {
  const bool blocks = dtype == ROTARY_Q8_0;
  std::vector<uint8_t> bytes(from.size() + 2);
  uint32_t scale = 0;
  rotary_cache cache;
  rotary_cache_init(&cache, sizeof(cache));
  cache.data = bytes.data();
  cache.dtype = dtype;
  if (!blocks) {
    cache.scale_kind = ROTARY_SCALES_MADE;
    cache.scales = &scale;
    cache.scales_dtype = scales_dtype;
  }
  Made made = {};
  cache.saturated = &made.saturated;
  Store(from, static_cast<int64_t>(from.size()), cache, target);
  made.scale = blocks
                   ? ValueOf(ROTARY_F16, LoadBits(ROTARY_F16, bytes.data(), 0))
                   : ValueOf(scales_dtype, scale);
  for (size_t i = 0; i < from.size(); ++i) {
    made.numbers.push_back(
        ByteValue(blocks ? ROTARY_I8 : dtype, bytes[i + (blocks ? 2 : 0)]));
  }
  return made;
}

TEST_CASE("bytes: scales of heads of every magnitude") {
  struct Kind {
    rotary_dtype dtype;
    rotary_dtype scales;
    double least;  // scale, between which there is nothing
  };
  const Kind kinds[] = {{ROTARY_I8, ROTARY_F32, 0x1p-126},
                        {ROTARY_I8, ROTARY_BF16, 0x1p-126},
                        {ROTARY_I8, ROTARY_F16, 0x1p-24},
                        {ROTARY_F8_E4M3, ROTARY_F32, 0x1p-126},
                        {ROTARY_F8_E5M2, ROTARY_F16, 0x1p-24},
                        {ROTARY_Q8_0, ROTARY_F16, 0x1p-24}};
  Random random(5);
  for (const Kind& kind : kinds) {
    CAPTURE(kind.dtype);
    CAPTURE(kind.scales);
    const rotary_dtype byte =
        kind.dtype == ROTARY_Q8_0 ? ROTARY_I8 : kind.dtype;
    for (int exponent = -140; exponent < 20; ++exponent) {
      CAPTURE(exponent);
      std::vector<float> head;
      float largest = 0;
      for (int i = 0; i < 32; ++i) {
        head.push_back(std::ldexp(random.Float(), exponent));
        largest = std::max(largest, std::fabs(head.back()));
      }
      ForEachTarget([&](const char* target) {
        const Made made = MakeScale(head, kind.dtype, kind.scales, target);
        // The best, or the next one; those of f16 may be multiples of the
        // least.
        const double best =
            static_cast<double>(largest) / LargestByte(byte) + kind.least;
        REQUIRE(made.scale <= best * (1 + 0x1p-8));
        for (size_t i = 0; i < head.size(); ++i) {
          const double value = static_cast<double>(head[i]);
          const double got = made.numbers[i] * made.scale;
          const double step =
              ByteStep(byte, std::fabs(value) / made.scale) * made.scale;
          REQUIRE(std::fabs(got - value) <= 0.51 * step);
        }
      });
    }
  }
}

TEST_CASE("bytes: heads that no scale in f16 is large enough for") {
  static constexpr double kMost = 65504.0;
  ForEachTarget([](const char* target) {
    for (const rotary_dtype dtype : {ROTARY_I8, ROTARY_F8_E4M3, ROTARY_Q8_0}) {
      std::vector<float> head(32, 1e6f);
      head[0] = 1e9f;
      head[1] = -3e38f;
      const Made made = MakeScale(head, dtype, ROTARY_F16, target);
      const rotary_dtype byte = dtype == ROTARY_Q8_0 ? ROTARY_I8 : dtype;
      CAPTURE(dtype);
      CHECK(made.scale == kMost);
      CHECK(made.saturated == 2);
      CHECK(made.numbers[0] == LargestByte(byte));
      CHECK(made.numbers[1] == -LargestByte(byte));
      CHECK(std::fabs(made.numbers[2] - 1e6 / kMost) <=
            0.51 * ByteStep(byte, 1e6 / kMost));
    }
  });
}

TEST_CASE("bytes: zeros, infinity and NaN in a head with a scale of its own") {
  ForEachTarget([](const char* target) {
    std::vector<float> head(32, 0.0f);
    head[3] = -0.0f;
    for (const rotary_dtype dtype : {ROTARY_I8, ROTARY_F8_E4M3, ROTARY_Q8_0}) {
      const Made zeros = MakeScale(head, dtype, ROTARY_F32, target);
      CHECK(zeros.scale == 0);
      for (const double number : zeros.numbers) CHECK(number == 0);
    }
    head[0] = kInf;
    head[1] = 1.0f;
    const Made infinite = MakeScale(head, ROTARY_I8, ROTARY_F16, target);
    CHECK(std::isinf(infinite.scale));
    for (const double number : infinite.numbers) CHECK(number == 0);
    head[0] = kNan;
    const Made nan = MakeScale(head, ROTARY_I8, ROTARY_F32, target);
    CHECK(std::isnan(nan.scale));
    for (const double number : nan.numbers) CHECK(number == 0);
  });
}

}  // namespace
}  // namespace rotary_test
