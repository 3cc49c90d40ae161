// The arithmetic of ggml_model.h.
#include "tests/rows/ggml_model.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

namespace rotary_test {
namespace {

float ClampedRamp(const Ggml& g, double d, int64_t i) {
  const auto pair = [&](double turns) {
    return d * std::log(g.n_ctx_orig / (turns * 2 * 3.141592653589793)) /
           (2 * std::log(g.base));
  };
  const auto low = static_cast<float>(std::max(0.0, std::floor(pair(32))));
  const auto high = static_cast<float>(std::min(d - 1, std::ceil(pair(1))));
  const float at = (static_cast<float>(i) - low) / std::max(0.001f, high - low);
  return 1.0f - std::min(1.0f, std::max(0.0f, at));
}

// Of one token, whose positions are [axes] with a stride.
std::vector<float> Angles(const Ggml& g, const double* positions,
                          int64_t stride) {
  const int64_t d = g.n_dims != 0 ? g.n_dims : g.rotary_dim;
  const auto step_of = [&](size_t axis) {
    const int64_t n = g.axis_dims.empty() ? d : g.axis_dims[axis];
    return static_cast<float>(
        std::pow(static_cast<double>(static_cast<float>(g.base)),
                 static_cast<double>(-2.0f / static_cast<float>(n))));
  };
  const auto freq_scale = static_cast<float>(g.freq_scale);
  const auto ext_factor = static_cast<float>(g.ext_factor);
  std::vector<float> angles;
  std::vector<std::vector<float>> thetas;  // of each axis
  for (int64_t i = 0; i < g.rotary_dim / 2; ++i) {
    const Source source =
        g.sources.empty() ? Source{0, i} : g.sources[static_cast<size_t>(i)];
    if (thetas.size() <= source.axis) thetas.resize(source.axis + 1);
    std::vector<float>& theta = thetas[source.axis];
    const auto index = static_cast<size_t>(source.index);
    if (theta.empty()) {
      theta.push_back(static_cast<float>(
          positions[static_cast<int64_t>(source.axis) * stride]));
    }
    const float step = step_of(source.axis);
    while (theta.size() <= index) theta.push_back(theta.back() * step);
    const float factor =
        g.freq_factors.empty() ? 1.0f : g.freq_factors[static_cast<size_t>(i)];
    const float kept = theta[index] / factor;
    float angle = freq_scale * kept;
    if (ext_factor != 0) {
      const float mix = ClampedRamp(g, static_cast<double>(d), i) * ext_factor;
      angle = angle * (1.0f - mix) + kept * mix;
    }
    angles.push_back(angle);
  }
  return angles;
}

// That of the embedding is f64, rounded once; ggml's is a product in f32.
double GainOf(const Ggml& g) {
  return g.ext_factor == 0
             ? g.attn_factor
             : g.attn_factor * (1.0 + 0.1 * std::log(1 / g.freq_scale));
}

}  // namespace

Embedding EmbeddingOf(const Ggml& g, const rotary_axes* axes) {
  rotary_scaling scaling;
  rotary_scaling_init(&scaling, sizeof(scaling), ROTARY_SCALING_GGML);
  scaling.factor = 1 / g.freq_scale;
  scaling.extrapolation_factor = g.ext_factor;
  scaling.original_length = g.n_ctx_orig;
  if (!g.freq_factors.empty()) scaling.factors = g.freq_factors.data();
  rotary_embedding_config config = MakeConfig(g.rotary_dim);
  config.base = g.base;
  config.gain = g.attn_factor;
  config.freq_dim = g.n_dims;
  config.axes = axes;
  config.arithmetic = ROTARY_COMPATIBLE_GGML;
  if (g.scaled()) config.scaling = &scaling;
  return Create(config);
}

void CompareGgml(const Ggml& g, const RowValues& rows,
                 const std::vector<double>& positions, int64_t tokens) {
  const auto gain = static_cast<float>(GainOf(g));
  Agreement agreement;
  for (int64_t t = 0; t < tokens; ++t) {
    const std::vector<float> angles = Angles(g, positions.data() + t, tokens);
    for (int64_t i = 0; i < rows.pairs; ++i) {
      const auto angle = static_cast<double>(angles[static_cast<size_t>(i)]);
      agreement.Add(rows.Cos(t)[i], static_cast<float>(std::cos(angle)) * gain);
      agreement.Add(rows.Sin(t)[i], static_cast<float>(std::sin(angle)) * gain);
    }
  }
  CHECK(agreement.count > 0);
  CHECK(agreement.different <= 1 + agreement.count / 1000000);
  CHECK(agreement.farthest <= (gain != 1 ? 2 : 1));
}

}  // namespace rotary_test
