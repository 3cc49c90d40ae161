#include "lib/frequencies/scaling.h"

#include <math.h>

#include "lib/frequencies/inv_freq.h"
#include "lib/frequencies/ramp.h"

namespace rotary {
namespace {

constexpr double kTwoPi = 6.283185307179586;

double Default(const Model& model, double* inv_freq) {
  for (int64_t i = 0; i < model.count; ++i) {
    const PairSource source = SourceOf(model, i);
    inv_freq[i] = DefaultInvFreq(model.base, source.index, source.dim);
  }
  return 1.0;
}

// Position interpolation: arXiv:2306.15595.
double Linear(const Model& model, double* inv_freq) {
  Default(model, inv_freq);
  for (int64_t i = 0; i < model.count; ++i) {
    inv_freq[i] /= model.fields[kFactor];
  }
  return 1.0;
}

// What NTK-aware scaling multiplies frequency i by: 1 the first, 1 / factor the
// last (reddit.com/user/bloc97, 2023).  The larger base that has this effect
// may be beyond f64.
double NtkShare(const Model& model, double factor, int64_t i) {
  const PairSource source = SourceOf(model, i);
  if (source.index == 0) return 1.0;
  return RationalPower(factor, static_cast<double>(-2 * source.index),
                       static_cast<double>(source.dim - 2));
}

void StretchLast(const Model& model, double factor, double* inv_freq) {
  Default(model, inv_freq);
  for (int64_t i = 0; i < model.count; ++i) {
    inv_freq[i] *= NtkShare(model, factor, i);
  }
}

double Ntk(const Model& model, double* inv_freq) {
  StretchLast(model, model.fields[kFactor], inv_freq);
  return 1.0;
}

// As HF transformers: NTK-aware, by the length.
double DynamicNtk(const Model& model, double* inv_freq) {
  const double trained = model.fields[kOriginalLength];
  const double more = fmax(model.fields[kLength] - trained, 0.0) / trained;
  StretchLast(model, 1.0 + model.fields[kFactor] * more, inv_freq);
  return 1.0;
}

// NTK-by-parts: interpolated, NTK-aware and untouched frequencies blended by
// two ramps (jquesnelle/yarn, LlamaPartNTKScaledRotaryEmbedding).
double NtkByParts(const Model& model, double* inv_freq) {
  const double* f = model.fields;
  const Ramp ntk_ramp = RampIn(model, f[kBeta0], f[kBeta1]);
  const Ramp plain_ramp = RampIn(model, f[kGamma0], f[kGamma1]);
  Default(model, inv_freq);
  for (int64_t i = 0; i < model.count; ++i) {
    const double plain = inv_freq[i];
    const double ntk = plain * NtkShare(model, f[kFactor], i);
    const double a = At(ntk_ramp, i) * f[kNtkFactor];
    const double b = At(plain_ramp, i) * f[kExtrapolationFactor];
    const double blend = plain / f[kFactor] * (1.0 - a) + ntk * a;
    inv_freq[i] = blend * (1.0 - b) + plain * b;
  }
  return 1.0;
}

// NTK-mixed: su.kexue.fm, "NTK-RoPE mixed", by an exponent.
double NtkMixed(const Model& model, double* inv_freq) {
  const double log_factor = log(model.fields[kFactor]);
  Default(model, inv_freq);
  for (int64_t i = 0; i < model.count; ++i) {
    const PairSource source = SourceOf(model, i);
    const double half = static_cast<double>(source.dim) / 2.0;
    const double share = pow(static_cast<double>(source.index + 1) / half,
                             model.fields[kExponent]);
    inv_freq[i] *= exp(-log_factor * share);
  }
  return 1.0;
}

// YaRN's magnitude (arXiv:2309.00071, equation 22) with DeepSeek's factor.
double Magnitude(double factor, double mscale) {
  return factor <= 1.0 ? 1.0 : 0.1 * mscale * log(factor) + 1.0;
}

// Interpolated where the ramp is 0, kept where it is 1.
void Interpolate(const Model& model, double* inv_freq) {
  if (model.fields[kExtrapolationFactor] == 0.0) {
    Linear(model, inv_freq);
    return;
  }
  const Ramp ramp =
      RampIn(model, model.fields[kBetaFast], model.fields[kBetaSlow]);
  Default(model, inv_freq);
  for (int64_t i = 0; i < model.count; ++i) {
    const double keep = At(ramp, i) * model.fields[kExtrapolationFactor];
    inv_freq[i] =
        inv_freq[i] / model.fields[kFactor] * (1.0 - keep) + inv_freq[i] * keep;
  }
}

double Yarn(const Model& model, double* inv_freq) {
  const double* f = model.fields;
  Interpolate(model, inv_freq);
  if (f[kAttentionFactor] != 0.0) return f[kAttentionFactor];
  if (f[kMscale] != 0.0 && f[kMscaleAllDim] != 0.0) {
    return Magnitude(f[kFactor], f[kMscale]) /
           Magnitude(f[kFactor], f[kMscaleAllDim]);
  }
  return Magnitude(f[kFactor], 1.0);
}

// As ggml: a magnitude only where something is kept, then whatever the factor.
double Ggml(const Model& model, double* inv_freq) {
  const double* f = model.fields;
  Interpolate(model, inv_freq);
  return f[kExtrapolationFactor] == 0.0 ? 1.0 : 1.0 + 0.1 * log(f[kFactor]);
}

// LongRoPE (arXiv:2402.13753) as in Phi-3.
double LongRope(const Model& model, double* inv_freq) {
  const double* f = model.fields;
  const Divisors& divisors = f[kLength] > f[kOriginalLength]
                                 ? model.long_factors
                                 : model.short_factors;
  Default(model, inv_freq);
  for (int64_t i = 0; i < model.count; ++i) inv_freq[i] /= divisors[i];
  if (f[kAttentionFactor] != 0.0) return f[kAttentionFactor];
  if (f[kFactor] <= 1.0) return 1.0;
  return sqrt(1.0 + log(f[kFactor]) / log(f[kOriginalLength]));
}

// Llama 3.1: by the wavelength of each pair.
double Llama3(const Model& model, double* inv_freq) {
  const double* f = model.fields;
  const double low = f[kLowFreqFactor];
  const double high = f[kHighFreqFactor];
  Default(model, inv_freq);
  for (int64_t i = 0; i < model.count; ++i) {
    const double wavelength = kTwoPi / inv_freq[i];
    const double turns = f[kOriginalLength] / wavelength;
    const double scaled = inv_freq[i] / f[kFactor];
    if (turns > high) continue;
    // low == high leaves nothing between.
    const double keep =
        turns < low || high == low ? 0.0 : (turns - low) / (high - low);
    inv_freq[i] = (1.0 - keep) * scaled + keep * inv_freq[i];
  }
  return 1.0;
}

// Gemma 4: the first pairs of the whole head turn, the others do not.
double Proportional(const Model& model, double* inv_freq) {
  Linear(model, inv_freq);
  for (int64_t i = 0; i < model.count; ++i) {
    const PairSource source = SourceOf(model, i);
    const double turning = floor(model.fields[kPartialRotaryFactor] *
                                 static_cast<double>(source.dim) / 2.0);
    if (static_cast<double>(source.index) >= turning) inv_freq[i] = 0.0;
  }
  return 1.0;
}

// How far frequency i is from an axis's first to its last, 0 to 1.
double Way(const Model& model, int64_t i) {
  const PairSource source = SourceOf(model, i);
  if (source.index == 0) return 0.0;
  return static_cast<double>(source.index) /
         static_cast<double>(source.count - 1);
}

// Equal ratios (LTX-Video; DINOv3 with a least and a largest period).
double Geometric(const Model& model, double* inv_freq) {
  const double first = model.fields[kFirstFreq];
  const double last = model.fields[kLastFreq];
  for (int64_t i = 0; i < model.count; ++i) {
    inv_freq[i] = first * pow(last / first, Way(model, i));
  }
  return 1.0;
}

// Equal steps (lucidrains' "pixel").
double Linspace(const Model& model, double* inv_freq) {
  const double first = model.fields[kFirstFreq];
  const double last = model.fields[kLastFreq];
  for (int64_t i = 0; i < model.count; ++i) {
    const double way = Way(model, i);
    inv_freq[i] = first * (1.0 - way) + last * way;
  }
  return 1.0;
}

// RIFLEx (arXiv:2502.15894): the frequency that would repeat a video turns less
// than once in its length.
double Riflex(const Model& model, double* inv_freq) {
  const double length = model.fields[kLength];
  Default(model, inv_freq);
  for (int64_t i = 0; i < model.count && length > 0.0; ++i) {
    const PairSource source = SourceOf(model, i);
    if (source.axis != 0) continue;
    if (static_cast<double>(source.index) != model.fields[kPair]) continue;
    inv_freq[i] = 0.9 * kTwoPi / length;
  }
  return 1.0;
}

constexpr uint32_t Bit(ScalingField field) { return uint32_t{1} << field; }

template <class... Fields>
constexpr uint32_t Bits(Fields... fields) {
  return (Bit(fields) | ... | 0u);
}

}  // namespace

// What a ramp needs.
constexpr uint32_t kRampFields = Bits(kOriginalLength, kBetaFast, kBetaSlow);

const ScalingRule kScalings[] = {
    {Default, 0, 0, 0},
    {Linear, Bits(kFactor), 0, 0},
    {Ntk, Bits(kFactor), 0, kNeedsLastPair},
    {DynamicNtk, Bits(kFactor, kOriginalLength, kLength), 0, kNeedsLastPair},
    {NtkByParts,
     Bits(kFactor, kOriginalLength, kExtrapolationFactor, kNtkFactor, kBeta0,
          kBeta1, kGamma0, kGamma1),
     0, kNeedsLastPair},
    {NtkMixed, Bits(kFactor, kExponent), 0, 0},
    {Yarn,
     Bits(kFactor, kAttentionFactor, kExtrapolationFactor, kMscale,
          kMscaleAllDim),
     kRampFields, kHasTruncate},
    {LongRope, Bits(kFactor, kOriginalLength, kLength, kAttentionFactor), 0,
     kNeedsLists},
    {Llama3, Bits(kFactor, kOriginalLength, kLowFreqFactor, kHighFreqFactor), 0,
     0},
    {Proportional, Bits(kFactor, kPartialRotaryFactor), 0, 0},
    {Ggml, Bits(kFactor, kExtrapolationFactor), kRampFields, 0},
    {Geometric, Bits(kFirstFreq, kLastFreq), 0, 0},
    {Linspace, Bits(kFirstFreq, kLastFreq), 0, 0},
    {Riflex, Bits(kLength, kPair), 0, 0},
};

Ramp RampIn(const Model& model, double fast, double slow) {
  return RampOf(model.base, model.freq_dim, model.fields[kOriginalLength], fast,
                slow, model.truncate);
}

double MakeFrequencies(const Model& model, double* inv_freq) {
  const double attention =
      kScalings[static_cast<int>(model.scaling)].make(model, inv_freq);
  if (model.factors.data != nullptr) {
    for (int64_t i = 0; i < model.count; ++i) inv_freq[i] /= model.factors[i];
  }
  for (int64_t i = 0; i < model.count; ++i) {
    if (SourceOf(model, i).axis < 0) inv_freq[i] = 0.0;
  }
  return attention;
}

bool LengthMatters(const Model& a, const Model& b) {
  const double trained = a.fields[kOriginalLength];
  const double x = a.fields[kLength];
  const double y = b.fields[kLength];
  switch (a.scaling) {
    case Scaling::kDynamicNtk:
      // NTK-aware scaling leaves the first pair as it is.
      return a.count > 1 && fmax(x, trained) != fmax(y, trained);
    case Scaling::kLongRope:
      return (x > trained) != (y > trained);
    case Scaling::kRiflex:
      return x != y;
    default:
      return false;
  }
}

double SoftmaxMultiplier(const Model& model) {
  if (model.scaling != Scaling::kYarn) return 1.0;
  if (model.fields[kMscaleAllDim] == 0.0) return 1.0;
  const double magnitude =
      Magnitude(model.fields[kFactor], model.fields[kMscaleAllDim]);
  return magnitude * magnitude;
}

}  // namespace rotary
