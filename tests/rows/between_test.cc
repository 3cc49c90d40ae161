// The way from one embedding to another: its numbers, its rows, what a key
// becomes that was rotated by the one, and which ways there are not.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/frequencies/scaled_config.h"
#include "tests/rows/axes_case.h"
#include "tests/rows/axis_rows.h"
#include "tests/rows/row_check.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

Embedding Between(const rotary_embedding* from, const rotary_embedding* to) {
  rotary_embedding* between = nullptr;
  rotary_error error;
  RequireOk(rotary_embedding_between(from, to, &between, &error), error);
  return Embedding(between);
}

// Of `heads` heads and positions on `axes` axes, with random inv_freq.
Embedding MakeGiven(int64_t heads, int64_t axes, int64_t pairs, double gain,
                    Random* random) {
  std::vector<double> inv_freq(static_cast<size_t>(heads * axes * pairs));
  for (double& x : inv_freq) x = RandomReal(random, 1);
  rotary_axes described;
  rotary_axes_init(&described, sizeof(described));
  described.num_axes = axes;
  described.layout = ROTARY_AXES_GIVEN;
  rotary_embedding_config config = MakeConfig(2 * pairs);
  config.inv_freq = inv_freq.data();
  config.axes = &described;
  config.heads = heads;
  config.gain = gain;
  return Create(config);
}

