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

void MakeHfAngles(const CompatibleAngles& to) {
  const rotary_embedding& embedding = *to.embedding;
  HfAnglesJob job;
  job.inv_freq = embedding.InvFreq(to.head) + to.pair_begin;
  job.axis_stride = embedding.padded_pairs;
  job.group_axes = embedding.GroupAxes(to.head) + to.pair_begin / kPairPadding;
  job.positions = to.positions;
  job.position_stride = to.position_stride;
  job.count = to.count;
  job.pair_count = to.pair_count;
  job.angles = to.angles;
  job.row_stride = to.row_stride;
  kHfAngles[to.target](job);
}

void MakeGgmlAngles(const CompatibleAngles& to) {
  const rotary_embedding& embedding = *to.embedding;
  GgmlAnglesJob job;
  job.axes = embedding.ggml.axes;
  job.steps = embedding.ggml.steps;
  const bool divides = embedding.config.model.factors.data != nullptr;
  job.divisors = divides ? embedding.ggml.divisors : nullptr;
  job.mixes = embedding.ggml.mixes;
  job.freq_scale = embedding.ggml.freq_scale;
  job.positions = to.positions;
  job.position_stride = to.position_stride;
  job.num_axes = embedding.axes;
  job.count = to.count;
  job.pair_begin = to.pair_begin;
  job.pair_count = to.pair_count;
  job.angles = to.angles;
  job.row_stride = to.row_stride;
  kGgmlAngles[to.target](job);
}

}  // namespace

void MakeCompatibleAngles(const CompatibleAngles& to) {
  for (int64_t t = 0; t < to.count; ++t) {
    to.rotates[t] = HasPosition(to, t) ? kRotated : kCopied;
  }
  const bool hf = to.embedding->config.arithmetic == Arithmetic::kHf;
  return hf ? MakeHfAngles(to) : MakeGgmlAngles(to);
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

void MakeGgmlPairs(const Model& model, int64_t padded_pairs, GgmlPairs* pairs) {
  const GgmlPairs& to = *pairs;
  const GgmlAngle ggml = GgmlAngleOf(model);
  const float low = static_cast<float>(ggml.ramp.low);
  const float width = fmaxf(0.001f, static_cast<float>(ggml.ramp.high) - low);
  pairs->freq_scale = ggml.freq_scale;
  const double base = static_cast<double>(static_cast<float>(model.base));
  for (int64_t i = 0; i < padded_pairs; ++i) {
    const PairSource source =
        i < model.count ? SourceOf(model, i) : PairSource{0, i, 1, 1};
    to.axes[i] = static_cast<uint8_t>(source.axis |
                                      (source.index == 0 ? kGgmlBegins : 0));
    const float exponent = -2.0f / static_cast<float>(source.dim);
    to.steps[i] = static_cast<float>(pow(base, static_cast<double>(exponent)));
    to.divisors[i] =
        i < model.count ? static_cast<float>(model.factors[i]) : 1.0f;
    const float at = (static_cast<float>(i) - low) / width;
    to.mixes[i] = ggml.ext_factor == 0.0f
                      ? 0.0f
                      : (1.0f - fminf(1.0f, fmaxf(0.0f, at))) * ggml.ext_factor;
  }
}

}  // namespace rotary
