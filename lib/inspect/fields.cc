#include "lib/inspect/fields.h"

#include <algorithm>
#include <utility>

namespace rotary_inspect {
namespace {

constexpr unsigned Bit(rotary_scaling_kind kind) { return 1U << kind; }
constexpr unsigned kLinear = Bit(ROTARY_SCALING_LINEAR);
constexpr unsigned kNtk = Bit(ROTARY_SCALING_NTK);
constexpr unsigned kDynamic = Bit(ROTARY_SCALING_DYNAMIC_NTK);
constexpr unsigned kByParts = Bit(ROTARY_SCALING_NTK_BY_PARTS);
constexpr unsigned kMixed = Bit(ROTARY_SCALING_NTK_MIXED);
constexpr unsigned kYarn = Bit(ROTARY_SCALING_YARN);
constexpr unsigned kLongRope = Bit(ROTARY_SCALING_LONGROPE);
constexpr unsigned kLlama3 = Bit(ROTARY_SCALING_LLAMA3);
constexpr unsigned kProportional = Bit(ROTARY_SCALING_PROPORTIONAL);
constexpr unsigned kGgml = Bit(ROTARY_SCALING_GGML);
constexpr unsigned kSpaced =
    Bit(ROTARY_SCALING_GEOMETRIC) | Bit(ROTARY_SCALING_LINSPACE);
constexpr unsigned kRiflex = Bit(ROTARY_SCALING_RIFLEX);

// Which kinds use which number, by what rotary_scaling_kind says of each.
struct ScalingNumber {
  const char* name;
  double rotary_scaling::*number;
  unsigned kinds;
  bool zero_is_unset;
};
constexpr ScalingNumber kNumbers[] = {
    {"factor", &rotary_scaling::factor,
     kLinear | kNtk | kDynamic | kByParts | kMixed | kYarn | kLongRope |
         kLlama3 | kProportional | kGgml,
     false},
    {"original_length", &rotary_scaling::original_length,
     kDynamic | kByParts | kYarn | kLongRope | kLlama3 | kGgml, false},
    {"length", &rotary_scaling::length, kDynamic | kLongRope | kRiflex, true},
    {"attention_factor", &rotary_scaling::attention_factor, kYarn | kLongRope,
     true},
    {"beta_fast", &rotary_scaling::beta_fast, kYarn | kGgml, false},
    {"beta_slow", &rotary_scaling::beta_slow, kYarn | kGgml, false},
    {"extrapolation_factor", &rotary_scaling::extrapolation_factor,
     kByParts | kYarn | kGgml, false},
    {"mscale", &rotary_scaling::mscale, kYarn, true},
    {"mscale_all_dim", &rotary_scaling::mscale_all_dim, kYarn, true},
    {"low_freq_factor", &rotary_scaling::low_freq_factor, kLlama3, false},
    {"high_freq_factor", &rotary_scaling::high_freq_factor, kLlama3, false},
    {"partial_rotary_factor", &rotary_scaling::partial_rotary_factor,
     kProportional, false},
    {"ntk_factor", &rotary_scaling::ntk_factor, kByParts, false},
    {"beta_0", &rotary_scaling::beta_0, kByParts, false},
    {"beta_1", &rotary_scaling::beta_1, kByParts, false},
    {"gamma_0", &rotary_scaling::gamma_0, kByParts, false},
    {"gamma_1", &rotary_scaling::gamma_1, kByParts, false},
    {"exponent", &rotary_scaling::exponent, kMixed, false},
    {"first_freq", &rotary_scaling::first_freq, kSpaced, false},
    {"last_freq", &rotary_scaling::last_freq, kSpaced, false},
    {"pair", &rotary_scaling::pair, kRiflex, false},
};

class Collector {
 public:
  Collector(const rotary_model* model, int64_t index,
            const rotary_rotation& rotation, const rotary_embedding* embedding)
      : model_(model),
        index_(index),
        rotation_(rotation),
        embedding_(embedding) {}

  std::vector<Field> Collect() {
    const rotary_embedding_config& config = rotation_.config;
    Add("pairing", rotation_.pairing == ROTARY_HALF
                       ? std::string("half")
                       : std::string("interleaved"));
    Add("head_dim", rotation_.head_dim);
    Add("rotary_dim", config.rotary_dim);
    Add("rotary_offset", rotation_.rotary_offset);
    Add("base", config.base);
    if (config.freq_dim != 0) Add("freq_dim", config.freq_dim);
    AddScaling();
    AddAxes();
    fields_.push_back(
        {"gain", rotary_embedding_gain(embedding_), GainSource()});
    Add("softmax_multiplier", rotation_.softmax_multiplier);
    Add("trained_length", OrNothing(rotation_.trained_length, true));
    if (rotation_.trained_length == 0.0) fields_.back().source = "not told";
    if (rotation_.log_n_length != 0.0) {
      Add("log_n_length", rotation_.log_n_length);
    }
    const std::string beta = Text("llama_4_scaling_beta");
    if (!beta.empty()) Add("llama_4_scaling_beta", beta);
    fields_.push_back({"embedding_bytes",
                       static_cast<int64_t>(rotary_embedding_bytes(embedding_)),
                       "computed"});
    return std::move(fields_);
  }

