// From the words of the golden format to those of the library.
#include "tests/golden/golden_model.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <set>
#include <stdexcept>
#include <string>

#include "tests/golden/golden_scaling.h"

namespace rotary_test {
namespace {

using nlohmann::json;

// A parameter that is overlooked would make the comparison meaningless.
void CheckParams(const json& params) {
  // Of what an embedding and positions are made, and what is read elsewhere.
  static const std::set<std::string> names = {
      "head_dim", "rotary_dim", "rotary_offset", "pairing", "output_pairing",
      "direction", "base", "freq_dim", "freq_count", "freq_kind", "max_freq",
      "scaling", "angle_multiplier", "pair_axis", "pair_freq", "mrope_section",
      "mrope_layout", "vision_layout", "blocks", "no_rotation_tokens",
      "logn_training_length",
      // How a model's configuration states rotary_dim.
      "partial_rotary_factor"};
  for (const auto& item : params.items()) {
    if (names.count(item.key()) == 0) {
      throw std::runtime_error("params." + item.key());
    }
  }
}

int64_t Sum(const std::vector<int64_t>& values) {
  return std::accumulate(values.begin(), values.end(), int64_t{0});
}

rotary_axes_layout LayoutOf(const std::string& name, bool whole) {
  if (name == "sections") {
    return whole ? ROTARY_AXES_SECTIONS : ROTARY_AXES_SECTIONS_GGML;
  }
  static const std::map<std::string, rotary_axes_layout> layouts = {
      {"interleaved", ROTARY_AXES_INTERLEAVED},
      {"ggml_interleaved", ROTARY_AXES_INTERLEAVED_GGML},
      {"hw_alternating_t_last", ROTARY_AXES_ALTERNATING_LAST}};
  return layouts.at(name);
}

rotary_axes_layout VisionLayout(const std::string& name) {
  static const std::map<std::string, rotary_axes_layout> layouts = {
      {"axial_blocks", ROTARY_AXES_BLOCKS},
      {"axial_strided", ROTARY_AXES_STRIDED},
      {"axis_alternating", ROTARY_AXES_ALTERNATING}};
  return layouts.at(name);
}

// What the library has as a scaling, and the format as other fields.
json ScalingOf(const json& params) {
  const double pi = std::acos(-1.0);
  json all = params;
  const std::string kind = params.value("freq_kind", "");
  const std::string multiplier = params.value("angle_multiplier", "");
  const json scaling = params.value("scaling", json::object());
  if (kind.empty() && multiplier.empty()) return all;
  if (scaling.value("type", "default") != "default" ||
      (!kind.empty() && !multiplier.empty())) {
    throw std::runtime_error("freq_kind or angle_multiplier with a scaling");
  }
  if (kind == "pixel") {
    all["scaling"] = {
        {"type", "linspace"},
        {"first_freq", pi},
        {"last_freq", params.at("max_freq").get<double>() / 2 * pi}};
  } else if (multiplier == "2pi") {
    all["scaling"] = {{"type", "linear"}, {"factor", 1 / (2 * pi)}};
  } else {
    throw std::runtime_error("freq_kind " + kind + multiplier);
  }
  return all;
}

}  // namespace

GoldenModel::GoldenModel(const GoldenCase& golden) {
  const json& params = golden.params();
  CheckParams(params);
  rotary_dim_ = params.at("rotary_dim").get<int64_t>();
  blocks_ = params.value("blocks", int64_t{1});
  log_n_length_ = params.value("logn_training_length", 0.0);
  ReadPositions(golden);
}

GoldenModel::GoldenModel(const GoldenCase& golden, rotary_arithmetic arithmetic,
                         rotary_xpos xpos)
    : GoldenModel(golden) {
  const json& params = golden.params();
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = block_dim();
  config.base = params.value("base", config.base);
  config.freq_dim = params.value("freq_dim", int64_t{0});
  config.arithmetic = arithmetic;
  rotary_axes axes;
  ReadAxes(params, &axes);
  if (blocks_ == 1 && axes_ > 1) config.axes = &axes;
  const GoldenScaling scaling(ScalingOf(params));
  config.scaling = scaling.get();
  config.gain = scaling.gain();
  std::vector<float> inv_freq;
  if (arithmetic == ROTARY_COMPATIBLE_HF) {
    inv_freq = InvFreq(golden);
    config.inv_freq = inv_freq.data();
    config.inv_freq_dtype = ROTARY_F32;
    config.scaling = nullptr;
    MultiplyAngles(params);
    config.gain =
        golden.all().at("attention_factor").at("third_party").get<double>();
  }
  config.xpos = xpos;
  if (xpos != ROTARY_XPOS_NONE) {
    const json& values = golden.all().at("xpos");
    config.xpos_center = values.at("center").get<double>();
    config.xpos_scale_base = values.at("scale_base").get<double>();
  }
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  if (rotary_embedding_create(&config, &embedding, &error) != ROTARY_OK) {
    throw std::runtime_error(error.message);
  }
  embedding_.reset(embedding);
}

void GoldenModel::ReadPositions(const GoldenCase& golden) {
  const json& all = golden.all();
  json rows = all.contains("positions") ? all.at("positions")
                                        : all.at("xpos").at("positions");
  if (rows.empty() || !rows.at(0).is_array()) rows = json::array({rows});
  axes_ = static_cast<int64_t>(rows.size());
  tokens_ = all.at("tokens").get<int64_t>();
  const json unrotated =
      golden.params().value("no_rotation_tokens", json::array());
  for (const json& row : rows) {
    if (static_cast<int64_t>(row.size()) != tokens_) {
      throw std::runtime_error("positions are not one for each token");
    }
    for (size_t t = 0; t < row.size(); ++t) {
      const json& position = row.at(t);
      const bool none =
          std::find(unrotated.begin(), unrotated.end(), t) != unrotated.end();
      if (!position.is_number_integer()) real_ = true;
      numbers_.push_back(none ? std::numeric_limits<double>::quiet_NaN()
                              : position.get<double>());
      ids_.push_back(none ? ROTARY_NO_POSITION_I64
                          : static_cast<int64_t>(position.get<double>()));
    }
  }
}

rotary_axes_layout GoldenModel::MropeLayout(const json& params) {
  const auto sections = params.at("mrope_section").get<std::vector<int64_t>>();
  const auto dim = params.at("rotary_dim").get<int64_t>();
  return LayoutOf(params.at("mrope_layout"), Sum(sections) == dim / 2);
}

void GoldenModel::ReadAxes(const json& params, rotary_axes* axes) const {
  rotary_axes_init(axes, sizeof(*axes));
  axes->num_axes = axes_;
  if (axes_ == 1 || blocks_ > 1) return;
  const int64_t pairs = rotary_dim_ / 2;
  if (params.contains("mrope_section")) {
    auto sections = params.at("mrope_section").get<std::vector<int64_t>>();
    axes->layout = MropeLayout(params);
    // There they are in the order of the pairs.
    if (axes->layout == ROTARY_AXES_ALTERNATING_LAST) {
      std::rotate(sections.begin(), sections.begin() + 2, sections.end());
    }
    std::copy(sections.begin(), sections.end(), axes->sections);
    return;
  }
  axes->layout = VisionLayout(params.at("vision_layout"));
  if (axes->layout == ROTARY_AXES_BLOCKS) {
    const auto count = params.at("freq_count").get<int64_t>();
    std::fill(axes->sections, axes->sections + pairs / count, count);
  }
}

// As the third party does it: positions by 2 pi, in f32.
void GoldenModel::MultiplyAngles(const json& params) {
  if (!params.contains("angle_multiplier")) return;
  const auto factor = static_cast<float>(2 * std::acos(-1.0));
  for (double& number : numbers_) {
    number = static_cast<double>(factor * static_cast<float>(number));
  }
  real_ = true;
}

// One for each pair of a block, of those that the case has by their number.
std::vector<float> GoldenModel::InvFreq(const GoldenCase& golden) const {
  const json& params = golden.params();
  const int64_t pairs = block_dim() / 2;
  const int64_t count = params.value("freq_count", rotary_dim_ / 2);
  const std::vector<float> all = golden.ReadF32("inv_freq", {count});
  std::vector<float> inv_freq;
  for (int64_t i = 0; i < pairs; ++i) {
    const auto at = static_cast<size_t>(i);
    const size_t number = params.contains("pair_freq")
                              ? params.at("pair_freq").at(at).get<size_t>()
                              : at;
    inv_freq.push_back(all.at(number));
  }
  return inv_freq;
}

rotary_positions GoldenModel::Positions(int64_t block) const {
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  const int64_t first = blocks_ > 1 ? block * tokens_ : 0;
  positions.dtype = real_ ? ROTARY_F64 : ROTARY_I64;
  positions.data = real_ ? static_cast<const void*>(numbers_.data() + first)
                         : static_cast<const void*>(ids_.data() + first);
  return positions;
}

}  // namespace rotary_test
