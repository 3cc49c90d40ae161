// Scalings at the edges of their formulas: ends of ramps, limits that coincide,
// which attention factor counts, divisors, and the rows that come of them.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/frequencies/scaled_config.h"
#include "tests/support/objects.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

double Gain(const ScaledConfig& scaled) {
  return rotary_embedding_gain(scaled.Make().get());
}

double SoftmaxMultiplier(const ScaledConfig& scaled) {
  return rotary_embedding_softmax_multiplier(scaled.Make().get());
}

// The first `kept` pairs as they are without scaling, the others divided by 4.
void CheckStep(const ScaledConfig& scaled, size_t kept) {
  CAPTURE(kept);
  const std::vector<double> plain = InvFreq(
      MakeEmbedding(scaled.config.rotary_dim, scaled.config.base).get());
  const std::vector<double> inv_freq = InvFreq(scaled.Make().get());
  for (size_t i = 0; i < plain.size(); ++i) {
    CAPTURE(i);
    CHECK(inv_freq[i] == (i < kept ? plain[i] : plain[i] / 4));
  }
}

TEST_CASE("scalings: ramps whose ends coincide are steps") {
  for (const rotary_scaling_kind kind :
       {ROTARY_SCALING_YARN, ROTARY_SCALING_GGML}) {
    CAPTURE(kind);
    ScaledConfig scaled(kind);
    scaled.scaling.extrapolation_factor = 1;
    // No pair turns once in 6 tokens: both ends are at the first pair.
    scaled.scaling.original_length = 6;
    CheckStep(scaled, 1);
    // Both ends at the last element's, behind all pairs.
    scaled.scaling.original_length = 200 * 5e7;
    scaled.scaling.beta_slow = 1e-6;
    CheckStep(scaled, 32);
  }
  // Pair 64 ln(4096 / (2 pi turns)) / (2 ln 10000), not rounded: at 11.6, 18.8.
  ScaledConfig scaled(ROTARY_SCALING_YARN);
  scaled.scaling.truncate = 0;
  scaled.scaling.beta_fast = scaled.scaling.beta_slow = 23;
  CheckStep(scaled, 12);
  scaled.scaling.beta_fast = scaled.scaling.beta_slow = 2.9;
  CheckStep(scaled, 19);
}

TEST_CASE("scalings: shares of 0 are not kept, nor NTK-aware") {
  ScaledConfig linear(ROTARY_SCALING_LINEAR);
  const std::vector<double> interpolated = InvFreq(linear.Make().get());
  for (const rotary_scaling_kind kind :
       {ROTARY_SCALING_YARN, ROTARY_SCALING_GGML,
        ROTARY_SCALING_NTK_BY_PARTS}) {
    ScaledConfig scaled(kind);
    scaled.scaling.extrapolation_factor = 0;
    scaled.scaling.ntk_factor = 0;
    CHECK(InvFreq(scaled.Make().get()) == interpolated);
  }
}

TEST_CASE("Llama 3 with equal factors jumps, and stays finite") {
  ScaledConfig scaled(ROTARY_SCALING_LLAMA3);
  scaled.scaling.low_freq_factor = scaled.scaling.high_freq_factor = 2;
  // Pairs of more than 2 turns, 4096 / (2 pi) 10000^(-i / 32) > 2: i < 20.1.
  CheckStep(scaled, 21);
  // Exactly as many turns as both factors, of the first pair: b[0] is 1.
  scaled.scaling.original_length = 6.283185307179586 * 2;
  CheckStep(scaled, 0);
  scaled.scaling.original_length = std::nextafter(12.566370614359172, 13);
  CheckStep(scaled, 1);
}

TEST_CASE("LongRoPE takes the short list up to the original length") {
  ScaledConfig scaled(ROTARY_SCALING_LONGROPE);
  const std::vector<double> plain = InvFreq(MakeEmbedding(64).get());
  for (const double length :
       {0.0, 1.0, 4095.5, 4096.0, std::nextafter(4096.0, 4097.0), 4097.0,
        131072.0, 1e300}) {
    CAPTURE(length);
    scaled.scaling.length = length;
    const std::vector<double>& list =
        length > 4096 ? scaled.long_factors : scaled.short_factors;
    const std::vector<double> inv_freq = InvFreq(scaled.Make().get());
    for (size_t i = 0; i < plain.size(); ++i) {
      CHECK(inv_freq[i] == plain[i] / list[i]);
    }
  }
}

