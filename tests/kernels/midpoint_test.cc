// What rows of f32 tell about the f64 before them: angles whose cos or sin is
// so little beside the middle of two f32 that an error of that size in f64
// makes the rounding go to the other one.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

#include "tests/kernels/angle_run.h"
#include "tests/support/effort.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// The middle of two f32 within [low, 1).
double Midpoint(Random* random, double low) {
  const auto steps = static_cast<int64_t>((1 - low) * 0x1p24);
  return 1 - (static_cast<double>(random->Integer(1, steps)) - 0.5) * 0x1p-24;
}

// What cos in f64 is within: 2^-43.87 of its polynomial, and roundings.
constexpr double kError = 0x1.6ap-44;

void CheckRounded(AngleRun* run) {
  run->Run();
  Deviation deviation;
  run->AddTo(&deviation);
  CHECK_EQ(deviation.misrounded(), 0);
}

}  // namespace

TEST_CASE("angle rows: cos and sin in f64 are good to 2^-43.5") {
  Random random(1);
  for (int64_t i = 0; i < Effort<int64_t>(60, 3000); ++i) {
    // Angles of two f64: on an axis each.
    AngleRun run(2, 1, 6);
    run.Position(0, 0) = run.Position(1, 0) = 1;
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      const double offset = pair % 2 == 0 ? kError : -kError;
      Mp angle(Midpoint(&random, 0.5));
      mpfr_add_d(angle.get(), angle.get(), offset, MPFR_RNDN);
      if (pair % 4 < 2) {
        mpfr_asin(angle.get(), angle.get(), MPFR_RNDN);
      } else {
        mpfr_acos(angle.get(), angle.get(), MPFR_RNDN);
      }
      // In some other half turn, of either sign.
      const int64_t limit = int64_t{1} << random.Integer(0, 36);
      Mp pi;
      mpfr_const_pi(pi.get(), MPFR_RNDN);
      mpfr_mul_si(pi.get(), pi.get(), random.Integer(-limit, limit), MPFR_RNDN);
      mpfr_add(angle.get(), angle.get(), pi.get(), MPFR_RNDN);
      const double high = mpfr_get_d(angle.get(), MPFR_RNDN);
      mpfr_sub_d(angle.get(), angle.get(), high, MPFR_RNDN);
      run.InvFreq(0, pair) = high;
      run.InvFreq(1, pair) = mpfr_get_d(angle.get(), MPFR_RNDN);
    }
    CheckRounded(&run);
  }
}

TEST_CASE("angle rows: powers in f64 are good to 2^-49") {
  Random random(2);
  for (int64_t i = 0; i < Effort<int64_t>(60, 3000); ++i) {
    // The power is 1, the angle 0: cos is 2^x.
    AngleRun run(1, 1, 6);
    run.Position(0, 0) = 1;
    run.power_scale = 1;
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      const double offset = pair % 2 == 0 ? 0x1p-49 : -0x1p-49;
      Mp x(Midpoint(&random, 0.5) * (1 + offset));
      mpfr_log2(x.get(), x.get(), MPFR_RNDN);
      run.powers.push_back(mpfr_get_d(x.get(), MPFR_RNDN));
    }
    CheckRounded(&run);
  }
}

TEST_CASE("angle rows: so are powers whose product is no f64") {
  constexpr int kFactor = 61;
  Random random(3);
  for (int64_t i = 0; i < Effort<int64_t>(60, 3000); ++i) {
    AngleRun run(1, 1, 6);
    run.Position(0, 0) = kFactor;
    run.power_scale = 1;
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      // Steps of x move the product by about 2^-47 at most, so that one of two
      // neighbors is far enough from the middle, and near.
      const Mp middle(Midpoint(&random, 0.5) * 0x1p-100);
      Mp x;
      mpfr_log2(x.get(), middle.get(), MPFR_RNDN);
      mpfr_div_ui(x.get(), x.get(), kFactor, MPFR_RNDN);
      double nearest = mpfr_get_d(x.get(), MPFR_RNDN);
      Mp power(nearest);
      mpfr_mul_ui(power.get(), power.get(), kFactor, MPFR_RNDN);
      mpfr_exp2(power.get(), power.get(), MPFR_RNDN);
      mpfr_div(power.get(), power.get(), middle.get(), MPFR_RNDN);
      mpfr_sub_ui(power.get(), power.get(), 1, MPFR_RNDN);
      if (std::fabs(mpfr_get_d(power.get(), MPFR_RNDN)) < 0x1p-49) {
        nearest = std::nextafter(nearest, 0.0);
      }
      run.powers.push_back(nearest);
    }
    CheckRounded(&run);
  }
}

}  // namespace rotary_test
