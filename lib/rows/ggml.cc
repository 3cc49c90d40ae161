#include "lib/rows/ggml.h"

#include <math.h>

namespace rotary {

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
  pairs->divides = model.factors.data != nullptr;
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
