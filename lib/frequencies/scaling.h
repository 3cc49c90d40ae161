// What the model is: its frequencies, by the scaling that extends its context.
// One function per scaling.  Called when an embedding is made.

#ifndef ROTARY_LIB_FREQUENCIES_SCALING_H_
#define ROTARY_LIB_FREQUENCIES_SCALING_H_

#include <stdint.h>

#include "lib/frequencies/axes.h"
#include "lib/frequencies/ramp.h"

namespace rotary {

// In the order of rotary_scaling_kind.
enum class Scaling : int32_t {
  kDefault,
  kLinear,
  kNtk,
  kDynamicNtk,
  kNtkByParts,
  kNtkMixed,
  kYarn,
  kLongRope,
  kLlama3,
  kProportional,
  kGgml,
  kGeometric,
  kLinspace,
  kRiflex,
  kCount
};

// The numbers that scalings have, as rotary_scaling names them.
enum ScalingField : int {
  kFactor,
  kOriginalLength,
  kLength,
  kAttentionFactor,
  kBetaFast,
  kBetaSlow,
  kExtrapolationFactor,
  kMscale,
  kMscaleAllDim,
  kLowFreqFactor,
  kHighFreqFactor,
  kPartialRotaryFactor,
  kNtkFactor,
  kBeta0,
  kBeta1,
  kGamma0,
  kGamma1,
  kExponent,
  kFirstFreq,
  kLastFreq,
  kPair,
  kNumScalingFields
};

// Divisors of the frequencies, [count], or none.
struct Divisors {
  const void* data = nullptr;
  bool f64 = false;

  double operator[](int64_t i) const {
    if (data == nullptr) return 1.0;
    return f64 ? static_cast<const double*>(data)[i]
               : static_cast<double>(static_cast<const float*>(data)[i]);
  }
};

// The numbers of all heads' pairs run through: pair i of head h is h * pairs +
// i.
struct Model {
  int64_t count = 0;     // of pairs, and of their frequencies
  int64_t freq_dim = 0;  // of the exponents of a ramp
  // [count] what turns each pair; nullptr: pair i is frequency i of freq_dim.
  const PairSource* sources = nullptr;
  double base = 0.0;
  Scaling scaling = Scaling::kDefault;
  bool truncate = true;  // ramps end at whole pairs
  double fields[kNumScalingFields] = {};
  Divisors factors;  // of whatever the scaling makes
  Divisors short_factors;
  Divisors long_factors;
};

// What else a scaling has or needs.
enum ScalingTrait : uint32_t {
  kHasTruncate = 1,    // its ramps need not end at whole pairs
  kNeedsLists = 2,     // short_factors and long_factors
  kNeedsLastPair = 4,  // freq_dim > 2, if there are more pairs than the first
};

// Of one scaling.
struct ScalingRule {
  // Makes inv_freq, [count] (before `factors`), and returns the attention
  // factor.
  double (*make)(const Model& model, double* inv_freq);
  uint32_t uses;          // bits of the ScalingFields that it reads
  uint32_t uses_to_keep;  // and of those if extrapolation_factor is not 0
  uint32_t traits;        // of ScalingTrait
};
extern const ScalingRule kScalings[static_cast<int>(Scaling::kCount)];

// Frequency `index` of `count`, by an exponent of `dim`, turns pair i.
inline PairSource SourceOf(const Model& model, int64_t i) {
  if (model.sources != nullptr) return model.sources[i];
  return {0, i, model.count, model.freq_dim};
}

// The ramp between the pairs that turn `fast` and `slow` times in the length
// that the model was trained on.
Ramp RampIn(const Model& model, double fast, double slow);

// Makes inv_freq, [count], of a model that has been checked; returns the
// attention factor.
double MakeFrequencies(const Model& model, double* inv_freq);

// Whether two models that differ in their length have other frequencies.
bool LengthMatters(const Model& a, const Model& b);

// What DeepSeek's softmax is multiplied by, beside 1 / sqrt(head_dim).
double SoftmaxMultiplier(const Model& model);

}  // namespace rotary

#endif  // ROTARY_LIB_FREQUENCIES_SCALING_H_
