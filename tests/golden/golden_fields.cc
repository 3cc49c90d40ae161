// The fields of the golden format, and what type each has.
#include "tests/golden/golden_fields.h"

#include <algorithm>
#include <map>
#include <set>
#include <stdexcept>
#include <string>

namespace rotary_test {
namespace {

using nlohmann::json;

bool IsText(const json& value) { return value.is_string(); }
bool IsTextOrNull(const json& value) {
  return IsText(value) || value.is_null();
}
bool IsNumber(const json& value) { return value.is_number(); }
bool IsInteger(const json& value) { return value.is_number_integer(); }
bool IsBool(const json& value) { return value.is_boolean(); }
bool IsObject(const json& value) { return value.is_object(); }

bool IsNumberOrNull(const json& value) {
  return value.is_number() || value.is_null();
}

template <bool (*kIsElement)(const json&)>
bool IsListOf(const json& value) {
  return value.is_array() &&
         std::all_of(value.begin(), value.end(), kIsElement);
}

bool IsWords(const json& value) {
  return IsText(value) || IsListOf<IsText>(value);
}
bool IsMeasured(const json& value) {
  return IsNumberOrNull(value) || IsListOf<IsNumber>(value);
}
// One number a token, or a row of them for each axis; null is padding.
bool IsPositions(const json& value) {
  return IsListOf<IsNumberOrNull>(value) ||
         IsListOf<IsListOf<IsNumberOrNull>>(value);
}

using Fields = std::map<std::string, bool (*)(const json&)>;

const Fields& CaseFields() {
  static const Fields fields = {{"name", IsText},
                                {"kind", IsText},
                                {"variant", IsText},
                                {"source", IsObject},
                                {"how", IsWords},
                                {"notes", IsWords},
                                {"third_party_config", IsObject},
                                {"params", IsObject},
                                {"xpos", IsObject},
                                {"positions", IsPositions},
                                {"axes", IsListOf<IsText>},
                                {"tokens", IsInteger},
                                {"heads", IsInteger},
                                {"attention_factor", IsObject},
                                {"formula", IsText},
                                {"xpos_formula", IsText},
                                {"inv_freq_formula", IsText},
                                {"f32_model", IsTextOrNull},
                                {"files", IsObject},
                                {"observed", IsObject},
                                {"tolerance", IsObject}};
  return fields;
}

const Fields& ParamFields() {
  static const Fields fields = {{"head_dim", IsInteger},
                                {"rotary_dim", IsInteger},
                                {"rotary_offset", IsInteger},
                                {"partial_rotary_factor", IsNumber},
                                {"pairing", IsText},
                                {"output_pairing", IsText},
                                {"blocks", IsInteger},
                                {"base", IsNumber},
                                {"freq_dim", IsInteger},
                                {"freq_count", IsInteger},
                                {"freq_kind", IsText},
                                {"max_freq", IsNumber},
                                {"scaling", IsObject},
                                {"direction", IsInteger},
                                {"angle_multiplier", IsText},
                                {"pair_axis", IsListOf<IsInteger>},
                                {"pair_freq", IsListOf<IsInteger>},
                                {"mrope_section", IsListOf<IsInteger>},
                                {"mrope_layout", IsText},
                                {"vision_layout", IsText},
                                {"no_rotation_tokens", IsListOf<IsInteger>},
                                {"logn_training_length", IsNumber},
                                {"window", IsNumber},
                                {"leaky_scale", IsNumber},
                                {"dim", IsInteger},
                                {"denominator", IsText},
                                {"layout", IsText},
                                {"max_timescale", IsNumber},
                                {"num_buckets", IsInteger},
                                {"max_distance", IsInteger},
                                {"bidirectional", IsBool},
                                {"heads", IsInteger},
                                {"alibi_bias_max", IsNumber},
                                {"key_positions", IsPositions},
                                {"attention_mask", IsPositions}};
  return fields;
}

const Fields& ScalingFields() {
  static const Fields fields = {{"type", IsText},
                                {"factor", IsNumber},
                                {"original_max_position_embeddings", IsNumber},
                                {"seq_len", IsNumber},
                                {"beta_fast", IsNumber},
                                {"beta_slow", IsNumber},
                                {"truncate", IsBool},
                                {"mscale", IsNumberOrNull},
                                {"mscale_all_dim", IsNumberOrNull},
                                {"attention_factor", IsNumberOrNull},
                                {"extrapolation_factor", IsNumber},
                                {"low_freq_factor", IsNumber},
                                {"high_freq_factor", IsNumber},
                                {"short_factor", IsListOf<IsNumber>},
                                {"long_factor", IsListOf<IsNumber>},
                                {"partial_rotary_factor", IsNumber},
                                {"beta_0", IsNumber},
                                {"beta_1", IsNumber},
                                {"gamma_0", IsNumber},
                                {"gamma_1", IsNumber},
                                {"ntk_factor", IsNumber},
                                {"b", IsNumber},
                                {"freq_scale", IsNumber},
                                {"ext_factor", IsNumber},
                                {"attn_factor", IsNumber},
                                {"freq_factors", IsListOf<IsNumber>}};
  return fields;
}

const Fields& ToleranceFields() {
  static const Fields fields = {
      {"accurate_f32_vs_y_f64_abs", IsNumber},
      {"y_f64_abs", IsNumber},
      {"y_f32_abs", IsNumber},
      {"y_f32_abs_by_token", IsListOf<IsNumber>},
      {"y_f32_vs_f32_model_abs", IsNumberOrNull},
      {"y_abs", IsNumber},
      {"y_abs_by_token", IsListOf<IsNumber>},
      {"y_q_f64_abs", IsNumber},
      {"y_q_f32_abs", IsNumber},
      {"y_k_f64_abs", IsNumber},
      {"y_k_f32_abs", IsNumber},
      {"weights_f64_abs", IsNumber},
      {"weights_f32_abs", IsNumber},
      {"out_f64_abs", IsNumber},
      {"out_f32_abs", IsNumber},
      {"bias_f64_abs", IsNumber},
      {"bias_f32_abs", IsNumber},
      {"buckets", IsNumber},
      {"except_relative_positions", IsListOf<IsInteger>}};
  return fields;
}

const std::set<std::string>& FileNames() {
  static const std::set<std::string> names = {
      "x",           "y",         "y_f64",       "y_mp",
      "q",           "k",         "v",           "y_q",
      "y_k",         "y_q_f64",   "y_k_f64",     "inv_freq",
      "cos",         "sin",       "cos_mp",      "inv_freq_mp",
      "sin_mp",      "cos_cache", "sin_cache",   "relative_position",
      "weights",     "out",       "weights_f64", "out_f64",
      "buckets",     "bias",      "bias_f64",    "buckets_exact",
      "slopes_exact"};
  return names;
}

void CheckFields(const json& object, const std::string& where,
                 const Fields& fields) {
  for (const auto& [name, value] : object.items()) {
    const std::string full_name = where + name;
    const auto field = fields.find(name);
    if (field == fields.end()) {
      throw std::runtime_error("unknown field " + full_name);
    }
    if (!field->second(value)) {
      throw std::runtime_error("wrong type of field " + full_name);
    }
  }
}

void CheckFiles(const json& files) {
  static const Fields file_fields = {
      {"path", IsText}, {"dtype", IsText}, {"shape", IsListOf<IsInteger>}};
  for (const auto& [name, file] : files.items()) {
    if (FileNames().count(name) == 0) {
      throw std::runtime_error("unknown field files." + name);
    }
    if (!file.is_object()) {
      throw std::runtime_error("wrong type of field files." + name);
    }
    CheckFields(file, "files." + name + ".", file_fields);
  }
}

}  // namespace

void CheckGoldenFields(const json& all) {
  static const Fields xpos_fields = {{"positions", IsPositions},
                                     {"center", IsNumber},
                                     {"scale_base", IsNumber}};
  static const Fields factor_fields = {{"third_party", IsNumber},
                                       {"mp", IsNumber}};
  if (!all.is_object()) throw std::runtime_error("not an object");
  CheckFields(all, "", CaseFields());
  for (const char* name : {"name", "kind", "params", "files", "tolerance"}) {
    if (!all.contains(name)) {
      throw std::runtime_error(std::string("missing field ") + name);
    }
  }
  const json empty = json::object();
  const json& params = all.at("params");
  CheckFields(params, "params.", ParamFields());
  CheckFields(params.value("scaling", empty), "params.scaling.",
              ScalingFields());
  CheckFields(all.value("xpos", empty), "xpos.", xpos_fields);
  CheckFields(all.value("attention_factor", empty), "attention_factor.",
              factor_fields);
  CheckFields(all.at("tolerance"), "tolerance.", ToleranceFields());
  CheckFiles(all.at("files"));
  // What was measured, under names of its own; nothing is computed from it.
  const json observed = all.value("observed", empty);
  for (const auto& [name, value] : observed.items()) {
    if (!IsMeasured(value)) {
      throw std::runtime_error("wrong type of field observed." + name);
    }
  }
}

}  // namespace rotary_test
