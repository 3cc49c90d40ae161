// The kernel AngleRows against MPFR: angles of every size, near multiples of
// pi / 2, tiny ones, sums over axes that cancel, rows without a position.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/kernels/angle_run.h"
#include "tests/support/effort.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kLargest = 0x1p40;

// Of random sign and significand, in magnitude within [2^low, 2^(high + 1)).
double RandomNumber(Random* random, int low, int high) {
  const double significand =
      1.0 + static_cast<double>(random->Bits() >> 12) * 0x1p-52;
  const double number =
      std::ldexp(significand, static_cast<int>(random->Integer(low, high)));
  return (random->Bits() & 1) != 0 ? -number : number;
}

void Report(const std::string& what, const Deviation& deviation) {
  MESSAGE(what << ": " << deviation.count() << " values, beyond half an ulp "
               << deviation.worst() << " of what is allowed, "
               << deviation.misrounded() << " misrounded");
}

}  // namespace

TEST_CASE("angle rows: angles of every size") {
  Deviation deviation;
  Random random(1);
  for (int64_t i = 0; i < Effort<int64_t>(30, 1000); ++i) {
    AngleRun run(1, 10, 3);
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      run.InvFreq(0, pair) = RandomNumber(&random, -20, 9);
    }
    for (int64_t row = 0; row < run.count(); ++row) {
      run.Position(0, row) = RandomNumber(&random, -20, 29);
    }
    run.Run();
    run.AddTo(&deviation);
  }
  Report("every size", deviation);
  CHECK_EQ(deviation.violations(), 0);
  // The f64 before the last rounding is good to 2^-43, so that rounding goes
  // wrong once in some 2^18 values.
  CHECK_EQ(deviation.misrounded(), 0);
}

TEST_CASE("angle rows: nearest to multiples of pi / 2") {
  Deviation deviation;
  Random random(2);
  // Numbers of f64 that are nearer than any smaller of the same ulp.
  std::vector<double> angles;
  for (int exponent = -60; exponent <= 20; ++exponent) {
    for (const double m :
         NearQuarterTurns(std::ldexp(1.0, exponent), 0x1p20, 0x1p53)) {
      const double angle = std::ldexp(m, exponent);
      if (angle <= kLargest) angles.push_back(angle);
    }
  }
  // And the f64 next to multiples, small and large ones, with the f64 beside.
  for (int64_t i = 0; i < 2000; ++i) {
    const int64_t k = i < 200 ? i : int64_t{1} << random.Integer(1, 38);
    const double angle = QuarterTurns(k + (i < 200 ? 0 : random.Integer(0, k)));
    angles.push_back(angle);
    angles.push_back(std::nextafter(angle, i % 2 == 0 ? 0 : kLargest));
  }
  REQUIRE_GT(angles.size(), 4500);
  // Rows of 64 of them, at positions that leave angles as they are, and at
  // others, the product with which is near but not an f64.
  for (size_t from = 0; from < angles.size(); from += 64) {
    AngleRun run(1, 3, 4);
    const double position = RandomNumber(&random, -30, 30);
    run.Position(0, 0) = 1;
    run.Position(0, 1) = -0.5;
    run.Position(0, 2) = position;
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      const double angle =
          angles[(from + static_cast<size_t>(pair)) % angles.size()];
      run.InvFreq(0, pair) = from % 128 == 0 ? angle : angle / position;
    }
    if (from % 128 == 0) {
      run.Position(0, 2) = -1;
    } else {
      run.Position(0, 0) = position;
      run.Position(0, 1) = -position;
    }
    run.Run();
    run.AddTo(&deviation);
  }
  Report("nearest to multiples", deviation);
  CHECK_EQ(deviation.violations(), 0);
  // Some value is so small that it shows what the kernel's pi / 2 of two f64
  // lacks, 2^-109, times 2^40, and the rounding of the products with the
  // second, 2^-68 each.
  CHECK_GT(deviation.worst(), 0.0);
  CHECK_LE(deviation.worst(), 0x1p-16);
}

TEST_CASE("angle rows: zeros, tiny angles, and signs") {
  const std::vector<double> angles = {
      0.0,    1e-300, 5e-324, 0x1p-149, 0x1p-126, 1e-30, 1e-17, 0x1p-60,
      1.5e-9, 3e-5,   0.7,    2.0,      3.5,      5.5,   1e6,   0x1p40};
  for (const double sin_factor : {1.0, -1.0}) {
    CAPTURE(sin_factor);
    AngleRun run(1, 3, 1);
    run.sin_factor = sin_factor;
    run.Position(0, 0) = 1;
    run.Position(0, 1) = -1;
    run.Position(0, 2) = -0.0;
    for (int64_t i = 0; i < run.pairs(); ++i) {
      run.InvFreq(0, i) = angles[static_cast<size_t>(i)];
    }
    run.Run();
    for (int64_t i = 0; i < run.pairs(); ++i) {
      CAPTURE(i);
      const double angle = angles[static_cast<size_t>(i)];
      // cos is even, sin is odd, zeros included.
      CHECK_EQ(run.Cos(0, i), run.Cos(1, i));
      CHECK_EQ(BitsFromFloat(run.Sin(0, i)), BitsFromFloat(-run.Sin(1, i)));
      CHECK_EQ(run.Cos(2, i), 1.0f);
      CHECK_EQ(BitsFromFloat(run.Sin(2, i)),
               BitsFromFloat(static_cast<float>(-0.0 * sin_factor)));
      if (angle > 1e-9) continue;
      CHECK_EQ(run.Cos(0, i), 1.0f);
      CHECK_EQ(BitsFromFloat(run.Sin(0, i)),
               BitsFromFloat(static_cast<float>(angle * sin_factor)));
    }
    Deviation deviation;
    run.AddTo(&deviation);
    CHECK_EQ(deviation.violations(), 0);
  }
}

