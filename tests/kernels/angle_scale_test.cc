// What the kernel AngleRows multiplies cos and sin by, against MPFR: factors of
// every sign and size, and powers of two that grow with position and pair.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <utility>
#include <vector>

#include "tests/kernels/angle_run.h"
#include "tests/support/effort.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

double Unit(Random* random) {
  return static_cast<double>(random->Bits() >> 11) * 0x1p-53;
}

// Positions that are no whole numbers, and angles of every size.
AngleRun RandomRun(int64_t axes, int64_t count, Random* random) {
  AngleRun run(axes, count, 2);
  for (int64_t axis = 0; axis < axes; ++axis) {
    for (int64_t row = 0; row < count; ++row) {
      run.Position(axis, row) = 4000 * Unit(random) - 1000;
    }
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      run.InvFreq(axis, pair) =
          std::ldexp(Unit(random), static_cast<int>(random->Integer(-20, 3)));
    }
  }
  return run;
}

}  // namespace

TEST_CASE("angle rows: factors") {
  Random random(1);
  // The last ones make subnormal rows, or such that nearly overflow.
  for (const auto& factors : std::vector<std::pair<double, double>>{
           {1, 1},
           {1, -1},
           {-1, 1},
           {-1, -1},
           {1.138629436, 1.138629436},
           {1.138629436, -1.138629436},
           {1, 0.75},
           {1, -0.75},
           {-3, 1},
           {1.0 / 3, 2.0 / 3},
           {0x1p-126, -0x1p-126},
           {0x1.fffffep127, -0x1.fffffep126}}) {
    CAPTURE(factors.first);
    CAPTURE(factors.second);
    AngleRun run = RandomRun(1, Effort(5, 100), &random);
    run.cos_factor = factors.first;
    run.sin_factor = factors.second;
    run.Run();
    Deviation deviation;
    run.AddTo(&deviation);
    CHECK_EQ(deviation.violations(), 0);
    CHECK_EQ(deviation.misrounded(), 0);
  }
}

TEST_CASE("angle rows: powers") {
  Random random(2);
  Deviation deviation;
  for (int i = 0; i < Effort(30, 1000); ++i) {
    AngleRun run = RandomRun(1 + i % 3, 6, &random);
    run.power_origin = i % 4 == 0 ? 0 : 100 * Unit(&random);
    // |power * x| up to 130.
    run.power_scale = (i % 2 == 0 ? 1 : -1) * (i % 5 == 0 ? 0.03 : 0.001);
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      run.powers.push_back(2.8 * Unit(&random) - 1.4);
    }
    if (i % 3 == 0) run.cos_factor = 1.25, run.sin_factor = -1.25;
    run.Run();
    run.AddTo(&deviation);
  }
  MESSAGE("powers: " << deviation.count() << " values, beyond half an ulp "
                     << deviation.worst() << " of what is allowed, "
                     << deviation.misrounded() << " misrounded");
  CHECK_EQ(deviation.violations(), 0);
  CHECK_EQ(deviation.misrounded(), 0);
}

TEST_CASE("angle rows: whole and halved powers, and the limits") {
  AngleRun run(1, 5, 1);
  run.power_scale = 1.0 / 16;
  run.power_origin = 8;
  const std::vector<double> positions = {8, 8.5, 24, 8 + 16 * 65.0,
                                         8 - 16 * 65.0};
  // With a scale of 1/16 at positions 0, 1/2, 16 and 1040 from the origin:
  // powers of 0, x / 32, x, 65 x and -65 x.
  const std::vector<double> x = {0,  1,    -1,   2,   -2, 0.5, -0.5, 16,
                                 30, -1.9, 1.99, 1.5, 1,  -0., 1e-9, -1e-300};
  for (int64_t row = 0; row < run.count(); ++row) {
    run.Position(0, row) = positions[static_cast<size_t>(row)];
  }
  for (int64_t pair = 0; pair < run.pairs(); ++pair) {
    const double value = x[static_cast<size_t>(pair)];
    run.powers.push_back(std::fabs(value) > 2 ? 2 : value);
  }
  // With angles of 0 cos is the power, and 65 x overflows and underflows.
  run.Run();
  for (int64_t row = 0; row < run.count(); ++row) {
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      CAPTURE(row);
      CAPTURE(pair);
      const double power = (run.Position(0, row) - 8) / 16 *
                           run.powers[static_cast<size_t>(pair)];
      CHECK_EQ(std::fabs(run.Sin(row, pair)), 0.0f);
      if (power != std::floor(power)) continue;
      // Whole powers are exact.
      const double truth = std::ldexp(1.0, static_cast<int>(power));
      CHECK_EQ(run.Cos(row, pair), power >= 128
                                       ? std::numeric_limits<float>::infinity()
                                       : static_cast<float>(truth));
    }
  }
  Deviation deviation;
  run.AddTo(&deviation);
  CHECK_EQ(deviation.violations(), 0);
}

TEST_CASE("angle rows: a power of 0 changes nothing") {
  Random random(3);
  AngleRun run = RandomRun(2, 6, &random);
  run.Run();
  AngleRun with_powers = run;
  with_powers.power_scale = 0.125;
  with_powers.powers.assign(static_cast<size_t>(run.pairs()), 0.0);
  with_powers.Run();
  int64_t different = 0;
  for (int64_t row = 0; row < run.count(); ++row) {
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      if (run.Cos(row, pair) != with_powers.Cos(row, pair)) ++different;
      if (run.Sin(row, pair) != with_powers.Sin(row, pair)) ++different;
    }
  }
  CHECK_EQ(different, 0);
}

}  // namespace rotary_test
