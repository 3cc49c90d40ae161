// Families of models by their own config.json, reduced to what tells the
// rotation: all that the importer says against facts of their code, and the
// frequencies against the formulas.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tests/import/expected_rotation.h"
#include "tests/import/imported.h"

namespace rotary_test {
namespace {

using nlohmann::json;

// A list within a config: "rope_scaling.long_factor".
std::vector<double> ListAt(const json& config, const std::string& path) {
  const size_t dot = path.find('.');
  return config.at(path.substr(0, dot)).at(path.substr(dot + 1));
}

ExpectedRotation ExpectedOf(const json& fields, const json& config) {
  ExpectedRotation e;
  e.name = fields.value("name", "");
  e.pairing = fields.at("pairing");
  e.head_dim = fields.at("head_dim");
  e.rotary_dim = fields.at("rotary_dim");
  e.offset = fields.value("offset", int64_t{0});
  e.base = fields.at("base");
  const json scaling = fields.value("scaling", json::object());
  e.kind = scaling.value("kind", "default");
  e.factor = scaling.value("factor", 1.0);
  e.original = scaling.value("original", 0.0);
  e.length = scaling.value("length", 0.0);
  e.attention = scaling.value("attention", 0.0);
  e.mscale = scaling.value("mscale", 0.0);
  e.mscale_all_dim = scaling.value("mscale_all_dim", 0.0);
  e.fast = scaling.value("fast", 32.0);
  e.slow = scaling.value("slow", 1.0);
  e.truncate = scaling.value("truncate", true);
  e.low = scaling.value("low", 1.0);
  e.high = scaling.value("high", 4.0);
  e.share = scaling.value("share", 1.0);
  if (scaling.contains("divisors")) {
    e.divisors = ListAt(config, scaling.at("divisors"));
  }
  if (fields.contains("softmax_mscale")) {
    const double g = YarnScale(e.factor, fields.at("softmax_mscale"));
    e.softmax = g * g;
  }
  if (fields.contains("axes")) {
    e.layout = fields.at("axes").at("layout");
    e.sections = fields.at("axes").at("sections").get<std::vector<int64_t>>();
  }
  return e;
}

std::string ExpectedLayers(const json& runs) {
  std::string layers;
  for (const json& run : runs) {
    for (int i = 0; i < run.at(1).get<int>(); ++i) {
      layers += run.at(0).get<std::string>();
    }
  }
  return layers;
}

void CheckModel(const json& expected) {
  const std::string text = ReadTestFile(
      "configs/" + expected.at("config").get<std::string>() + ".json");
  rotary_import_options options = ImportOptions();
  options.part = expected.value("part", "text") == "vision" ? ROTARY_PART_VISION
                                                            : ROTARY_PART_TEXT;
  options.length = expected.value("length", 0.0);
  Imported imported = ImportConfig(text, &options);
  CAPTURE(std::string(imported.error.message));
  CHECK(imported.status == ROTARY_OK);
  if (imported.status != ROTARY_OK) return;
  const rotary_model* model = imported.model.get();

  const std::string layers = ExpectedLayers(expected.at("layers"));
  CHECK(LayersOf(model) == layers);
  const json config = json::parse(text);
  const json& rotations = expected.at("rotations");
  const auto count = static_cast<int64_t>(rotations.size());
  CHECK(rotary_model_rotations(model) == count);
  if (rotary_model_rotations(model) != count) return;
  for (int64_t i = 0; i < count; ++i) {
    CAPTURE(i);
    const rotary_rotation rotation = RotationOf(model, i);
    CheckRotation(rotation,
                  ExpectedOf(rotations[static_cast<size_t>(i)], config));
    CHECK(rotation.trained_length == expected.at("trained"));
    CHECK(rotation.layers ==
          std::count(layers.begin(), layers.end(), static_cast<char>('0' + i)));
  }
}

TEST_CASE("configs of models rotate as their code does") {
  const json all = json::parse(ReadTestFile("expected.json"));
  CHECK(all.size() >= 80);
  for (const auto& item : all.items()) {
    const std::string model = item.key();
    CAPTURE(model);
    CheckModel(item.value());
  }
}

}  // namespace
}  // namespace rotary_test
