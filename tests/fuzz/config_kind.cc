// Configs of embeddings, with all scalings, axes, heads, arithmetics, and any
// values: those that are valid against the formulas of the tests.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/config/fuzzed_call.h"
#include "tests/frequencies/scaled_config.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kinds.h"

namespace rotary_test {
namespace {

constexpr double kHostile[] = {
    0,     -0.0, -1,       1,  0.5,    2,    1e-3,    1e300,    1e-300,
    65536, NAN,  INFINITY, -4, 3e-320, 1e38, 0x1p126, 0x1p-127, 1e7};

struct DrawnConfig {
  rotary_embedding_config config;
  rotary_scaling scaling;
  rotary_axes axes;
  double factors[64];
  // [heads][axes][pairs]: the most of each that a valid config may have here.
  double inv_freq[3 * 4 * 8];
  bool is_usual;  // no field has a hostile value

  void Draw(Input* input);

 private:
  void DrawScaling(Input* input);
  void DrawAxes(Input* input);
  void Corrupt(Input* input);
};

void DrawnConfig::DrawScaling(Input* input) {
  const auto kind = input->Integer32(0, kLastScaling);
  rotary_scaling_init(&scaling, sizeof(scaling), kind);
  scaling.factor = static_cast<double>(input->Integer(4, 160)) / 4;
  scaling.original_length = std::ldexp(1.0, input->Integer32(6, 16));
  scaling.length = input->Flag() ? 0 : std::ldexp(1.0, input->Integer32(4, 18));
  scaling.first_freq = 3;
  scaling.last_freq = 0.25;
  if (input->Once(4)) scaling.truncate = 0;
  if (input->Once(4)) scaling.attention_factor = 1.5;
  if (input->Once(4)) scaling.mscale = 0.7;
  if (input->Once(4)) scaling.mscale_all_dim = 1.2;
  if (input->Once(4)) scaling.extrapolation_factor = 0.5;
  if (input->Once(4)) scaling.partial_rotary_factor = 0.5;
  if (input->Once(4)) scaling.pair = static_cast<double>(input->Integer(0, 3));
  scaling.factors_dtype = ROTARY_F64;
  scaling.short_factors = factors;
  scaling.long_factors = factors + 3;
  if (input->Once(4)) scaling.factors = factors + 1;
  config.scaling = &scaling;
}

void DrawnConfig::DrawAxes(Input* input) {
  rotary_axes_init(&axes, sizeof(axes));
  axes.num_axes = input->Integer(1, 4);
  axes.layout = input->Integer32(0, ROTARY_AXES_ALTERNATING);
  const int64_t pairs = config.rotary_dim / 2;
  for (int64_t a = 0, rest = pairs; a < axes.num_axes; ++a) {
    axes.sections[a] = a + 1 == axes.num_axes ? rest : input->Integer(0, rest);
    rest -= axes.sections[a];
  }
  config.axes = &axes;
}

void DrawnConfig::Corrupt(Input* input) {
  is_usual = false;
  double* const reals[] = {&config.base,
                           &config.gain,
                           &config.xpos_scale_base,
                           &config.xpos_center,
                           &scaling.factor,
                           &scaling.original_length,
                           &scaling.length,
                           &scaling.attention_factor,
                           &scaling.beta_fast,
                           &scaling.beta_slow,
                           &scaling.extrapolation_factor,
                           &scaling.mscale,
                           &scaling.mscale_all_dim,
                           &scaling.low_freq_factor,
                           &scaling.high_freq_factor,
                           &scaling.partial_rotary_factor,
                           &scaling.ntk_factor,
                           &scaling.exponent,
                           &scaling.first_freq,
                           &scaling.last_freq,
                           &scaling.pair,
                           &axes.low[0],
                           &axes.high[1],
                           &factors[2],
                           &inv_freq[1]};
  int64_t* const sizes[] = {&config.freq_dim, &config.heads, &axes.num_axes,
                            &axes.sections[0], &axes.sections[1]};
  int32_t* const words[] = {
      &config.inv_freq_dtype, &config.reserved,  &config.arithmetic,
      &config.row_dtype,      &config.xpos,      &config.reserved2,
      &scaling.kind,          &scaling.truncate, &scaling.reserved,
      &axes.layout,           &axes.reserved};
  switch (input->Integer(0, 5)) {
    case 0:
    case 1:
    case 2:
      *input->Of(reals) = input->Of(kHostile);
      break;
    case 3:
      *input->Of(words) = Value32(input);
      break;
    case 4: {
      const int64_t value = Value64(input);
      *input->Of(sizes) = value > 3 && value < 100 ? 3 : value;
      break;
    }
    default:
      config.rotary_dim = std::min<int64_t>(Value64(input), 16);
      break;
  }
}

void DrawnConfig::Draw(Input* input) {
  is_usual = true;
  rotary_embedding_config_init(&config, sizeof(config));
  std::memset(&scaling, 0, sizeof(scaling));
  std::memset(&axes, 0, sizeof(axes));
  for (int i = 0; i < 64; ++i) factors[i] = 1 + 0.25 * i;
  int exponent = 0;
  for (double& value : inv_freq) {
    value = std::ldexp(exponent % 3 == 1 ? -1.0 : 1.0, -exponent);
    ++exponent;
  }
  config.rotary_dim = 2 * input->Integer(1, 8);
  constexpr double kBases[] = {10000, 500000, 100, 1e6, 2.5, 1};
  config.base = input->Of(kBases);
  if (input->Once(4)) config.gain = 1.5;
  if (input->Once(8)) config.freq_dim = 2 * input->Integer(2, 40);
  if (input->Once(4)) config.heads = input->Integer(1, 2);
  const int64_t special = input->Integer(0, 7);
  if (special == 0) config.arithmetic = ROTARY_COMPATIBLE_HF;
  if (special == 1) config.arithmetic = ROTARY_COMPATIBLE_GGML;
  if (special == 2) config.xpos = input->Integer32(1, 2);
  if (input->Once(8)) {
    config.inv_freq = inv_freq;
  } else if (input->Flag()) {
    DrawScaling(input);
  }
  if (input->Once(4)) DrawAxes(input);
  if (input->Once(3)) Corrupt(input);
}

bool IsNear(double got, long double truth, double relative) {
  if (truth == 0) return got == 0;
  return std::fabs(static_cast<double>(got / truth - 1)) <= relative;
}

// Of one axis with shared rows.
void CheckValues(const DrawnConfig& drawn, const rotary_embedding* embedding) {
  const int64_t pairs = drawn.config.rotary_dim / 2;
  double inv_freq[64];
  Check(rotary_embedding_inv_freq(embedding, inv_freq, pairs, nullptr) ==
            ROTARY_OK,
        "inv_freq cannot be read");
  if (drawn.config.inv_freq != nullptr) {
    Check(std::memcmp(inv_freq, drawn.inv_freq,
                      static_cast<size_t>(pairs) * sizeof(double)) == 0,
          "given inv_freq are others");
    return;
  }
  rotary_scaling none;
  rotary_scaling_init(&none, sizeof(none), ROTARY_SCALING_DEFAULT);
  rotary_embedding_config config = drawn.config;
  if (config.scaling == nullptr) config.scaling = &none;
  const TrueScaling truth = TrueScalingOf(config);
  if (!truth.fits) return;
  for (int64_t i = 0; i < pairs; ++i) {
    Check(IsNear(inv_freq[i], truth.inv_freq[static_cast<size_t>(i)], 1e-11),
          "inv_freq is too far from the formula");
  }
  Check(IsNear(rotary_embedding_gain(embedding), truth.gain, 1e-13),
        "the gain is too far from the formula");
  Check(IsNear(rotary_embedding_softmax_multiplier(embedding),
               truth.softmax_multiplier, 1e-13),
        "the softmax multiplier is too far from the formula");
}

}  // namespace

bool FuzzConfig(Input* input) {
  static DrawnConfig drawn;
  drawn.Draw(input);
  const rotary_embedding_config& config = drawn.config;
  Told told;
  size_t bytes = 0;
  const rotary_status sized =
      rotary_embedding_bytes_needed(&config, &bytes, told.error());
  told.CheckStatus(sized);
  Check((bytes != 0) == (sized == ROTARY_OK), "a size is told, or none");
  Told told_equal;
  int32_t equal = -1;
  const rotary_status compared = rotary_embedding_config_equal(
      &config, &config, &equal, told_equal.error());
  told_equal.CheckStatus(compared);
  Check(equal == (compared == ROTARY_OK ? 1 : -1),
        "a config does not equal itself");
  Check(compared != ROTARY_OK || sized == ROTARY_OK,
        "a valid config has no size");
  // A large table takes long.
  if (bytes > 40000 || !input->Once(4)) return compared == ROTARY_OK;
  rotary_embedding* embedding = nullptr;
  Told told_create;
  const rotary_status status =
      rotary_embedding_create(&config, &embedding, told_create.error());
  told_create.CheckStatus(status);
  Check((embedding != nullptr) == (status == ROTARY_OK),
        "an embedding is made, or none");
  Check(status == compared, "a config is valid for one call only");
  if (status != ROTARY_OK) return false;
  Check(rotary_embedding_rotary_dim(embedding) == config.rotary_dim &&
            rotary_embedding_bytes(embedding) == bytes,
        "an embedding is not as its config");
  if (drawn.is_usual && config.axes == nullptr && config.heads == 1 &&
      config.arithmetic == ROTARY_EXACT) {
    CheckValues(drawn, embedding);
  }
  rotary_embedding* other = nullptr;
  Told told_other;
  const rotary_status lengthened = rotary_embedding_for_length(
      embedding, drawn.scaling.length * 4, &other, told_other.error());
  told_other.CheckStatus(lengthened);
  if (lengthened == ROTARY_OK && other != embedding) {
    rotary_embedding_destroy(other);
  }
  rotary_embedding_destroy(embedding);
  return true;
}

}  // namespace rotary_test
