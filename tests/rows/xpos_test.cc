// Rows of xPos against MPFR, and what they are for: products of queries and
// keys that depend on their distance alone.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <vector>

#include "tests/rows/axis_rows.h"
#include "tests/rows/row_check.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

struct XposModel {
  int64_t rotary_dim = 80;
  rotary_xpos role = ROTARY_XPOS_QUERY;
  double scale_base = 512;
  double center = 0;
  double gain = 1;

  Embedding Make() const {
    rotary_embedding_config config = MakeConfig(rotary_dim);
    config.gain = gain;
    config.xpos = role;
    config.xpos_scale_base = scale_base;
    config.xpos_center = center;
    return Create(config);
  }
};

// What the row of a position is multiplied by: z^((p - center) / scale_base),
// or its inverse; the gain, or its inverse; by the mode.
void TrueScale(const XposModel& model, rotary_mode mode, int64_t pair,
               double position, Mp* scale) {
  Mp exponent(position);
  if (mode != ROTARY_SHIFT) {
    mpfr_sub_d(exponent.get(), exponent.get(), model.center, MPFR_RNDN);
  }
  mpfr_div_d(exponent.get(), exponent.get(), model.scale_base, MPFR_RNDN);
  if (model.role == ROTARY_XPOS_KEY) {
    mpfr_neg(exponent.get(), exponent.get(), MPFR_RNDN);
  }
  if (mode == ROTARY_INVERSE) {
    mpfr_neg(exponent.get(), exponent.get(), MPFR_RNDN);
  }
  // (2 i + 0.4 d) / (1.4 d), times 5.
  mpfr_set_si(scale->get(), 10 * pair + 2 * model.rotary_dim, MPFR_RNDN);
  mpfr_div_si(scale->get(), scale->get(), 7 * model.rotary_dim, MPFR_RNDN);
  mpfr_pow(scale->get(), scale->get(), exponent.get(), MPFR_RNDN);
  if (mode == ROTARY_FORWARD) {
    mpfr_mul_d(scale->get(), scale->get(), model.gain, MPFR_RNDN);
  } else if (mode == ROTARY_INVERSE) {
    mpfr_div_d(scale->get(), scale->get(), model.gain, MPFR_RNDN);
  }
}

// The scale is computed to better than 2^-43 of itself (2^-53 for each of the
// five roundings up to the exponent of 2, which is at most 126): much less than
// the half ulp of f32 that is left.  So the bound is that of all rows, times
// the scale.
void CheckRows(const XposModel& model, rotary_dtype dtype,
               const std::vector<double>& positions, rotary_mode mode) {
  const Embedding embedding = model.Make();
  const PositionData data(dtype, positions);
  const RowValues rows =
      RowsOf(embedding.get(), PositionsOf(data),
             static_cast<int64_t>(positions.size()), {mode, 0});
  ErrorCount errors;
  AddErrors(embedding.get(), positions, rows, &errors, mode,
            [&](double position, int64_t pair, Mp* scale) {
              TrueScale(model, mode, pair, position, scale);
            });
  CHECK(errors.count() > 0);
  CHECK(errors.violations() == 0);
}