// Behind each other, as positions of axes are.
std::vector<double> Joined(std::vector<double> a,
                           const std::vector<double>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

TEST_CASE("between: the numbers of both, those of the first turned back") {
  Random random(20);
  for (const int64_t heads : {1, 3}) {
    for (const int64_t axes : {1, 2, 4}) {
      CAPTURE(heads);
      CAPTURE(axes);
      constexpr int64_t kPairs = 11;
      const Embedding from = MakeGiven(heads, axes, kPairs, 3, &random);
      const Embedding to = MakeGiven(heads, axes, kPairs, 0.5, &random);
      const Embedding between = Between(from.get(), to.get());
      CHECK(rotary_embedding_rotary_dim(between.get()) == 2 * kPairs);
      CHECK(rotary_embedding_heads(between.get()) == heads);
      CHECK(rotary_embedding_axes(between.get()) == 2 * axes);
      CHECK(rotary_embedding_gain(between.get()) == 0.5 / 3);
      CHECK(rotary_embedding_softmax_multiplier(between.get()) == 1);
      const std::vector<double> a = Matrix(from.get());
      const std::vector<double> b = Matrix(to.get());
      std::vector<double> both;
      for (int64_t h = 0; h < heads; ++h) {
        const auto head = [&](const std::vector<double>& all) {
          return all.begin() + h * axes * kPairs;
        };
        std::transform(head(a), head(a) + axes * kPairs,
                       std::back_inserter(both), std::negate<>());
        both.insert(both.end(), head(b), head(b) + axes * kPairs);
      }
      CHECK(Matrix(between.get()) == both);
    }
  }
}

TEST_CASE("between: rows against MPFR, whole and real positions") {
  Random random(21);
  for (const int64_t heads : {1, 2}) {
    for (const int64_t axes : {1, 3}) {
      CAPTURE(heads);
      CAPTURE(axes);
      const Embedding from = MakeGiven(heads, axes, 19, 1, &random);
      const Embedding to = MakeGiven(heads, axes, 19, 1.5, &random);
      const Embedding between = Between(from.get(), to.get());
      for (const rotary_dtype dtype : {ROTARY_I32, ROTARY_F64}) {
        constexpr int64_t kTokens = 40;
        std::vector<double> positions;
        for (int64_t i = 0; i < 2 * axes * kTokens; ++i) {
          positions.push_back(Representable(dtype, RandomReal(&random, 31)));
        }
        positions[3] = kNone;
        const PositionData data(dtype, positions);
        for (const rotary_mode mode :
             {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
          ErrorCount errors;
          AddErrors(between.get(), positions,
                    RowsOnAllTargets(between.get(), PositionsOf(data), 1,
                                     kTokens, mode),
                    &errors, mode);
          CHECK(errors.violations() == 0);
          CHECK(errors.count() > 0);
        }
      }
    }
  }
}

TEST_CASE("between: from an embedding to itself nothing turns") {
  const Embedding plain = MakeEmbedding(64, 10000, 0.75);
  const Embedding between = Between(plain.get(), plain.get());
  const std::vector<double> positions = {0, 1, 1000003, -2147483647};
  const PositionData data(ROTARY_I64, positions);
  rotary_positions same = PositionsOf(data);
  same.axis_stride = 0;
  const RowValues rows = RowsOnAllTargets(between.get(), same, 1, 4);
  CHECK(rows.cos == std::vector<float>(rows.cos.size(), 1.0f));
  CHECK(rows.sin == std::vector<float>(rows.sin.size(), 0.0f));
  // From old positions to new ones: as by their difference.
  const PositionData moved(ROTARY_I64,
                           Joined(positions, {5, 1, 999999, -2147483640}));
  const RowValues by_both =
      RowsOnAllTargets(between.get(), PositionsOf(moved), 1, 4);
  const std::vector<int64_t> deltas = {5, 0, -4, 7};
  const RowValues by_delta =
      ReadRows(MakeRows(plain.get(), deltas, ROTARY_SHIFT).get());
  for (size_t i = 0; i < by_both.cos.size(); ++i) {
    // Each is within an ulp of the truth.
    CHECK(std::abs(by_both.cos[i] - by_delta.cos[i]) <= 0x1p-23f);
    CHECK(std::abs(by_both.sin[i] - by_delta.sin[i]) <= 0x1p-23f);
  }
}

// A key of ones and the position p, rotated by `from`, then by the way to `to`,
// must be what `to` makes of it, but for rounding.
void CheckKeys(const rotary_embedding* from, const rotary_embedding* to,
               const std::vector<int64_t>& positions) {
  const Embedding between = Between(from, to);
  const auto tokens = static_cast<int64_t>(positions.size());
  const int64_t head_dim = rotary_embedding_rotary_dim(from);
  const rotary_positions described = MakePositions(positions);
  rotary_positions same = described;
  same.axis_stride = 0;
  const auto rotated = [&](const rotary_embedding* by,
                           const rotary_positions& at, std::vector<float> x) {
    rotary_tensor tensor;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.head_dim = head_dim;
    tensor.input = x.data();
    tensor.input_pairing = ROTARY_HALF;
    const std::vector<rotary_tensor> tensors = {tensor};
    rotary_apply_args args = MakeApplyArgs(1, tokens, tensors);
    args.embedding = by;
    args.positions = &at;
    ApplyOk(args);
    return x;
  };
  const std::vector<float> ones(static_cast<size_t>(tokens * head_dim), 1.0f);
  const std::vector<float> direct = rotated(to, described, ones);
  const std::vector<float> by_way =
      rotated(between.get(), same, rotated(from, described, ones));
  // Of a row an ulp, 2u, and of a rotation 2u (|cos| + |sin|) <= 2.83u, of
  // pairs of a length of sqrt(2) times the gain: 2 + 2.83 / sqrt(2) = 4u of
  // that length, two times by the way and once directly.
  const double length = std::sqrt(2.0) * rotary_embedding_gain(to);
  double worst = 0;
  for (size_t i = 0; i < direct.size(); ++i) {
    worst = std::max(worst, std::abs(static_cast<double>(direct[i]) -
                                     static_cast<double>(by_way[i])));
  }
  CHECK(worst <= 12 * 0x1p-24 * length);
  CHECK(worst > 0);
}

TEST_CASE("between: keys of LongRoPE and dynamic NTK for another length") {
  const std::vector<int64_t> positions = {0, 1, 4095, 4096, 131071, 1000003};
  ScaledConfig longrope(ROTARY_SCALING_LONGROPE, 96);
  longrope.scaling.factor = 32;
  longrope.scaling.length = 4096;
  const Embedding trained = longrope.Make();
  rotary_error error;
  rotary_embedding* other = nullptr;
  RequireOk(rotary_embedding_for_length(trained.get(), 131072, &other, &error),
            error);
  const Embedding longer(other);
  REQUIRE(longer.get() != trained.get());
  CheckKeys(trained.get(), longer.get(), positions);
  ScaledConfig dynamic(ROTARY_SCALING_DYNAMIC_NTK, 128);
  const Embedding short_one = dynamic.Make();
  dynamic.scaling.length = 1e6;
  const Embedding long_one = dynamic.Make();
  CheckKeys(short_one.get(), long_one.get(), positions);
  const Embedding loud = MakeEmbedding(64, 10000, 7.0);
  const Embedding other_base = MakeEmbedding(64, 500000, 0.125);
  CheckKeys(loud.get(), other_base.get(), positions);
}

TEST_CASE("between: an embedding like any other") {
  rotary_error error;
  const Embedding a = MakeEmbedding(32, 10000);
  const Embedding b = MakeEmbedding(32, 500000);
  const Embedding there = Between(a.get(), b.get());
  const Embedding back = Between(b.get(), a.get());
  const uint64_t print = rotary_embedding_fingerprint(there.get());
  CHECK(print == rotary_embedding_fingerprint(Between(a.get(), b.get()).get()));
  CHECK(print != rotary_embedding_fingerprint(back.get()));
  CHECK(print != rotary_embedding_fingerprint(a.get()));
  rotary_embedding* other = nullptr;
  RequireOk(rotary_embedding_for_length(there.get(), 1e6, &other, &error),
            error);
  CHECK(other == there.get());
  CHECK(rotary_embedding_bytes(there.get()) < 4096);
  // Its axes are as far as theirs.
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.low[0] = -3;
  axes.high[0] = 9;
  rotary_embedding_config config = MakeConfig(32);
  config.axes = &axes;
  const Embedding narrow = Between(Create(config).get(), a.get());
  size_t bytes;
  RequireOk(rotary_rows_bytes_needed(narrow.get(), 1, &bytes, &error), error);
  std::vector<uint64_t> memory(bytes / 8 + 1);
  rotary_rows* rows;
  RequireOk(
      rotary_rows_init(memory.data(), bytes, narrow.get(), 1, &rows, &error),
      error);
  for (const bool far : {false, true}) {
    const std::vector<int64_t> ids = {far ? 10 : 9, 10};
    const rotary_positions positions = MakePositions(ids);
    const rotary_rows_args args = MakeRowsArgs(narrow.get(), &positions, 1);
    CHECK((rotary_rows_set(rows, &args, &error) == ROTARY_OK) == !far);
  }
}

TEST_CASE("between: which are refused") {
  Random random(22);
  const Embedding plain = MakeEmbedding(32);
  const auto refused = [&](const rotary_embedding* from,
                           const rotary_embedding* to, const char* argument,
                           rotary_status status = ROTARY_ERROR_ARGUMENT) {
    CAPTURE(argument);
    rotary_embedding* between = nullptr;
    rotary_error error = {};
    CHECK(rotary_embedding_between(from, to, &between, &error) == status);
    CHECK(std::string(error.argument) == argument);
    CHECK(between == nullptr);
  };
  refused(nullptr, plain.get(), "from");
  refused(plain.get(), nullptr, "to");
  refused(plain.get(), MakeEmbedding(34).get(), "to");
  refused(plain.get(), MakeGiven(2, 1, 16, 1, &random).get(), "to");
  refused(plain.get(), MakeGiven(1, 2, 16, 1, &random).get(), "to");
  const Embedding five = MakeGiven(1, 5, 16, 1, &random);
  refused(five.get(), five.get(), "from");
  refused(MakeEmbedding(32, 10000, 0x1p100).get(),
          MakeEmbedding(32, 10000, 0x1p-100).get(), "to");
  rotary_embedding_config config = MakeConfig(32);
  config.arithmetic = ROTARY_COMPATIBLE_HF;
  refused(Create(config).get(), plain.get(), "from", ROTARY_ERROR_UNSUPPORTED);
  config.arithmetic = ROTARY_EXACT;
  config.xpos = ROTARY_XPOS_KEY;
  refused(plain.get(), Create(config).get(), "to", ROTARY_ERROR_UNSUPPORTED);
  rotary_error error;
  CHECK(rotary_embedding_between(plain.get(), plain.get(), nullptr, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(std::string(error.argument) == "between");
}

}  // namespace
}  // namespace rotary_test
