// The job, its checks and its truth of angle_run.h.
#include "tests/kernels/angle_run.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <string>

#include "lib/kernels/target.h"

namespace rotary_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr float kUnwritten = 77.0f;
constexpr uint8_t kNoState = 99;

bool SameBits(const std::vector<float>& a, const std::vector<float>& b) {
  if (a.size() != b.size()) return false;
  return a.empty() ||
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace

AngleRun::AngleRun(int64_t axes, int64_t count, int64_t groups)
    : axes_(axes),
      count_(count),
      pairs_(groups * rotary::kPairPadding),
      // What must not be read spoils the row.
      inv_freq_(static_cast<size_t>(axes * axis_stride()), kNan),
      positions_(static_cast<size_t>(axes * position_stride()), kNan) {
  for (int64_t axis = 0; axis < axes; ++axis) {
    for (int64_t pair = 0; pair < pairs_; ++pair) InvFreq(axis, pair) = 0;
    for (int64_t row = 0; row < count; ++row) Position(axis, row) = 0;
  }
}

bool AngleRun::HasPosition(int64_t row) {
  for (int64_t axis = 0; axis < axes_; ++axis) {
    if (std::isnan(Position(axis, row))) return false;
  }
  return true;
}

bool AngleRun::IsSummed() {
  for (int64_t pair = 0; pair < pairs_; ++pair) {
    int64_t axes = 0;
    for (int64_t a = 0; a < axes_; ++a) axes += InvFreq(a, pair) != 0 ? 1 : 0;
    if (axes > 1) return true;
  }
  return false;
}

void AngleRun::Run() {
  RunOnTargets(true);
  if (IsSummed()) return;
  const std::vector<float> cos = cos_;
  const std::vector<float> sin = sin_;
  RunOnTargets(false);
  CHECK(SameBits(cos, cos_));
  CHECK(SameBits(sin, sin_));
}

void AngleRun::RunOnTargets(bool summed) {
  std::vector<uint8_t> group_axes;
  for (int64_t group = 0; group < pairs_; group += rotary::kPairPadding) {
    unsigned bits = 0;
    for (int64_t axis = 0; axis < axes_; ++axis) {
      for (int64_t i = 0; i < rotary::kPairPadding; ++i) {
        if (InvFreq(axis, group + i) != 0) bits |= 1u << axis;
      }
    }
    group_axes.push_back(static_cast<uint8_t>(bits));
  }
  const size_t size = At(count_, 0);
  for (int i = 0; i < rotary::SupportedTargets(); ++i) {
    const rotary::Target target = rotary::SupportedTarget(i);
    const std::string name = rotary::TargetName(target);
    CAPTURE(name);
    std::vector<float> cos(size, kUnwritten);
    std::vector<float> sin(size, kUnwritten);
    std::vector<uint8_t> rotates(static_cast<size_t>(count_) + 1, kNoState);
    rotary::AngleRowsJob job;
    job.inv_freq = inv_freq_.data();
    job.axis_stride = axis_stride();
    job.group_axes = group_axes.data();
    job.summed = summed;
    job.axes = axes_;
    job.positions = positions_.data();
    job.position_stride = position_stride();
    job.count = count_;
    job.pair_count = pairs_;
    job.powers = powers.empty() ? nullptr : powers.data();
    job.power_scale = power_scale;
    job.power_origin = power_origin;
    job.cos_factor = cos_factor;
    job.sin_factor = sin_factor;
    job.cos = cos.data();
    job.sin = sin.data();
    job.row_stride = row_stride();
    job.rotates = rotates.data();
    rotary::kAngleRows[target](job);

    CheckUntouched(cos);
    CheckUntouched(sin);
    CHECK_EQ(rotates.back(), kNoState);
    for (int64_t row = 0; row < count_; ++row) {
      CHECK_EQ(rotates[static_cast<size_t>(row)],
               HasPosition(row) ? rotary::kRotated : rotary::kCopied);
    }
    if (i == 0) {
      cos_ = cos, sin_ = sin;
    } else {
      CHECK(SameBits(cos, cos_));
      CHECK(SameBits(sin, sin_));
    }
  }
}

void AngleRun::CheckUntouched(const std::vector<float>& values) {
  int64_t touched = 0;
  for (int64_t row = 0; row < count_; ++row) {
    const int64_t from = HasPosition(row) ? pairs_ : 0;
    for (int64_t i = from; i < row_stride(); ++i) {
      if (values[At(row, i)] != kUnwritten) ++touched;
    }
  }
  CHECK_EQ(touched, 0);
}

void AngleRun::SetAngle(int64_t row, int64_t pair, Mp* angle) {
  mpfr_set_zero(angle->get(), 1);
  for (int64_t axis = 0; axis < axes_; ++axis) {
    Mp product(Position(axis, row));
    mpfr_mul_d(product.get(), product.get(), InvFreq(axis, pair), MPFR_RNDN);
    mpfr_add(angle->get(), angle->get(), product.get(), MPFR_RNDN);
  }
}

void AngleRun::AddTo(Deviation* deviation) {
  Mp angle, cos, sin;
  for (int64_t row = 0; row < count_; ++row) {
    if (!HasPosition(row)) continue;
    for (int64_t pair = 0; pair < pairs_; ++pair) {
      SetAngle(row, pair, &angle);
      mpfr_sin_cos(sin.get(), cos.get(), angle.get(), MPFR_RNDN);
      Mp power(Position(0, row));
      if (powers.empty()) {
        mpfr_set_ui(power.get(), 1, MPFR_RNDN);
      } else {
        const double x = powers[static_cast<size_t>(pair)];
        mpfr_sub_d(power.get(), power.get(), power_origin, MPFR_RNDN);
        mpfr_mul_d(power.get(), power.get(), power_scale, MPFR_RNDN);
        mpfr_mul_d(power.get(), power.get(), x, MPFR_RNDN);
        mpfr_exp2(power.get(), power.get(), MPFR_RNDN);
      }
      const double scale = mpfr_get_d(power.get(), MPFR_RNDN);
      const auto add = [&](float got, double factor, Mp* value) {
        mpfr_mul(value->get(), value->get(), power.get(), MPFR_RNDN);
        mpfr_mul_d(value->get(), value->get(), factor, MPFR_RNDN);
        const double more = std::fabs(factor) * scale * 0x1p-50;
        const double truth = std::fabs(mpfr_get_d(value->get(), MPFR_RNDN));
        deviation->Add(got, *value, more + truth * 0x1p-43);
      };
      add(Cos(row, pair), cos_factor, &cos);
      add(Sin(row, pair), sin_factor, &sin);
    }
  }
}

}  // namespace rotary_test