TEST_CASE("proportional: how many pairs turn") {
  const struct {
    int64_t rotary_dim;
    int64_t freq_dim;
    double share;
    size_t turning;
  } cases[] = {{64, 0, 0, 0},     {64, 0, 1, 32},     {64, 0, 0.25, 8},
               {64, 0, 0.28, 8},  {64, 0, 0.2812, 8}, {64, 0, 0.28125, 9},
               {2, 0, 0.99, 0},   {2, 0, 1, 1},       {64, 128, 0.25, 16},
               {64, 128, 1, 32},  {64, 32, 1, 16},    {6, 5, 1, 2},
               {200, 0, 0.29, 28}};
  for (const auto& one : cases) {
    CAPTURE(one.share);
    ScaledConfig scaled(ROTARY_SCALING_PROPORTIONAL, one.rotary_dim);
    scaled.config.freq_dim = one.freq_dim;
    scaled.scaling.partial_rotary_factor = one.share;
    const std::vector<double> inv_freq = InvFreq(scaled.Make().get());
    for (size_t i = 0; i < inv_freq.size(); ++i) {
      CHECK((inv_freq[i] > 0) == (i < one.turning));
      if (i >= one.turning) CHECK(inv_freq[i] == 0.0);
    }
  }
}

TEST_CASE("scalings: which attention factor counts") {
  const double log4 = std::log(4.0);
  const auto near = [](double value, double truth) {
    return std::fabs(value / truth - 1) <= 0x1p-51;
  };
  ScaledConfig yarn(ROTARY_SCALING_YARN);
  CHECK(near(Gain(yarn), 1 + 0.1 * log4));
  CHECK(SoftmaxMultiplier(yarn) == 1.0);
  // One of the two does not count, but the multiplier needs no more.
  yarn.scaling.mscale = 0.5;
  CHECK(near(Gain(yarn), 1 + 0.1 * log4));
  CHECK(SoftmaxMultiplier(yarn) == 1.0);
  yarn.scaling.mscale = 0;
  yarn.scaling.mscale_all_dim = 2;
  CHECK(near(Gain(yarn), 1 + 0.1 * log4));
  CHECK(near(SoftmaxMultiplier(yarn), std::pow(1 + 0.2 * log4, 2)));
  yarn.scaling.mscale = 0.5;
  CHECK(near(Gain(yarn), (1 + 0.05 * log4) / (1 + 0.2 * log4)));
  yarn.scaling.mscale = 2;
  CHECK(Gain(yarn) == 1.0);
  yarn.scaling.mscale = 0.5;
  yarn.scaling.attention_factor = 0.75;
  CHECK(Gain(yarn) == 0.75);
  CHECK(near(SoftmaxMultiplier(yarn), std::pow(1 + 0.2 * log4, 2)));
  yarn.config.gain = 3;
  CHECK(Gain(yarn) == 2.25);
  yarn.scaling.attention_factor = 0;
  yarn.scaling.factor = 0.5;
  CHECK(Gain(yarn) == 3.0);
  CHECK(SoftmaxMultiplier(yarn) == 1.0);

  ScaledConfig ggml(ROTARY_SCALING_GGML);
  ggml.scaling.attention_factor = 7;  // not one of its numbers
  ggml.scaling.mscale = ggml.scaling.mscale_all_dim = 7;
  CHECK(Gain(ggml) == 1.0);
  ggml.scaling.extrapolation_factor = 0.5;
  CHECK(near(Gain(ggml), 1 + 0.1 * log4));
  ggml.scaling.factor = 0.25;
  CHECK(near(Gain(ggml), 1 - 0.1 * log4));
  ggml.config.gain = 0.5;
  CHECK(near(Gain(ggml), (1 - 0.1 * log4) / 2));
  CHECK(SoftmaxMultiplier(ggml) == 1.0);

  ScaledConfig longrope(ROTARY_SCALING_LONGROPE);
  CHECK(near(Gain(longrope), std::sqrt(1 + 2.0 / 12)));
  longrope.scaling.length = 4097;
  CHECK(near(Gain(longrope), std::sqrt(1 + 2.0 / 12)));
  longrope.scaling.factor = 0.5;
  CHECK(Gain(longrope) == 1.0);
  longrope.scaling.attention_factor = 1.19;
  longrope.config.gain = 2;
  CHECK(Gain(longrope) == 2.38);

  CHECK(rotary_embedding_softmax_multiplier(nullptr) == 0.0);
  CHECK(rotary_embedding_softmax_multiplier(MakeEmbedding(8).get()) == 1.0);
}

