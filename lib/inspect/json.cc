#include "lib/inspect/json.h"

#include <math.h>

#include <nlohmann/json.hpp>
#include <variant>

namespace rotary_inspect {
namespace {

using nlohmann::ordered_json;

struct ValueJson {
  ordered_json operator()(std::monostate) const { return nullptr; }
  template <class Value>
  ordered_json operator()(const Value& value) const {
    return value;
  }
};

// JSON has no infinity and no NaN.
ordered_json Number(double number) {
  return isfinite(number) ? ordered_json(number) : ordered_json(nullptr);
}

ordered_json OrNull(int64_t number) {
  return number < 0 ? ordered_json(nullptr) : ordered_json(number);
}

ordered_json PairJson(size_t index, const Pair& pair) {
  return {{"pair", index},
          {"axis", OrNull(pair.axis)},
          {"inv_freq", pair.inv_freq},
          {"wavelength", Number(pair.wavelength)},
          {"unscaled_inv_freq", pair.unscaled},
          {"unscaled_wavelength", Number(pair.unscaled_wavelength)},
          {"times_unscaled", Number(pair.ratio)},
          {"turns", Number(pair.turns)}};
}

ordered_json RotationJson(const RotationReport& rotation) {
  ordered_json fields = ordered_json::object();
  for (const Field& field : rotation.fields) {
    fields[field.name] = {{"value", std::visit(ValueJson(), field.value)},
                          {"source", field.source}};
  }
  ordered_json pairs = ordered_json::array();
  for (size_t i = 0; i < rotation.pairs.size(); ++i) {
    pairs.push_back(PairJson(i, rotation.pairs[i]));
  }
  ordered_json positions = ordered_json::array();
  for (const PositionRow& row : rotation.positions) {
    positions.push_back({{"position", row.position},
                         {"angle", row.angle},
                         {"cos", row.cos},
                         {"sin", row.sin}});
  }
  // How many pairs turn less than once is not known without a length.
  const bool trained = rotation.trained_length > 0.0;
  ordered_json below = nullptr;
  if (trained) below = rotation.below_one_turn;
  ordered_json told = {{"index", rotation.index},
                       {"name", rotation.name},
                       {"layers", rotation.layers},
                       {"num_axes", rotation.num_axes},
                       {"depends_on_length", rotation.depends_on_length},
                       {"fields", fields},
                       {"pairs", pairs},
                       {"pairs_below_one_turn", below},
                       {"pairs_that_do_not_turn", rotation.do_not_turn}};
  if (!rotation.positions.empty()) told["positions"] = positions;
  return told;
}

}  // namespace

std::string JsonOf(const Report& report) {
  ordered_json rotations = ordered_json::array();
  for (const RotationReport& rotation : report.rotations) {
    rotations.push_back(RotationJson(rotation));
  }
  const ordered_json told = {
      {"file", report.file},
      {"format", report.is_gguf ? "gguf" : "config.json"},
      {"part", report.is_vision ? "vision" : "text"},
      {"model_type", report.model_type},
      {"layers", report.layers},
      {"layer", OrNull(report.layer)},
      {"unrotated_layers", report.unrotated},
      {"rotations", rotations}};
  // Names may be of any bytes.
  return told.dump(2, ' ', false, ordered_json::error_handler_t::replace) +
         "\n";
}

}  // namespace rotary_inspect