TEST_CASE("xPos: roles, modes, gains and centers") {
  const std::vector<double> positions = {0,    1,    -1,    7,     512,
                                         -513, 4097, -4099, 30000, -30000};
  for (const rotary_xpos role : {ROTARY_XPOS_QUERY, ROTARY_XPOS_KEY}) {
    for (const rotary_mode mode :
         {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
      for (const double gain : {1.0, 1.3}) {
        CAPTURE(role);
        CAPTURE(mode);
        CAPTURE(gain);
        CheckRows({80, role, 512, 0, gain}, ROTARY_I64, positions, mode);
        CheckRows({80, role, 600.5, 2048.25, gain}, ROTARY_I64, positions,
                  mode);
        CheckRows({10, role, 512, -100.5, gain}, ROTARY_F64,
                  {0.5, -1.0 / 3, 1e-30, 12345.678, -4000.1}, mode);
      }
    }
  }
}

TEST_CASE("xPos: shifts are as far from 0 as positions from the center") {
  const std::vector<double> shifts = {0, 1, -1, 20000, -20000};
  for (const double center : {1e6, -2e9}) {
    const XposModel model = {16, ROTARY_XPOS_KEY, 512, center, 1};
    CheckRows(model, ROTARY_I64, shifts, ROTARY_SHIFT);
    std::vector<double> positions = shifts;
    for (double& position : positions) position += center;
    CheckRows(model, ROTARY_I64, positions, ROTARY_FORWARD);
    const Embedding embedding = model.Make();
    const PositionData data(ROTARY_I64, positions);
    const rotary_positions ids = PositionsOf(data);
    rotary_rows* made = nullptr;
    REQUIRE(rotary_rows_create(embedding.get(), 5, &made, nullptr) ==
            ROTARY_OK);
    const Rows rows(made);
    const rotary_rows_args args =
        MakeRowsArgs(embedding.get(), &ids, 5, ROTARY_SHIFT);
    CHECK(rotary_rows_set(made, &args, nullptr) == ROTARY_ERROR_POSITION);
  }
}

struct Complex {
  double re;
  double im;
};

Complex At(const RowValues& rows, int64_t row, int64_t pair) {
  return {static_cast<double>(rows.Cos(row)[pair]),
          static_cast<double>(rows.Sin(row)[pair])};
}

Complex Times(Complex a, Complex b) {
  return {a.re * b.re - a.im * b.im, a.re * b.im + a.im * b.re};
}

double Size(Complex a) { return std::hypot(a.re, a.im); }

double Apart(Complex a, Complex b) {
  return std::hypot(a.re - b.re, a.im - b.im);
}

// Of a product of two rows, each of whose parts is rounded to f32: 2^-24 of
// itself, so the whole at most that of its size.
constexpr double kProduct = 0x1p-22;

TEST_CASE("xPos: inverse and shift do what they are for") {
  const std::vector<int64_t> from = {0, 5, -77, 3000, 20000};
  const std::vector<int64_t> shift = {0, 9, 200, -4100, -21000};
  std::vector<int64_t> to = from;
  for (size_t i = 0; i < to.size(); ++i) to[i] += shift[i];
  for (const rotary_xpos role : {ROTARY_XPOS_QUERY, ROTARY_XPOS_KEY}) {
    const Embedding embedding = XposModel{32, role, 512, 99.5, 1.7}.Make();
    const auto made = [&](const std::vector<int64_t>& positions,
                          rotary_mode mode) {
      return ReadRows(MakeRows(embedding.get(), positions, mode).get());
    };
    const RowValues before = made(from, ROTARY_FORWARD);
    const RowValues after = made(to, ROTARY_FORWARD);
    const RowValues back = made(from, ROTARY_INVERSE);
    const RowValues by = made(shift, ROTARY_SHIFT);
    for (int64_t t = 0; t < 5; ++t) {
      for (int64_t i = 0; i < before.pairs; ++i) {
        const Complex turned = At(before, t, i);
        CHECK(Apart(Times(turned, At(back, t, i)), {1, 0}) <= kProduct);
        const Complex moved = Times(turned, At(by, t, i));
        CHECK(Apart(moved, At(after, t, i)) <= kProduct * Size(moved));
      }
    }
  }
}

TEST_CASE("xPos: a key has the inverse gain of a query") {
  for (const double gain : {1.0, 3.0}) {
    const Embedding query =
        XposModel{64, ROTARY_XPOS_QUERY, 512, 7, gain}.Make();
    const Embedding key = XposModel{64, ROTARY_XPOS_KEY, 512, 7, gain}.Make();
    const std::vector<int64_t> positions = {7, 0, 8, -3000, 9000};
    const RowValues q = ReadRows(MakeRows(query.get(), positions).get());
    const RowValues k = ReadRows(MakeRows(key.get(), positions).get());
    for (int64_t t = 0; t < 5; ++t) {
      for (int64_t i = 0; i < q.pairs; ++i) {
        const double product = Size(At(q, t, i)) * Size(At(k, t, i));
        CHECK(std::fabs(product / (gain * gain) - 1) <= kProduct);
      }
    }
  }
}

// Each output is within 2^-23 (|a cos| + |b sin|) of its true value, and a row
// within 2^-23 of its own: four such errors in each of a pair's products.
TEST_CASE("xPos: rotated queries times keys depend on the distance") {
  constexpr int64_t kDim = 64;
  const Embedding query = XposModel{kDim, ROTARY_XPOS_QUERY, 512, 3, 1}.Make();
  const Embedding key = XposModel{kDim, ROTARY_XPOS_KEY, 512, 3, 1}.Make();
  Random random(77);
  std::vector<float> q(kDim), k(kDim);
  for (float& value : q) value = random.Float();
  for (float& value : k) value = random.Float();
  const auto rotated = [&](const Embedding& embedding, int64_t position,
                           std::vector<float> head) {
    REQUIRE(rotary_apply_qk(embedding.get(), &position, ROTARY_I64, 1,
                            ROTARY_F32, ROTARY_INTERLEAVED, kDim, head.data(),
                            1, ROTARY_DENSE, ROTARY_DENSE, nullptr, 0,
                            ROTARY_DENSE, ROTARY_DENSE, 1,
                            nullptr) == ROTARY_OK);
    return head;
  };
  for (const int64_t distance : {0, 1, 300, -200}) {
    double first = 0;
    for (const int64_t at : {0, -5000, 1234, 20000}) {
      const std::vector<float> a = rotated(query, at + distance, q);
      const std::vector<float> b = rotated(key, at, k);
      double product = 0;
      double tolerance = 0;
      for (size_t i = 0; i < kDim; i += 2) {
        const Complex x = {static_cast<double>(a[i]),
                           static_cast<double>(a[i + 1])};
        const Complex y = {static_cast<double>(b[i]),
                           static_cast<double>(b[i + 1])};
        product += x.re * y.re + x.im * y.im;
        tolerance += 16 * 0x1p-23 * Size(x) * Size(y);
      }
      if (at == 0) first = product;
      CHECK(std::fabs(product - first) <= tolerance);
    }
  }
}

}  // namespace
}  // namespace rotary_test
