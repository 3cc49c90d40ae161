#include "lib/import/gguf_scaling.h"

#include <math.h>

#include <string>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

class Reader {
 public:
  Reader(const GgufKeys& keys, const GgufArchitecture& architecture,
         double length, Rotation* rotation)
      : keys_(keys),
        architecture_(architecture),
        length_(length),
        rotation_(*rotation) {}

  void Read() {
    const Found<std::string> given = keys_.Text("rope.scaling.type");
    const std::string type = given ? given->value : "linear";
    const std::string source = given ? given->source : "default";
    if (type != "none" && type != "linear" && type != "yarn" &&
        type != "longrope") {
      throw Refusal(source, "\"" + type + "\" is no scaling that is known");
    }
    factor_ = keys_.Number("rope.scaling.factor");
    if (!factor_) factor_ = keys_.Number("rope.scale_linear");
    if (factor_ && (factor_->value == 0.0 || type == "none")) {
      factor_ = std::nullopt;
    }
    if (type == "yarn") {
      ReadYarn(source);
    } else if (!ReadLongRope(type == "longrope", source)) {
      const bool scaled = factor_ && factor_->value != 1.0;
      rotation_.SetScaling(
          scaled ? ROTARY_SCALING_LINEAR : ROTARY_SCALING_DEFAULT, source);
      if (scaled) Set("factor", &rotary_scaling::factor, factor_);
    }
    rotation_.SetList("scaling.factors", &rotation_.factors,
                      keys_.Tensor("rope_freqs.weight"));
    rotation_.Set("gain", &rotation_.config.gain,
                  keys_.Number("rope.scaling.attn_factor"));
    ReadSoftmax(type == "yarn");
  }

 private:
  bool Has(GgufTrait trait) const {
    return (architecture_.traits & trait) != 0;
  }
  void Set(const std::string& name, double rotary_scaling::*field,
           const Found<double>& found) {
    rotation_.Set("scaling." + name, &(rotation_.scaling.*field), found);
  }

  void SetOriginalLength() {
    Found<double> found = keys_.Number("rope.scaling.original_context_length");
    if (!found) found = keys_.Number("context_length");
    if (!found) throw Refusal(keys_.Full("context_length"), "is missing");
    Set("original_length", &rotary_scaling::original_length, found);
  }

  // A negative one is llama.cpp's "by the type", which is 1.
  void SetShareOfKept() {
    const Found<double> share = keys_.Number("rope.scaling.yarn_ext_factor");
    if (!share || share->value < 0.0) return;
    // Then it is no YaRN, and another key multiplies cos and sin.
    if (share->value == 0.0) throw Refusal(share->source, "must not be 0");
    Set("extrapolation_factor", &rotary_scaling::extrapolation_factor, share);
  }

  void ReadYarn(const std::string& source) {
    rotation_.SetScaling(ROTARY_SCALING_YARN, source);
    Set("factor", &rotary_scaling::factor, factor_);
    SetOriginalLength();
    if (Has(kGrokYarn)) {
      Set("beta_fast", &rotary_scaling::beta_fast,
          {{8.0, "architecture " + keys_.architecture()}});
      SetShareOfKept();
    }
    if (Has(kYarnKeys)) {
      Set("beta_fast", &rotary_scaling::beta_fast,
          keys_.Number("rope.scaling.yarn_beta_fast"));
      Set("beta_slow", &rotary_scaling::beta_slow,
          keys_.Number("rope.scaling.yarn_beta_slow"));
    }
    if (!Has(kLogMultiplier) && !Has(kRawLogMultiplier)) return;
    Found<double> multiplier = keys_.Number("rope.scaling.yarn_log_multiplier");
    if (!multiplier || multiplier->value == 0.0) return;
    if (Has(kLogMultiplier)) {
      // In f32, as llama.cpp does: of the stored 0.1f it makes 1.
      multiplier->value = static_cast<float>(multiplier->value) / 0.1f;
    }
    Set("mscale_all_dim", &rotary_scaling::mscale_all_dim, multiplier);
    Set("mscale", &rotary_scaling::mscale,
        Has(kEqualMscale)
            ? multiplier
            : Found<double>({1.0, "architecture " + keys_.architecture()}));
  }

  // Whether there are lists; rope_freqs count before them.
  bool ReadLongRope(bool by_type, const std::string& source) {
    if (!by_type && !Has(kFactorsAlways)) return false;
    if (keys_.Tensor("rope_freqs.weight")) return false;
    const auto long_list = keys_.Tensor("rope_factors_long.weight");
    const auto short_list = keys_.Tensor("rope_factors_short.weight");
    if (!long_list && !short_list && !by_type) return false;
    if (!long_list) throw Refusal("rope_factors_long.weight", "is missing");
    if (!short_list) throw Refusal("rope_factors_short.weight", "is missing");
    rotation_.SetScaling(
        ROTARY_SCALING_LONGROPE,
        by_type ? source : "architecture " + keys_.architecture());
    rotation_.SetList("scaling.short_factors", &rotation_.short_factors,
                      short_list);
    rotation_.SetList("scaling.long_factors", &rotation_.long_factors,
                      long_list);
    SetOriginalLength();
    // The gain is told by a key of its own.
    Set("attention_factor", &rotary_scaling::attention_factor,
        {{1.0, "architecture " + keys_.architecture()}});
    if (length_ > 0.0) {
      Set("length", &rotary_scaling::length, {{length_, kStated}});
    }
    if (factor_ && factor_->value != 1.0) {
      throw Refusal(factor_->source, "must be 1 beside lists of factors");
    }
    return true;
  }

  // DeepSeek's graphs: m^2, m = (what multiplies cos and sin) * (1 + 0.1
  // mscale_all_dim ln s).
  void ReadSoftmax(bool yarn) {
    const double s = factor_ ? factor_->value : 1.0;
    if (!Has(kYarnSoftmax) || s <= 1.0) return;
    const double log_s = 0.1 * log(s);
    const double all = rotation_.scaling.mscale_all_dim;
    const double of_all = 1.0 + all * log_s;
    double attention = 1.0 + log_s;
    if (yarn && all != 0.0) {
      attention = (1.0 + rotation_.scaling.mscale * log_s) / of_all;
    }
    const double m = rotation_.config.gain * attention * of_all;
    rotation_.softmax_multiplier = m * m;
    rotation_.Note("softmax_multiplier", TextOf(m * m),
                   "architecture " + keys_.architecture());
  }

  const GgufKeys& keys_;
  const GgufArchitecture& architecture_;
  double length_;
  Rotation& rotation_;
  Found<double> factor_;
};

}  // namespace

void ReadGgufScaling(const GgufKeys& keys, const GgufArchitecture& architecture,
                     double length, Rotation* rotation) {
  Reader(keys, architecture, length, rotation).Read();
}

}  // namespace rotary_import
