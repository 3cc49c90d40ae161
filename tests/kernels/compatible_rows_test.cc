// The kernel MakeCompatibleRows against MPFR: cos and sin of any f32 up to
// 2^40, rounded to f32, times a factor in f32, then rounded to 16 bits.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "lib/kernels/target.h"
#include "tests/kernels/deviation.h"
#include "tests/support/effort.h"
#include "tests/support/element.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr int64_t kPairs = 3 * rotary::kPairPadding;
constexpr int64_t kRowStride = kPairs + 7;
constexpr float kUnwritten = 77.0f;

// The states of rows take turns.
constexpr uint8_t kStates[] = {rotary::kRotated, rotary::kRotated,
                               rotary::kCopied, rotary::kRotated,
                               rotary::kUntouched};

uint8_t StateOf(int64_t row) { return kStates[row % 5]; }

struct Settings {
  float cos_factor;
  float sin_factor;
  rotary::Dtype rounding;
};

rotary_dtype TestDtype(rotary::Dtype dtype) {
  return dtype == rotary::kF16    ? ROTARY_F16
         : dtype == rotary::kBF16 ? ROTARY_BF16
                                  : ROTARY_F32;
}

// The two that a value may be, nearly always the same: the f64 that is rounded
// to f32 is within 2^-43 of itself.
struct Expected {
  float low;
  float high;

  bool Has(float value) const {
    return BitsFromFloat(value) == BitsFromFloat(low) ||
           BitsFromFloat(value) == BitsFromFloat(high);
  }
};

float Rounded(const Mp& truth, double share, float factor,
              rotary::Dtype rounding) {
  Mp near;
  mpfr_mul_d(near.get(), truth.get(), share, MPFR_RNDN);
  const float product = mpfr_get_flt(near.get(), MPFR_RNDN) * factor;
  const rotary_dtype dtype = TestDtype(rounding);
  return static_cast<float>(
      ValueOf(dtype, Nearest(dtype, static_cast<double>(product))));
}

Expected ExpectedOf(const Mp& truth, float factor, rotary::Dtype rounding) {
  return {Rounded(truth, 1 - 0x1p-43, factor, rounding),
          Rounded(truth, 1 + 0x1p-43, factor, rounding)};
}

// The angles as rows of one position, 1, whose inv_freq they are.
class Rows {
 public:
  Rows(const std::vector<float>& angles, const Settings& settings)
      : settings_(settings) {
    for (size_t next = 0; next < angles.size();) {
      states_.push_back(StateOf(static_cast<int64_t>(states_.size())));
      const bool made = states_.back() == rotary::kRotated;
      for (int64_t i = 0; i < kRowStride; ++i) {
        if (made && i < kPairs) {
          Add(angles[next++ % angles.size()]);
        } else {
          inv_freq_.push_back(0);
          cos_.push_back({kUnwritten, kUnwritten});
          sin_.push_back({kUnwritten, kUnwritten});
        }
      }
    }
  }

  // Every value must have the bits that it may have; what is no row to be made
  // is left alone.
  void Check(rotary::Target target) const {
    std::vector<float> cos(cos_.size(), kUnwritten);
    std::vector<float> sin(cos_.size(), kUnwritten);
    const std::vector<uint8_t> groups(kPairs / rotary::kPairPadding, 1);
    const double position = 1;
    for (size_t row = 0; row < states_.size(); ++row) {
      const size_t at = row * static_cast<size_t>(kRowStride);
      rotary::CompatibleRowsJob job = {};
      job.inv_freq = inv_freq_.data() + at;
      job.group_axes = groups.data();
      job.axes = 1;
      job.positions = &position;
      job.count = 1;
      job.pair_count = kPairs;
      job.cos_factor = settings_.cos_factor;
      job.sin_factor = settings_.sin_factor;
      job.rounding = settings_.rounding;
      job.cos = cos.data() + at;
      job.sin = sin.data() + at;
      job.row_stride = kRowStride;
      job.rotates = states_.data() + row;
      rotary::kMakeCompatibleRows[target](job);
    }
    int64_t wrong = 0;
    for (size_t k = 0; k < cos.size(); ++k) {
      if (!cos_[k].Has(cos[k])) ++wrong;
      // MPFR gives sin(-0) = -0, as IEEE 754 has it.
      if (!sin_[k].Has(sin[k])) ++wrong;
    }
    CHECK_EQ(wrong, 0);
  }

 private:
  void Add(float angle) {
    const double exact = static_cast<double>(angle);
    inv_freq_.push_back(exact);
    Mp c, s;
    mpfr_sin_cos(s.get(), c.get(), Mp(exact).get(), MPFR_RNDN);
    cos_.push_back(ExpectedOf(c, settings_.cos_factor, settings_.rounding));
    sin_.push_back(ExpectedOf(s, settings_.sin_factor, settings_.rounding));
  }

  Settings settings_;
  std::vector<uint8_t> states_;
  std::vector<double> inv_freq_;
  std::vector<Expected> cos_;
  std::vector<Expected> sin_;
};