TEST_CASE("scalings: RIFLEx changes one frequency, of the first axis") {
  ScaledConfig video(ROTARY_SCALING_RIFLEX, 16, 256);
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = 2;
  axes.layout = ROTARY_AXES_BLOCKS;
  axes.sections[0] = axes.sections[1] = 4;
  video.config.axes = &axes;
  const auto inv_freq = [&] {
    std::vector<double> values(16);
    rotary_error error;
    RequireOk(rotary_embedding_inv_freq(video.Make().get(), values.data(), 16,
                                        &error),
              error);
    return values;
  };
  std::vector<double> expected = inv_freq();
  expected[2] = 0.9 * 2 * std::acos(-1.0) / 66;
  video.scaling.pair = 2;
  video.scaling.length = 66;
  const std::vector<double> changed = inv_freq();
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(std::fabs(changed[i] - expected[i]) <= 1e-15);
  }
  for (const double pair : {0.5, 8.0, 1e9}) {
    video.scaling.pair = pair;
    rotary_embedding* made = nullptr;
    rotary_error error;
    CHECK(rotary_embedding_create(&video.config, &made, &error) ==
          ROTARY_ERROR_ARGUMENT);
    CHECK(std::string(error.argument) == "scaling.pair");
  }
}

// Powers of two divide exactly.
template <typename T>
void CheckDivisors(rotary_dtype dtype) {
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    ScaledConfig scaled(kind);
    scaled.scaling.length = 10000;
    const std::vector<double> undivided = InvFreq(scaled.Make().get());
    std::vector<T> factors;
    std::vector<T> short_factors;
    std::vector<T> long_factors;
    for (int i = 0; i < 32; ++i) {
      factors.push_back(static_cast<T>(std::ldexp(1.0, i % 7 - 3)));
    }
    for (const double value : scaled.short_factors) {
      short_factors.push_back(static_cast<T>(value));
    }
    for (const double value : scaled.long_factors) {
      long_factors.push_back(static_cast<T>(value));  // exact also in f32
    }
    scaled.scaling.factors = factors.data();
    scaled.scaling.short_factors = short_factors.data();
    scaled.scaling.long_factors = long_factors.data();
    scaled.scaling.factors_dtype = dtype;
    const std::vector<double> divided = InvFreq(scaled.Make().get());
    for (size_t i = 0; i < undivided.size(); ++i) {
      CHECK(divided[i] == undivided[i] / static_cast<double>(factors[i]));
    }
  }
}

TEST_CASE("scalings: divisors of what each kind makes") {
  CheckDivisors<double>(ROTARY_F64);
  CheckDivisors<float>(ROTARY_F32);
}

TEST_CASE("scalings: rows are those of the frequencies and the gain") {
  const std::vector<int64_t> ids = {0, 1, -5000, 123456789};
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    CAPTURE(kind);
    ScaledConfig scaled(kind, 20);
    scaled.config.gain = 1.5;
    const Embedding embedding = scaled.Make();
    const Embedding given =
        MakeEmbedding(InvFreq(embedding.get()), Gain(scaled));
    ForEachTarget([&](const char* target) {
      const rotary_positions positions = MakePositions(ids);
      std::vector<RowValues> values;
      for (const rotary_embedding* one : {embedding.get(), given.get()}) {
        const Rows rows = MakeRows(one, std::vector<int64_t>(ids.size()));
        rotary_rows_args args = MakeRowsArgs(one, &positions, 4);
        args.target = target;
        rotary_error error;
        RequireOk(rotary_rows_set(rows.get(), &args, &error), error);
        values.push_back(ReadRows(rows.get()));
      }
      CHECK(values[0].cos == values[1].cos);
      CHECK(values[0].sin == values[1].sin);
      CHECK(values[0].cos[0] == static_cast<float>(Gain(scaled)));
    });
  }
}

}  // namespace
}  // namespace rotary_test
