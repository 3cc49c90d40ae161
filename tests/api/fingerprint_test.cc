// Fingerprints: the same for equal rotation, whatever the config that says it;
// others for every number that changes a row.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <functional>
#include <vector>

#include "tests/rows/row_check.h"

namespace rotary_test {
namespace {

uint64_t FingerprintOf(const rotary_embedding_config& config) {
  const Embedding embedding = Create(config);
  return rotary_embedding_fingerprint(embedding.get());
}

// Of fingerprints, and of rotary_embedding_config_equal both ways round.
void CheckRotation(const rotary_embedding_config& a,
                   const rotary_embedding_config& b, bool equal) {
  CHECK((FingerprintOf(a) == FingerprintOf(b)) == equal);
  for (const bool swapped : {false, true}) {
    int32_t answer = -77;
    rotary_error error;
    RequireOk(rotary_embedding_config_equal(swapped ? &b : &a,
                                            swapped ? &a : &b, &answer, &error),
              error);
    CHECK(answer == (equal ? 1 : 0));
  }
}

// Equal rows of every mode, with log-n scaling or without.
void CheckSameRows(const rotary_embedding_config& a,
                   const rotary_embedding_config& b) {
  const Embedding x = Create(a);
  const Embedding y = Create(b);
  const std::vector<int64_t> positions = {0, 1, -1, 30000, -12345, 8191};
  const rotary_positions ids = PositionsOf(positions);
  for (const rotary_mode mode :
       {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
    for (const double log_n_length : {0.0, 4096.0}) {
      const RowsWay way = {mode, log_n_length};
      CHECK(RowsOf(x.get(), ids, 6, way) == RowsOf(y.get(), ids, 6, way));
    }
  }
}

rotary_embedding_config Given(const std::vector<double>& inv_freq) {
  rotary_embedding_config config =
      MakeConfig(2 * static_cast<int64_t>(inv_freq.size()));
  config.inv_freq = inv_freq.data();
  return config;
}

rotary_scaling MakeScaling(rotary_scaling_kind kind) {
  rotary_scaling scaling;
  rotary_scaling_init(&scaling, sizeof(scaling), kind);
  scaling.original_length = 4096;
  return scaling;
}

const std::vector<double> kInvFreq = {1, 0.5, -0.25, 0.125, 0};

TEST_CASE("fingerprint: scalings by 1 change nothing") {
  rotary_embedding_config plain = MakeConfig(64);
  // (Those that blend a frequency with itself may change its last bit.)
  for (const rotary_scaling_kind kind :
       {ROTARY_SCALING_DEFAULT, ROTARY_SCALING_LINEAR, ROTARY_SCALING_NTK,
        ROTARY_SCALING_DYNAMIC_NTK, ROTARY_SCALING_NTK_MIXED,
        ROTARY_SCALING_PROPORTIONAL, ROTARY_SCALING_GGML}) {
    CAPTURE(kind);
    const rotary_scaling scaling = MakeScaling(kind);
    rotary_embedding_config scaled = plain;
    scaled.scaling = &scaling;
    CheckRotation(plain, scaled, true);
  }
  const std::vector<float> ones(32, 1.0f);
  rotary_scaling longrope = MakeScaling(ROTARY_SCALING_LONGROPE);
  longrope.short_factors = longrope.long_factors = longrope.factors =
      ones.data();
  rotary_embedding_config scaled = plain;
  scaled.scaling = &longrope;
  CheckRotation(plain, scaled, true);
  scaled.freq_dim = 64;
  CheckRotation(plain, scaled, true);
  // What such a model is made of.
  const Embedding embedding = Create(plain);
  const std::vector<double> inv_freq = InvFreq(embedding.get());
  CheckRotation(plain, Given(inv_freq), true);
}

TEST_CASE("fingerprint: numbers count as they are used") {
  const std::vector<float> singles(kInvFreq.begin(), kInvFreq.end());
  const rotary_embedding_config doubles = Given(kInvFreq);
  rotary_embedding_config other = doubles;
  other.inv_freq = singles.data();
  other.inv_freq_dtype = ROTARY_F32;
  CheckRotation(doubles, other, true);
  CheckSameRows(doubles, other);

  std::vector<double> negative_zero = kInvFreq;
  negative_zero[4] = -0.0;
  CheckRotation(doubles, Given(negative_zero), true);
  CheckSameRows(doubles, Given(negative_zero));

  // Unused: the base; what xPos has, without it.
  other = doubles;
  other.base = 3;
  other.freq_dim = 6;
  other.xpos_scale_base = 7;
  other.xpos_center = 7;
  other.row_dtype = ROTARY_F32;
  CheckRotation(doubles, other, true);
  other.row_dtype = 0;  // of a struct that had no such field
  other.heads = 0;
  CheckRotation(doubles, other, true);

  rotary_embedding_config center = doubles;
  center.xpos = ROTARY_XPOS_KEY;
  other = center;
  other.xpos_center = -0.0;
  CheckRotation(center, other, true);
  CheckSameRows(center, other);
}

TEST_CASE("fingerprint: HF's arithmetic is of f32") {
  const std::vector<double> exact = {1.0, 0.1, 0.3333333333333333, 1e-60};
  std::vector<double> rounded;
  for (const double value : exact) {
    rounded.push_back(static_cast<double>(static_cast<float>(value)));
  }
  rotary_embedding_config a = Given(exact);
  rotary_embedding_config b = Given(rounded);
  CheckRotation(a, b, false);
  a.arithmetic = b.arithmetic = ROTARY_COMPATIBLE_HF;
  CheckRotation(a, b, true);
  CheckSameRows(a, b);
  // Gains, whose inverses would be others in f64.
  for (double gain = 1.1; gain < 1.2; gain += 0.01) {
    a.gain = gain;
    b.gain = static_cast<double>(static_cast<float>(gain));
    CheckRotation(a, b, true);
    CheckSameRows(a, b);
  }
  b.gain =
      static_cast<double>(std::nextafter(static_cast<float>(a.gain), 2.0f));
  CheckRotation(a, b, false);
}

TEST_CASE("fingerprint: ranges and the softmax multiplier do not count") {
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = 1;
  const rotary_embedding_config plain = MakeConfig(16);
  rotary_embedding_config other = plain;
  other.axes = &axes;
  CheckRotation(plain, other, true);
  axes.low[0] = 0;
  axes.high[0] = 8191;
  CheckRotation(plain, other, true);
  axes.layout = ROTARY_AXES_SECTIONS;
  axes.sections[0] = 8;
  CheckRotation(plain, other, true);

  // mscale 1 and mscale_all_dim 1: an attention factor of 1.
  rotary_scaling deepseek = MakeScaling(ROTARY_SCALING_YARN);
  deepseek.factor = 40;
  deepseek.mscale = deepseek.mscale_all_dim = 1;
  rotary_scaling given = deepseek;
  given.mscale = given.mscale_all_dim = 0;
  given.attention_factor = 1;
  rotary_embedding_config a = plain;
  rotary_embedding_config b = plain;
  a.scaling = &deepseek;
  b.scaling = &given;
  const Embedding x = Create(a);
  const Embedding y = Create(b);
  CHECK(rotary_embedding_softmax_multiplier(x.get()) !=
        rotary_embedding_softmax_multiplier(y.get()));
  CheckRotation(a, b, true);
}

TEST_CASE("fingerprint: ggml's numbers") {
  rotary_embedding_config plain = MakeConfig(48);
  plain.arithmetic = ROTARY_COMPATIBLE_GGML;
  const std::vector<float> ones(24, 1.0f);
  rotary_scaling scaling = MakeScaling(ROTARY_SCALING_GGML);
  scaling.factors = ones.data();
  rotary_embedding_config other = plain;
  other.scaling = &scaling;
  CheckRotation(plain, other, true);
  CheckSameRows(plain, other);
  other.base = 10000 * (1 + 1e-12);  // the same step
  CheckRotation(plain, other, true);
  CheckSameRows(plain, other);
  other = plain;
  other.freq_dim = 48;
  CheckRotation(plain, other, true);

  const auto differs = [&](const std::function<void(rotary_scaling*)>& change,
                           const rotary_scaling& from) {
    rotary_scaling changed = from;
    change(&changed);
    rotary_embedding_config a = plain;
    rotary_embedding_config b = plain;
    a.scaling = &from;
    b.scaling = &changed;
    CheckRotation(a, b, false);
  };
  differs([](rotary_scaling* s) { s->factor = 1.0000001; }, scaling);
  differs([](rotary_scaling* s) { s->extrapolation_factor = 0.5; }, scaling);
  std::vector<float> factors = ones;
  for (const size_t i : {0u, 11u, 23u}) {
    factors[i] = std::nextafter(1.0f, 2.0f);
    differs([&](rotary_scaling* s) { s->factors = factors.data(); }, scaling);
    factors[i] = 1;
  }
  rotary_scaling yarn = scaling;
  yarn.factor = 4;
  yarn.extrapolation_factor = 1;
  differs([](rotary_scaling* s) { s->beta_fast = 64; }, yarn);
  differs([](rotary_scaling* s) { s->beta_slow = 2; }, yarn);
  differs([](rotary_scaling* s) { s->original_length = 16384; }, yarn);
  other = plain;
  other.base = 10010;
  CheckRotation(plain, other, false);
  other = plain;
  other.freq_dim = 50;
  CheckRotation(plain, other, false);
  other = plain;
  other.arithmetic = ROTARY_EXACT;
  CheckRotation(plain, other, false);

  // Where there is one pair, or each of a section, no step is taken.
  plain = MakeConfig(2);
  plain.arithmetic = ROTARY_COMPATIBLE_GGML;
  other = plain;
  other.base = 77;
  CheckRotation(plain, other, true);
  CheckSameRows(plain, other);
}

TEST_CASE("fingerprint: ggml's blocks") {
  rotary_axes axes;
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = 2;
  axes.layout = ROTARY_AXES_BLOCKS;
  axes.sections[0] = axes.sections[1] = 6;
  rotary_embedding_config blocks = MakeConfig(24);
  blocks.arithmetic = ROTARY_COMPATIBLE_GGML;
  blocks.axes = &axes;
  rotary_embedding_config other = blocks;
  other.freq_dim = 12;  // that of each block
  CheckRotation(blocks, other, true);
  other.freq_dim = 24;
  CheckRotation(blocks, other, false);
  rotary_axes running = axes;  // the frequencies go on
  running.layout = ROTARY_AXES_SECTIONS;
  other.axes = &running;
  CheckRotation(blocks, other, false);
  other.freq_dim = 12;
  CheckRotation(blocks, other, false);
}

}  // namespace
}  // namespace rotary_test
