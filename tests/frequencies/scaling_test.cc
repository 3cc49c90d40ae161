// The frequencies, gain and softmax multiplier of every scaling, against the
// published formulas and figures.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/frequencies/scaled_config.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// In [low, high], as likely between 1 and 2 as between 2 and 4.
double Between(Random* random, double low, double high) {
  const double share = static_cast<double>(random->Bits() >> 11) * 0x1p-53;
  return low * std::pow(high / low, share);
}

double Share(Random* random) {
  return random->Choose<double>({0, 1, 1, Between(random, 0.01, 1)});
}

// The larger of two turns, the smaller one in *slow.
double Turns(Random* random, double low, double high, double* slow) {
  *slow = Between(random, low, high);
  return *slow * Between(random, 4, 64);
}

void RandomNumbers(Random* random, rotary_scaling* s) {
  s->factor = random->Choose<double>(
      {1, 4, Between(random, 1, 40), Between(random, 0.25, 1)});
  s->original_length = std::floor(Between(random, 512, 131072));
  s->length = random->Choose<double>(
      {0, s->original_length, std::floor(Between(random, 1, 1e6))});
  s->truncate = static_cast<int32_t>(random->Integer(0, 1));
  s->attention_factor = random->Choose<double>({0, 0, Between(random, 0.5, 2)});
  s->beta_fast = Turns(random, 0.25, 4, &s->beta_slow);
  s->extrapolation_factor = Share(random);
  s->mscale = random->Choose<double>({0, 1, Between(random, 0.5, 2)});
  s->mscale_all_dim = random->Choose<double>({0, 1, s->mscale, 0.707});
  s->low_freq_factor = Between(random, 0.5, 2);
  s->high_freq_factor =
      s->low_freq_factor * random->Choose<double>({1, 1.5, 4, 16});
  s->partial_rotary_factor = Share(random);
  s->ntk_factor = Share(random);
  s->beta_0 = Turns(random, 0.25, 2, &s->beta_1);
  s->gamma_0 = Turns(random, 0.5, 4, &s->gamma_1);
  s->exponent = random->Choose<double>({0, 0.625, 1, Between(random, 0.1, 4)});
  s->first_freq = Between(random, 0.25, 10);
  s->last_freq = random->Choose<double>({s->first_freq, 1e-4, 1e4});
}

void RandomDivisors(Random* random, bool f64, std::vector<double>* list,
                    std::vector<float>* narrow, const void** field) {
  for (double& value : *list) value = Between(random, 0.5, 64);
  narrow->assign(list->size(), 0);
  std::transform(list->begin(), list->end(), narrow->begin(),
                 [](double value) { return static_cast<float>(value); });
  *field = f64 ? static_cast<const void*>(list->data()) : narrow->data();
}

TEST_CASE("scalings: every kind by its formula, of random numbers") {
  Random random(20);
  const int kCases = Effort(60, 2000);
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    int refused = 0;
    for (int n = 0; n < kCases; ++n) {
      CAPTURE(n);
      const int64_t rotary_dim = 2 * random.Integer(1, n % 8 == 0 ? 64 : 16);
      ScaledConfig scaled(kind, rotary_dim, Between(&random, 1000, 1e7));
      RandomNumbers(&random, &scaled.scaling);
      scaled.scaling.pair =
          static_cast<double>(random.Integer(0, rotary_dim / 2 - 1));
      rotary_embedding_config& config = scaled.config;
      config.gain = random.Choose<double>({1, 0.5, 1.25});
      config.freq_dim = random.Choose<int64_t>(
          {0, 0, rotary_dim, 2 * rotary_dim, random.Integer(3, 300)});
      const bool f64 = random.Integer(0, 1) == 1;
      scaled.scaling.factors_dtype = f64 ? ROTARY_F64 : ROTARY_F32;
      std::vector<float> narrow[3];
      if (random.Integer(0, 1) == 1) {
        scaled.factors.resize(static_cast<size_t>(rotary_dim) / 2);
        RandomDivisors(&random, f64, &scaled.factors, &narrow[0],
                       &scaled.scaling.factors);
      }
      RandomDivisors(&random, f64, &scaled.short_factors, &narrow[1],
                     &scaled.scaling.short_factors);
      RandomDivisors(&random, f64, &scaled.long_factors, &narrow[2],
                     &scaled.scaling.long_factors);
      if (TrueScalingOf(config).fits) {
        CheckScaling(scaled);
      } else {
        ++refused;
        rotary_embedding* made = nullptr;
        CHECK(rotary_embedding_create(&config, &made, nullptr) ==
              ROTARY_ERROR_ARGUMENT);
      }
    }
    CHECK_LE(refused, kCases / 20);
  }
}

