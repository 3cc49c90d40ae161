// Rows with log-n scaling, a gain of max(1, ln(p + 1) / ln L), against MPFR.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/rows/axis_rows.h"
#include "tests/rows/row_check.h"

namespace rotary_test {
namespace {

// max(1, ln(p + 1) / ln L), and 1 of negative positions.
void TrueLogN(double position, double length, Mp* gain) {
  mpfr_set_d(gain->get(), 1, MPFR_RNDN);
  if (position <= 0) return;
  Mp trained(length);
  Mp log(position);
  mpfr_log1p(log.get(), log.get(), MPFR_RNDN);
  mpfr_log(trained.get(), trained.get(), MPFR_RNDN);
  mpfr_div(log.get(), log.get(), trained.get(), MPFR_RNDN);
  mpfr_max(gain->get(), gain->get(), log.get(), MPFR_RNDN);
}

// What multiplies the row of a position.
void TrueScale(double position, double length, double gain, rotary_mode mode,
               Mp* scale) {
  mpfr_set_d(scale->get(), 1, MPFR_RNDN);
  if (mode == ROTARY_SHIFT) return;
  TrueLogN(position, length, scale);
  mpfr_mul_d(scale->get(), scale->get(), gain, MPFR_RNDN);
  if (mode == ROTARY_INVERSE) {
    mpfr_ui_div(scale->get(), 1, scale->get(), MPFR_RNDN);
  }
}

// The gain in f64 is within some 2^-51 of itself: the bound is that of all
// rows.
void CheckRows(const Embedding& embedding, rotary_dtype dtype,
               const std::vector<double>& positions, double length,
               rotary_mode mode) {
  const double gain = rotary_embedding_gain(embedding.get());
  const PositionData data(dtype, positions);
  const RowValues rows =
      RowsOf(embedding.get(), PositionsOf(data),
             static_cast<int64_t>(positions.size()), {mode, length});
  ErrorCount errors;
  AddErrors(embedding.get(), positions, rows, &errors, mode,
            [&](double position, int64_t, Mp* scale) {
              TrueScale(position, length, gain, mode, scale);
            });
  CHECK(errors.count() > 0);
  CHECK(errors.violations() == 0);
}

const std::vector<double> kWholePositions = {
    0,    1,     -1,   kNone, 2047,  2048,  2046,  4095,       8191,
    8192, 65535, 1000, kNone, 20000, -5000, 99999, 2147483647, -2147483647};

const std::vector<double> kRealPositions = {
    0.5, -0.5, 2046.5, 2047.5, 1e-300, kNone, 123456.789, -1e9, 0};

TEST_CASE("log-n: gains and modes") {
  for (const double gain : {1.0, 1.37}) {
    for (const double length : {2048.0, 8192.0, 1.5, 1e300}) {
      for (const rotary_mode mode :
           {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
        CAPTURE(gain);
        CAPTURE(length);
        CAPTURE(mode);
        const Embedding embedding = MakeEmbedding(34, 10000, gain);
        CheckRows(embedding, ROTARY_I64, kWholePositions, length, mode);
        CheckRows(embedding, ROTARY_F64, kRealPositions, length, mode);
      }
    }
  }
}

TEST_CASE("log-n is 1 up to its length, and without one") {
  const Embedding embedding = MakeEmbedding(16);
  const std::vector<int64_t> positions = {0, 1, 100, 2047, -3, -100000};
  const rotary_positions ids = PositionsOf(positions);
  const RowValues plain = RowsOf(embedding.get(), ids, 6);
  CHECK(RowsOf(embedding.get(), ids, 6, {ROTARY_FORWARD, 2048}) == plain);
  CHECK(RowsOf(embedding.get(), ids, 6, {ROTARY_FORWARD, 0}) == plain);
  CHECK_FALSE(RowsOf(embedding.get(), ids, 6, {ROTARY_FORWARD, 2047}) == plain);
  const RowValues shift = RowsOf(embedding.get(), ids, 6, {ROTARY_SHIFT, 0});
  CHECK(RowsOf(embedding.get(), ids, 6, {ROTARY_SHIFT, 4}) == shift);
}

TEST_CASE("log-n: each head, and xPos, have it too") {
  rotary_embedding_config config = MakeConfig(8);
  config.heads = 3;
  const std::vector<int64_t> positions = {10, 5000, ROTARY_NO_POSITION_I64, -4,
                                          70000};
  const rotary_positions ids = PositionsOf(positions);
  for (const bool xpos : {false, true}) {
    if (xpos) {
      config.heads = 1;
      config.xpos = ROTARY_XPOS_KEY;
      config.xpos_scale_base = 10000;
    }
    const Embedding embedding = Create(config);
    const RowValues plain = RowsOf(embedding.get(), ids, 5);
    const RowValues scaled =
        RowsOf(embedding.get(), ids, 5, {ROTARY_FORWARD, 4096});
    for (int64_t row = 0; row < 5 * config.heads; ++row) {
      const int64_t position =
          positions[static_cast<size_t>(row / config.heads)];
      const double gain =
          position < 4096
              ? 1.0
              : std::log(static_cast<double>(position + 1)) / std::log(4096.0);
      for (int64_t i = 0; i < plain.pairs; ++i) {
        // Both are rounded once.
        const double cos = gain * static_cast<double>(plain.Cos(row)[i]);
        const double sin = gain * static_cast<double>(plain.Sin(row)[i]);
        CHECK(std::fabs(static_cast<double>(scaled.Cos(row)[i]) - cos) <=
              0x1p-23 * std::fabs(cos));
        CHECK(std::fabs(static_cast<double>(scaled.Sin(row)[i]) - sin) <=
              0x1p-23 * std::fabs(sin));
      }
    }
  }
}

// There cos and sin are rounded to f32, and multiplied by the gain rounded to
// f32, of which the last bit may depend on how it was computed.
TEST_CASE("log-n in compatible arithmetic") {
  for (const rotary_arithmetic arithmetic :
       {ROTARY_COMPATIBLE_HF, ROTARY_COMPATIBLE_GGML}) {
    rotary_embedding_config config = MakeConfig(24);
    config.arithmetic = arithmetic;
    const Embedding unscaled = Create(config);
    config.gain = 1.3;
    const Embedding embedding = Create(config);
    const PositionData data(ROTARY_I64, kWholePositions);
    const rotary_positions ids = PositionsOf(data);
    const auto tokens = static_cast<int64_t>(kWholePositions.size());
    for (const rotary_mode mode :
         {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
      const RowValues plain = RowsOf(unscaled.get(), ids, tokens, {mode, 0});
      const RowValues scaled =
          RowsOf(embedding.get(), ids, tokens, {mode, 2048});
      Agreement agreement;
      Mp scale;
      for (int64_t t = 0; t < tokens; ++t) {
        const double position = kWholePositions[static_cast<size_t>(t)];
        float gain = 1;
        if (!std::isnan(position)) {
          TrueScale(position, 2048, static_cast<double>(1.3f), mode, &scale);
          gain = mpfr_get_flt(scale.get(), MPFR_RNDN);
        }
        for (int64_t i = 0; i < plain.pairs; ++i) {
          agreement.Add(scaled.Cos(t)[i], plain.Cos(t)[i] * gain);
          agreement.Add(scaled.Sin(t)[i], plain.Sin(t)[i] * gain);
        }
      }
      CHECK(agreement.farthest <= 2);
      CHECK(agreement.different <= agreement.count / 20);
    }
  }
}

TEST_CASE("log-n is for one axis, and a length of more than 1") {
  ValidCall call;
  const Embedding& embedding = call.embedding;
  const auto refused = [&](const rotary_embedding* of, double length) {
    Wrong wrong = {"log_n_length"};
    wrong.real_value = length;
    std::vector<int64_t> ids(12, 3);
    const rotary_positions positions = PositionsOf(ids);
    rotary_rows_args args = MakeRowsArgs(of, &positions, 6);
    args.log_n_length = length;
    CheckSetRefused(call, args, wrong);
    call.args.embedding = of;
    call.args.positions = &positions;
    call.args.log_n_length = length;
    CheckApplyRefused(call, wrong);
  };
  for (const double length : {1.0, 0.5, -2048.0, std::nan(""),
                              std::numeric_limits<double>::infinity()}) {
    refused(embedding.get(), length);
  }
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = 2;
  axes.layout = ROTARY_AXES_STRIDED;
  rotary_embedding_config config = MakeConfig(ValidCall::kRotaryDim);
  config.axes = &axes;
  const Embedding several = Create(config);
  refused(several.get(), 2048);
}

}  // namespace
}  // namespace rotary_test