 private:
  static FieldValue OrNothing(double number, bool zero_is_unset) {
    if (zero_is_unset && number == 0.0) return std::monostate();
    return number;
  }

  std::string Source(const std::string& name) const {
    const char* source = rotary_model_source(model_, index_, name.c_str());
    return source != nullptr ? source : "";
  }

  // The value as the model tells it, or "".
  std::string Text(const std::string& name) const {
    const int64_t count = rotary_model_values(model_, index_);
    for (int64_t i = 0; i < count; ++i) {
      rotary_model_value value;
      rotary_model_value_init(&value, sizeof(value));
      rotary_model_value_at(model_, index_, i, &value, nullptr);
      if (name == value.name) return value.value;
    }
    return "";
  }

  std::string KindName() const {
    const std::string told = Text("scaling.kind");
    return told.empty() ? "default" : told;
  }

  void Add(const std::string& name, FieldValue value) {
    const std::string source = Source(name);
    fields_.push_back(
        {name, std::move(value), source.empty() ? "default" : source});
  }

  rotary_scaling_kind Kind() const {
    const rotary_scaling* scaling = rotation_.config.scaling;
    return scaling != nullptr ? scaling->kind : ROTARY_SCALING_DEFAULT;
  }

  void AddScaling() {
    Add("scaling.kind", KindName());
    const rotary_scaling* scaling = rotation_.config.scaling;
    if (scaling == nullptr) return;
    for (const ScalingNumber& number : kNumbers) {
      if ((number.kinds & Bit(scaling->kind)) == 0) continue;
      Add(std::string("scaling.") + number.name,
          OrNothing(scaling->*number.number, number.zero_is_unset));
    }
    if (scaling->kind == ROTARY_SCALING_YARN) {
      Add("scaling.truncate", int64_t{scaling->truncate});
    }
    if (scaling->kind == ROTARY_SCALING_LONGROPE) {
      AddList("scaling.short_factors", scaling->short_factors);
      AddList("scaling.long_factors", scaling->long_factors);
    }
    AddList("scaling.factors", scaling->factors);
  }

  void AddList(const char* name, const void* list) {
    if (list == nullptr) return;
    const rotary_embedding_config& config = rotation_.config;
    const int64_t heads = std::max<int64_t>(config.heads, 1);
    const auto count = static_cast<size_t>(heads * config.rotary_dim / 2);
    std::vector<double> numbers;
    if (config.scaling->factors_dtype == ROTARY_F64) {
      const auto* from = static_cast<const double*>(list);
      numbers.assign(from, from + count);
    } else {
      const auto* from = static_cast<const float*>(list);
      numbers.assign(from, from + count);
    }
    Add(name, std::move(numbers));
  }

  void AddAxes() {
    const rotary_axes* axes = rotation_.config.axes;
    if (axes == nullptr) return;
    fields_.push_back(
        {"axes.num_axes", axes->num_axes,
         Source(Source("axes.sections").empty() ? "axes.layout"
                                                : "axes.sections")});
    Add("axes.layout", Text("axes.layout"));
    if (Source("axes.sections").empty()) return;
    Add("axes.sections",
        std::vector<double>(axes->sections, axes->sections + axes->num_axes));
  }

  // Of config.gain and of the scaling's attention factor, whose product it is.
  std::string GainSource() const {
    std::string sources = Source("gain");
    std::string factor = Source("scaling.attention_factor");
    if (factor.empty() &&
        rotary_embedding_gain(embedding_) != rotation_.config.gain) {
      factor = "formula of " + KindName();
    }
    if (!sources.empty() && !factor.empty()) sources += " and ";
    sources += factor;
    return sources.empty() ? "default" : sources;
  }

  const rotary_model* model_;
  int64_t index_;
  const rotary_rotation& rotation_;
  const rotary_embedding* embedding_;
  std::vector<Field> fields_;
};

}  // namespace

std::vector<Field> FieldsOf(const rotary_model* model, int64_t index,
                            const rotary_rotation& rotation,
                            const rotary_embedding* embedding) {
  return Collector(model, index, rotation, embedding).Collect();
}

bool DependsOnLength(const rotary_rotation& rotation) {
  const rotary_scaling* scaling = rotation.config.scaling;
  return scaling != nullptr &&
         (Bit(scaling->kind) & (kDynamic | kLongRope | kRiflex)) != 0;
}

}  // namespace rotary_inspect