TEST_CASE("scalings: heads of two and four elements, factors of 1 and below") {
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    for (const int64_t rotary_dim : {2, 4, 6, 128}) {
      for (const double factor : {1.0, 0.5, 0.01, 3.0, 40.0}) {
        ScaledConfig scaled(kind, rotary_dim);
        scaled.scaling.factor = factor;
        scaled.scaling.length = 10000;
        CheckScaling(scaled);
        scaled.scaling.extrapolation_factor = 1;
        CheckScaling(scaled);
      }
    }
  }
}

TEST_CASE("scalings: a factor of 1 changes nothing") {
  const std::vector<double> plain = InvFreq(MakeEmbedding(64).get());
  for (rotary_scaling_kind kind = 0; kind <= kLastScaling; ++kind) {
    if (kind == ROTARY_SCALING_LONGROPE) continue;
    if (kind >= ROTARY_SCALING_GEOMETRIC) continue;
    CAPTURE(kind);
    ScaledConfig scaled(kind);
    scaled.scaling.factor = 1;
    const Embedding embedding = scaled.Make();
    CHECK(rotary_embedding_gain(embedding.get()) == 1.0);
    const std::vector<double> inv_freq = InvFreq(embedding.get());
    for (size_t i = 0; i < plain.size(); ++i) {
      // What is blended of two equal values may lose a unit.
      CHECK(std::fabs(inv_freq[i] / plain[i] - 1) <= 0x1p-51);
    }
  }
}

using Figures = std::vector<std::pair<size_t, double>>;

// Published figures have ten digits.
void CheckFigures(const ScaledConfig& scaled, double gain,
                  const Figures& figures) {
  const Embedding embedding = scaled.Make();
  CHECK_LE(std::fabs(rotary_embedding_gain(embedding.get()) / gain - 1), 1e-8);
  const std::vector<double> inv_freq = InvFreq(embedding.get());
  for (const auto& figure : figures) {
    const size_t i = figure.first;
    CAPTURE(i);
    if (figure.second == 0) {
      CHECK(inv_freq.at(i) == 0.0);
    } else {
      CHECK_LE(std::fabs(inv_freq.at(i) / figure.second - 1), 1e-9);
    }
  }
}

TEST_CASE("scalings: figures of linear and NTK-aware scaling") {
  const ScaledConfig plain(ROTARY_SCALING_DEFAULT, 128);
  CheckFigures(plain, 1,
               {{0, 1.0},
                {1, 8.659643234e-01},
                {16, 1e-01},
                {32, 1e-02},
                {48, 1e-03},
                {63, 1.154781985e-04}});
  const ScaledConfig linear(ROTARY_SCALING_LINEAR, 128);
  CheckFigures(linear, 1,
               {{0, 0.25},
                {1, 2.164910808e-01},
                {16, 2.5e-02},
                {32, 2.5e-03},
                {48, 2.5e-04},
                {63, 2.886954962e-05}});
  const ScaledConfig ntk(ROTARY_SCALING_NTK, 128);
  CheckFigures(ntk, 1,
               {{0, 1.0},
                {1, 8.471171852e-01},
                {16, 7.032275479e-02},
                {32, 4.945289841e-03},
                {48, 3.477664048e-04},
                {63, 2.886954962e-05}});
  ScaledConfig dynamic(ROTARY_SCALING_DYNAMIC_NTK, 128);
  dynamic.scaling.factor = 2;
  dynamic.scaling.length = 6000;
  CheckFigures(dynamic, 1,
               {{0, 1.0},
                {1, 8.569756075e-01},
                {16, 8.462435455e-02},
                {32, 7.161281383e-03},
                {48, 6.060188148e-04},
                {63, 5.984295305e-05}});
}

