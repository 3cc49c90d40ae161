#include "lib/rows/compatible.h"

#include <math.h>

namespace rotary {
namespace {

bool HasPosition(const CompatibleAngles& to, int64_t token) {
  for (int64_t a = 0; a < to.embedding->axes; ++a) {
    const double position = to.positions[a * to.position_stride + token];
    if (position != position) return false;
  }
  return true;
}

float PositionOn(const CompatibleAngles& to, int64_t axis, int64_t token) {
  return static_cast<float>(to.positions[axis * to.position_stride + token]);
}

// HF transformers: position.float() * inv_freq.float().
void HfAngles(const CompatibleAngles& to, int64_t token, float* angles) {
  const rotary_embedding& embedding = *to.embedding;
  for (int64_t i = 0; i < to.pair_count; ++i) angles[i] = 0.0f;
  for (int64_t a = 0; a < embedding.axes; ++a) {
    const float position = PositionOn(to, a, token);
    const double* inv_freq =
        embedding.InvFreq(to.head) + a * embedding.padded_pairs + to.pair_begin;
    for (int64_t i = 0; i < to.pair_count; ++i) {
      const float frequency = static_cast<float>(inv_freq[i]);
      const float angle = position * frequency;
      angles[i] = frequency != 0.0f ? angle : angles[i];
    }
  }
}

// ggml's rope_yarn, up to the cos and sin.
float AngleOf(const GgmlAngle& ggml, float theta, float factor, int64_t i) {
  const float extrapolated = theta / factor;
  const float interpolated = ggml.freq_scale * extrapolated;
  if (ggml.ext_factor == 0.0f) return interpolated;
  const float low = static_cast<float>(ggml.ramp.low);
  const float width = fmaxf(0.001f, static_cast<float>(ggml.ramp.high) - low);
  const float at = (static_cast<float>(i) - low) / width;
  const float mix = (1.0f - fminf(1.0f, fmaxf(0.0f, at))) * ggml.ext_factor;
  return interpolated * (1.0f - mix) + extrapolated * mix;
}

// One multiplication after the other: theta of the next pair is that of this
// one times a step, on every axis.
void GgmlAngles(const CompatibleAngles& to) {
  const rotary_embedding& embedding = *to.embedding;
  const Model& model = embedding.config.model;
  const GgmlAngle ggml = GgmlAngleOf(model);
  float theta[kMaxAxes][kCompatibleTokens] = {};
  float steps[kMaxAxes];
  const auto start = [&](int64_t axis) {
    for (int64_t t = 0; t < kCompatibleTokens; ++t) {
      theta[axis][t] = t < to.count ? PositionOn(to, axis, t) : 0.0f;
    }
  };
  for (int64_t a = 0; a < embedding.axes; ++a) {
    start(a);
    steps[a] = GgmlStep(model.base, SourceOf(model, 0).dim);
  }
  for (int64_t i = 0; i < to.pair_begin + to.pair_count; ++i) {
    const bool padding = i >= embedding.pairs;
    const PairSource source =
        padding ? PairSource{0, i, 1, 1} : SourceOf(model, i);
    // Frequencies that begin again with a section.
    if (i > 0 && source.index == 0) {
      start(source.axis);
      steps[source.axis] = GgmlStep(model.base, source.dim);
    }
    if (i >= to.pair_begin) {
      float* angles = to.angles + i - to.pair_begin;
      const float factor =
          padding ? 1.0f : static_cast<float>(model.factors[i]);
      for (int64_t t = 0; t < to.count; ++t) {
        angles[t * to.row_stride] =
            AngleOf(ggml, theta[source.axis][t], factor, i);
      }
    }
    for (int64_t a = 0; a < embedding.axes; ++a) {
      for (int64_t t = 0; t < kCompatibleTokens; ++t) {
        theta[a][t] *= steps[a];
      }
    }
  }
}

}  // namespace

float GgmlStep(double base, int64_t dim) {
  const float exponent = -2.0f / static_cast<float>(dim);
  return static_cast<float>(pow(static_cast<double>(static_cast<float>(base)),
                                static_cast<double>(exponent)));
}

GgmlAngle GgmlAngleOf(const Model& model) {
  GgmlAngle ggml = {};
  ggml.freq_scale = 1.0f;
  if (model.scaling != Scaling::kGgml) return ggml;
  ggml.freq_scale = static_cast<float>(1.0 / model.fields[kFactor]);
  ggml.ext_factor = static_cast<float>(model.fields[kExtrapolationFactor]);
  if (ggml.ext_factor != 0.0f) {
    ggml.ramp = RampIn(model, model.fields[kBetaFast], model.fields[kBetaSlow]);
  }
  return ggml;
}

void MakeCompatibleAngles(const CompatibleAngles& to) {
  if (to.embedding->config.arithmetic == Arithmetic::kGgml) GgmlAngles(to);
  for (int64_t t = 0; t < to.count; ++t) {
    to.rotates[t] = HasPosition(to, t) ? kRotated : kCopied;
    if (to.embedding->config.arithmetic == Arithmetic::kHf) {
      HfAngles(to, t, to.angles + t * to.row_stride);
    }
  }
}

}  // namespace rotary
