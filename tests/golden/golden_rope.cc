// Which golden cases the library can compute, and how they are computed.
#include "tests/golden/golden_rope.h"

#include <rotary/rotary.h>

#include <cmath>
#include <memory>
#include <set>
#include <stdexcept>

namespace rotary_test {
namespace {

using nlohmann::json;
using Embedding =
    std::unique_ptr<rotary_embedding, decltype(&rotary_embedding_destroy)>;

const std::set<std::string>& SupportedParams() {
  // partial_rotary_factor is how a model's configuration states rotary_dim.
  static const std::set<std::string> names = {
      "head_dim",      "rotary_dim", "rotary_offset",
      "pairing",       "base",       "partial_rotary_factor",
      "freq_dim",      "freq_count", "scaling",
      "direction",     "blocks",     "no_rotation_tokens",
      "output_pairing"};
  return names;
}

bool IsPlainScaling(const json& scaling) {
  for (const auto& [name, value] : scaling.items()) {
    if (name == "type" && (value == "default" || value == "ggml")) continue;
    if (name == "factor" && value == 1) continue;
    if (name == "freq_scale" && value == 1) continue;
    if (name == "ext_factor" && value == 0) continue;
    if (name == "attn_factor" && scaling.at("type") == "ggml") continue;
    return false;
  }
  return true;
}

bool ArePositions(const json& positions) {
  for (const json& position : positions) {
    if (!position.is_number_integer()) return false;
  }
  return true;
}

// Why the case cannot be computed, or empty.
std::string Unsupported(const GoldenCase& golden) {
  if (golden.kind() != "rope") return "kind " + golden.kind();
  const json& params = golden.params();
  for (const auto& [name, value] : params.items()) {
    if (SupportedParams().count(name) == 0) return "params." + name;
  }
  const json scaling = params.value("scaling", json::object());
  if (!IsPlainScaling(scaling)) return "params.scaling";
  if (!ArePositions(golden.all().at("positions"))) return "positions";
  if (golden.all().contains("axes")) return "axes";
  const json& pairing = params.at("pairing");
  if (params.value("output_pairing", pairing) != pairing) {
    return "params.output_pairing";
  }
  if (params.value("blocks", 1) != 1) return "params.blocks";
  const int64_t pairs = params.at("rotary_dim").get<int64_t>() / 2;
  if (params.value("freq_count", pairs) != pairs) return "params.freq_count";
  // A token that is not rotated is copied without gain: so says the format,
  // and so does the library; but its figures then hold only without gain.
  if (params.contains("no_rotation_tokens") &&
      scaling.value("attn_factor", 1.0) != 1) {
    return "params.no_rotation_tokens";
  }
  return "";
}

void Check(rotary_status status, const rotary_error& error) {
  if (status != ROTARY_OK) throw std::runtime_error(error.message);
}

Embedding MakeEmbedding(const json& params) {
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = params.at("rotary_dim").get<int64_t>();
  config.base = params.at("base").get<double>();
  config.gain =
      params.value("scaling", json::object()).value("attn_factor", 1.0);
  std::vector<double> inv_freq;
  if (params.contains("freq_dim")) {
    const auto dim = params.at("freq_dim").get<double>();
    for (int64_t i = 0; i < config.rotary_dim / 2; ++i) {
      inv_freq.push_back(
          std::pow(config.base, -2.0 * static_cast<double>(i) / dim));
    }
    config.inv_freq = inv_freq.data();
  }
  rotary_embedding* embedding = nullptr;
  rotary_error error;
  Check(rotary_embedding_create(&config, &embedding, &error), error);
  return {embedding, rotary_embedding_destroy};
}

rotary_pairing PairingOf(const json& name) {
  if (name == "half") return ROTARY_HALF;
  if (name == "interleaved") return ROTARY_INTERLEAVED;
  throw std::runtime_error("unknown pairing " + name.dump());
}

int32_t TransposeOf(const json& params) {
  const int direction = params.value("direction", 1);
  if (direction != 1 && direction != -1) {
    throw std::runtime_error("unknown direction " + std::to_string(direction));
  }
  return direction == -1 ? 1 : 0;
}

std::vector<float> Rotate(const GoldenCase& golden, int64_t heads,
                          const std::vector<float>& x) {
  const json& params = golden.params();
  auto ids = golden.all().at("positions").get<std::vector<int64_t>>();
  for (const json& token : params.value("no_rotation_tokens", json::array())) {
    ids.at(token.get<size_t>()) = ROTARY_NO_POSITION_I64;
  }
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = ids.data();
  positions.dtype = ROTARY_I64;

  std::vector<float> y(x.size());
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = heads;
  tensor.head_dim = params.at("head_dim").get<int64_t>();
  tensor.rotary_offset = params.value("rotary_offset", int64_t{0});
  tensor.input = x.data();
  tensor.input_pairing = PairingOf(params.at("pairing"));
  tensor.output = y.data();

  const Embedding embedding = MakeEmbedding(params);
  rotary_apply_args args;
  rotary_apply_args_init(&args, sizeof(args));
  args.tokens = static_cast<int64_t>(ids.size());
  args.tensors = &tensor;
  args.num_tensors = 1;
  args.embedding = embedding.get();
  args.positions = &positions;
  args.transpose = TransposeOf(params);
  rotary_error error;
  Check(rotary_apply(&args, &error), error);
  return y;
}

}  // namespace

GoldenResult RunGoldenCase(const GoldenCase& golden) {
  GoldenResult result;
  result.unsupported = Unsupported(golden);
  if (!result.unsupported.empty()) return result;

  const json& all = golden.all();
  const auto tokens = all.at("tokens").get<int64_t>();
  const auto heads = all.at("heads").get<int64_t>();
  if (all.at("positions").size() != static_cast<size_t>(tokens)) {
    throw std::runtime_error("positions are not one for each token");
  }
  const std::vector<int64_t> shape = {
      tokens, heads, golden.params().at("head_dim").get<int64_t>()};
  const std::vector<double> expected = golden.ReadF64("y_f64", shape);
  result.tolerance =
      all.at("tolerance").at("accurate_f32_vs_y_f64_abs").get<double>();
  result.y = Rotate(golden, heads, golden.ReadF32("x", shape));
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference =
        std::fabs(static_cast<double>(result.y[i]) - expected[i]);
    // Once NaN, it stays NaN.
    if (difference > result.error || std::isnan(difference)) {
      result.error = difference;
    }
  }
  return result;
}

}  // namespace rotary_test