void Check(const std::vector<float>& angles, const Settings& settings) {
  const Rows rows(angles, settings);
  for (int i = 0; i < rotary::SupportedTargets(); ++i) {
    const std::string name = rotary::TargetName(rotary::SupportedTarget(i));
    CAPTURE(name);
    rows.Check(rotary::SupportedTarget(i));
  }
}

// Of every magnitude up to 2^40, both signs; special ones; the f32 that are
// nearest to multiples of pi / 2 of those of their ulp.
std::vector<float> SomeAngles(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> angles = {0.0f,       -0.0f,   0x1p-149f,  -0x1p-149f,
                               0x1p-126f,  1e-20f,  1e-4f,      -1e-3f,
                               0.5f,       -1.0f,   1.5707964f, 3.1415927f,
                               -4.712389f, 0x1p40f, -0x1p40f,   0x1.fffffep39f};
  for (int exponent = -40; exponent <= 16; ++exponent) {
    for (const double m :
         NearQuarterTurns(std::ldexp(1.0, exponent), 1, 0x1p24)) {
      angles.push_back(static_cast<float>(std::ldexp(m, exponent)));
      angles.push_back(-angles.back());
    }
  }
  for (int64_t i = 0; i < count; ++i) {
    angles.push_back(
        std::ldexp(random.Float(), static_cast<int>(random.Integer(-30, 36))));
  }
  return angles;
}

}  // namespace

TEST_CASE("cos and sin of f32 angles: every magnitude") {
  Check(SomeAngles(Effort<int64_t>(20000, 300000), 1), {1, 1, rotary::kF32});
}

TEST_CASE("cos and sin of f32 angles: factors and rounding") {
  uint64_t seed = 2;
  for (const auto rounding : {rotary::kF32, rotary::kF16, rotary::kBF16}) {
    // The last are half way between two bf16 or f16, as then is the cos of 0.
    for (const float cos_factor : {1.0f, -1.0f, 1.1386294f, 0x1p-20f, 0x1.01p0f,
                                   -0x1.03p0f, 0x1.002p0f, 0x1.006p0f}) {
      for (const float sin_factor : {1.0f, -1.0f, -1.1386294f, 700.1f}) {
        CAPTURE(rounding);
        CAPTURE(cos_factor);
        CAPTURE(sin_factor);
        Check(SomeAngles(Effort<int64_t>(150, 5000), seed++),
              {cos_factor, sin_factor, rounding});
      }
    }
  }
}

// Every theta is the position.
TEST_CASE("ggml's rows: only those that are to be made") {
  std::vector<float> ones(kPairs, 1.0f);
  std::vector<float> mixes(kPairs, 0.0f);
  std::vector<uint8_t> axes(kPairs, 0);
  axes[0] = rotary::kGgmlBegins;
  const rotary::GgmlPairs pairs = {ones.data(), ones.data(), mixes.data(),
                                   axes.data(), false,       1.0f};
  constexpr int64_t kRows = rotary::kCompatibleRows;
  std::vector<double> positions(kRows);
  for (int64_t r = 0; r < kRows; ++r) {
    positions[static_cast<size_t>(r)] = static_cast<double>(r + 1);
  }
  for (int i = 0; i < rotary::SupportedTargets(); ++i) {
    for (int64_t count = 0; count <= kRows; ++count) {
      for (const uint32_t made : {0xFFFFu, 0x5555u, 0xAAAAu, 0xB6DBu, 0u}) {
        CAPTURE(count);
        CAPTURE(made);
        std::vector<float> cos((kRows + 1) * kRowStride, kUnwritten);
        std::vector<float> sin = cos;
        std::vector<uint8_t> states(kRows + 1, rotary::kRotated);
        for (size_t r = 0; r < kRows; ++r) {
          if ((made >> r & 1) == 0) states[r] = rotary::kCopied;
        }
        rotary::CompatibleRowsJob job = {};
        job.ggml = &pairs;
        job.axes = 1;
        job.positions = positions.data();
        job.count = count;
        job.pair_count = kPairs;
        job.cos_factor = job.sin_factor = 1;
        job.cos = cos.data();
        job.sin = sin.data();
        job.row_stride = kRowStride;
        job.rotates = states.data();
        rotary::kMakeCompatibleRows[rotary::SupportedTarget(i)](job);
        int64_t wrong = 0;
        for (int64_t r = 0; r <= kRows; ++r) {
          const bool is_made =
              r < count && states[static_cast<size_t>(r)] == rotary::kRotated;
          for (int64_t k = 0; k < kRowStride; ++k) {
            const size_t at = static_cast<size_t>(r * kRowStride + k);
            const double angle = static_cast<double>(r + 1);
            const bool written = is_made && k < kPairs;
            wrong += cos[at] != (written ? static_cast<float>(std::cos(angle))
                                         : kUnwritten);
            wrong += sin[at] != (written ? static_cast<float>(std::sin(angle))
                                         : kUnwritten);
          }
        }
        CHECK_EQ(wrong, 0);
      }
    }
  }
}

}  // namespace rotary_test