TEST_CASE("angle rows: one to eight axes") {
  Deviation deviation;
  Random random(3);
  for (int64_t axes = 1; axes <= 8; ++axes) {
    CAPTURE(axes);
    for (int i = 0; i < Effort(4, 100); ++i) {
      AngleRun run(axes, 5, 4);
      for (int64_t row = 0; row < run.count(); ++row) {
        for (int64_t axis = 0; axis < axes; ++axis) {
          run.Position(axis, row) = RandomNumber(&random, -3, 26);
        }
      }
      for (int64_t pair = 0; pair < run.pairs(); ++pair) {
        // A group that none turns; one turned by few; others by any.
        const int64_t group = pair / rotary::kPairPadding;
        for (int64_t axis = 0; axis < axes; ++axis) {
          const bool turns = group == 1   ? axis == (i + pair % 2) % axes
                             : group == 0 ? i % 2 != 0
                                          : random.Integer(0, 2) != 0;
          if (turns) run.InvFreq(axis, pair) = RandomNumber(&random, -30, 9);
        }
      }
      run.Run();
      run.AddTo(&deviation);
    }
  }
  Report("axes", deviation);
  CHECK_EQ(deviation.violations(), 0);
  CHECK_EQ(deviation.misrounded(), 0);
}

TEST_CASE("angle rows: axes that cancel") {
  // The sum is what is left of the rounding errors of the products: up to
  // 2^-14, nearly 0, or near a multiple of pi / 2.
  Deviation deviation;
  Random random(4);
  for (int64_t i = 0; i < Effort<int64_t>(20, 500); ++i) {
    const int64_t axes = random.Integer(2, 4);
    AngleRun run(axes, 4, 2);
    for (int64_t row = 0; row < run.count(); ++row) {
      for (int64_t axis = 0; axis < axes; ++axis) {
        run.Position(axis, row) =
            row == 0 ? RandomNumber(&random, 0, 8) : run.Position(axis, 0) * 2;
      }
    }
    // The others are not cancelled, and mostly the same multiple.
    run.Position(0, 2) = run.Position(1, 2) = 3;
    for (int64_t pair = 0; pair < run.pairs(); ++pair) {
      run.InvFreq(0, pair) = RandomNumber(&random, -10, 27);
      double rest = run.Position(0, 0) * run.InvFreq(0, pair);
      for (int64_t axis = 2; axis < axes; ++axis) {
        run.InvFreq(axis, pair) = RandomNumber(&random, -20, 10);
        rest += run.Position(axis, 0) * run.InvFreq(axis, pair);
      }
      if (pair % 2 == 0) rest -= QuarterTurns(random.Integer(0, 1000));
      run.InvFreq(1, pair) = -rest / run.Position(1, 0);
    }
    run.Run();
    run.AddTo(&deviation);
  }
  Report("cancelling axes", deviation);
  CHECK_EQ(deviation.violations(), 0);
  CHECK_EQ(deviation.misrounded(), 0);
}

TEST_CASE("angle rows: rows without a position") {
  for (const int64_t axes : {1, 2, 8}) {
    for (const int64_t count : {0, 1, 2, 7}) {
      CAPTURE(axes);
      CAPTURE(count);
      AngleRun run(axes, count, 2);
      for (int64_t pair = 0; pair < run.pairs(); ++pair) {
        run.InvFreq(pair % axes, pair) = 0.5 + static_cast<double>(pair);
      }
      for (int64_t row = 0; row < count; ++row) {
        for (int64_t axis = 0; axis < axes; ++axis) {
          run.Position(axis, row) = static_cast<double>(row + 3 * axis) + 0.25;
        }
        if (row % 3 == 1) run.Position(row % axes, row) = kNan;
        if (row % 3 == 2) run.Position(axes - 1, row) = -kNan;
      }
      run.Run();
      Deviation deviation;
      run.AddTo(&deviation);
      CHECK_EQ(deviation.violations(), 0);
      CHECK_EQ(deviation.count(), (count == 0  ? 0
                                   : count < 4 ? 1
                                               : 3) *
                                      run.pairs() * 2);
    }
  }
}

}  // namespace rotary_test
