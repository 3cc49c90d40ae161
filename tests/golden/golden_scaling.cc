#include "tests/golden/golden_scaling.h"

#include <cmath>
#include <map>
#include <stdexcept>
#include <string>

namespace rotary_test {
namespace {

using nlohmann::json;

rotary_scaling_kind KindOf(const json& type) {
  static const std::map<std::string, rotary_scaling_kind> kinds = {
      {"default", ROTARY_SCALING_DEFAULT},
      {"linear", ROTARY_SCALING_LINEAR},
      {"ntk", ROTARY_SCALING_NTK},
      {"dynamic", ROTARY_SCALING_DYNAMIC_NTK},
      {"ntk_by_parts", ROTARY_SCALING_NTK_BY_PARTS},
      {"ntk_mixed", ROTARY_SCALING_NTK_MIXED},
      {"yarn", ROTARY_SCALING_YARN},
      {"longrope", ROTARY_SCALING_LONGROPE},
      {"llama3", ROTARY_SCALING_LLAMA3},
      {"proportional", ROTARY_SCALING_PROPORTIONAL},
      {"ggml", ROTARY_SCALING_GGML},
      {"linspace", ROTARY_SCALING_LINSPACE}};
  const auto found = kinds.find(type.get<std::string>());
  if (found == kinds.end()) throw std::runtime_error("scaling " + type.dump());
  return found->second;
}

// The fields that are numbers of rotary_scaling under a name of their own.
double rotary_scaling::*FieldOf(const std::string& name) {
  static const std::map<std::string, double rotary_scaling::*> fields = {
      {"factor", &rotary_scaling::factor},
      {"original_max_position_embeddings", &rotary_scaling::original_length},
      {"seq_len", &rotary_scaling::length},
      {"attention_factor", &rotary_scaling::attention_factor},
      {"beta_fast", &rotary_scaling::beta_fast},
      {"beta_slow", &rotary_scaling::beta_slow},
      {"extrapolation_factor", &rotary_scaling::extrapolation_factor},
      {"ext_factor", &rotary_scaling::extrapolation_factor},
      {"mscale", &rotary_scaling::mscale},
      {"mscale_all_dim", &rotary_scaling::mscale_all_dim},
      {"low_freq_factor", &rotary_scaling::low_freq_factor},
      {"high_freq_factor", &rotary_scaling::high_freq_factor},
      {"partial_rotary_factor", &rotary_scaling::partial_rotary_factor},
      {"ntk_factor", &rotary_scaling::ntk_factor},
      {"beta_0", &rotary_scaling::beta_0},
      {"beta_1", &rotary_scaling::beta_1},
      {"gamma_0", &rotary_scaling::gamma_0},
      {"gamma_1", &rotary_scaling::gamma_1},
      {"b", &rotary_scaling::exponent},
      {"first_freq", &rotary_scaling::first_freq},
      {"last_freq", &rotary_scaling::last_freq}};
  const auto found = fields.find(name);
  return found == fields.end() ? nullptr : found->second;
}

}  // namespace

GoldenScaling::GoldenScaling(const json& params) {
  const json scaling = params.value("scaling", json::object());
  rotary_scaling_init(&scaling_, sizeof(scaling_),
                      KindOf(scaling.value("type", json("default"))));
  scaling_.factors_dtype = ROTARY_F64;
  for (const auto& item : scaling.items()) Read(item.key(), item.value());
}

void GoldenScaling::Read(const std::string& name, const json& value) {
  if (name == "type" || value.is_null()) return;
  if (name == "truncate") {
    scaling_.truncate = value.get<bool>() ? 1 : 0;
  } else if (name == "attn_factor") {
    gain_ = value.get<double>();
  } else if (name == "freq_scale") {
    scaling_.factor = 1 / value.get<double>();
  } else if (name == "freq_factors") {
    factors_ = value.get<std::vector<double>>();
    scaling_.factors = factors_.data();
  } else if (name == "short_factor") {
    short_factors_ = value.get<std::vector<double>>();
    scaling_.short_factors = short_factors_.data();
  } else if (name == "long_factor") {
    long_factors_ = value.get<std::vector<double>>();
    scaling_.long_factors = long_factors_.data();
  } else {
    double rotary_scaling::*field = FieldOf(name);
    if (field == nullptr) throw std::runtime_error("scaling." + name);
    scaling_.*field = value.get<double>();
  }
}

}  // namespace rotary_test