TEST_CASE("scalings: figures of YaRN") {
  ScaledConfig qwen(ROTARY_SCALING_YARN, 128, 1e6);
  qwen.scaling.original_length = 32768;
  CheckFigures(qwen, 1.138629436,
               {{0, 1.0},
                {1, 8.058421878e-01},
                {16, 3.162277660e-02},
                {32, 6.029411765e-04},
                {48, 7.905694150e-06},
                {63, 3.102344402e-07}});
  ScaledConfig deepseek(ROTARY_SCALING_YARN, 64);
  deepseek.scaling.factor = 40;
  deepseek.scaling.mscale = 1;
  deepseek.scaling.mscale_all_dim = 1;
  CheckFigures(deepseek, 1,
               {{0, 1.0},
                {1, 7.498942093e-01},
                {8, 1e-01},
                {16, 5.5e-03},
                {24, 2.5e-05},
                {31, 3.333803580e-06}});
  // (1 + 0.1 ln 40)^2
  CHECK_LE(
      std::fabs(rotary_embedding_softmax_multiplier(deepseek.Make().get()) /
                    1.8738542070926265 -
                1),
      1e-15);
  ScaledConfig gpt_oss(ROTARY_SCALING_YARN, 64, 150000);
  gpt_oss.scaling.factor = 32;
  gpt_oss.scaling.truncate = 0;
  CheckFigures(gpt_oss, 1.34657359,
               {{0, 1.0},
                {1, 6.890443059e-01},
                {8, 5.081327482e-02},
                {16, 4.564839192e-04},
                {24, 4.099978482e-06},
                {31, 3.023511428e-07}});
  gpt_oss.scaling.truncate = 1;
  CheckFigures(
      gpt_oss, 1.34657359,
      {{8, 5.081327482e-02}, {16, 5.809475019e-04}, {24, 4.099978482e-06}});
}

TEST_CASE(
    "scalings: figures of Llama 3, LongRoPE, Gemma 4 and a part of heads") {
  ScaledConfig llama(ROTARY_SCALING_LLAMA3, 128, 500000);
  llama.scaling.factor = 8;
  llama.scaling.original_length = 8192;
  CheckFigures(llama, 1,
               {{0, 1.0},
                {16, 3.760603093e-02},
                {28, 3.211445995e-03},
                {29, 2.166570764e-03},
                {30, 1.371893568e-03},
                {35, 9.556212354e-05},
                {36, 7.784655274e-05},
                {63, 3.068925989e-07}});
  ScaledConfig small(ROTARY_SCALING_LLAMA3, 64, 500000);
  small.scaling.factor = 32;
  small.scaling.original_length = 8192;
  CheckFigures(small, 1,
               {{0, 1.0},
                {8, 3.760603093e-02},
                {14, 3.211445995e-03},
                {15, 1.290547928e-03},
                {17, 9.708287803e-05},
                {18, 1.946163818e-05},
                {31, 9.418306725e-08}});
  ScaledConfig phi(ROTARY_SCALING_LONGROPE, 96);
  phi.scaling.factor = 32;
  CheckFigures(phi, 1.190238071, {{0, 1.0}});
  ScaledConfig gemma(ROTARY_SCALING_PROPORTIONAL, 512, 1e6);
  gemma.scaling.factor = 1;
  gemma.scaling.partial_rotary_factor = 0.25;
  CheckFigures(gemma, 1,
               {{0, 1.0},
                {1, 9.474635257e-01},
                {63, 3.337624694e-02},
                {64, 0.0},
                {255, 0.0}});
  const ScaledConfig part(ROTARY_SCALING_DEFAULT, 64, 1e7);
  CheckFigures(part, 1,
               {{0, 1.0},
                {1, 6.042963902e-01},
                {16, 3.162277660e-04},
                {31, 1.654817100e-07}});
}

}  // namespace
}  // namespace rotary_test
