#include "tests/golden/golden_import.h"

#include <rotary/import.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/golden/golden_model.h"

namespace rotary_test {
namespace {

using nlohmann::json;

using ModelPointer =
    std::unique_ptr<rotary_model, decltype(&rotary_model_destroy)>;
using EmbeddingPointer =
    std::unique_ptr<rotary_embedding, decltype(&rotary_embedding_destroy)>;

void Check(rotary_status status, const rotary_error& error) {
  if (status != ROTARY_OK) throw std::runtime_error(error.message);
}

void Expect(bool holds, const std::string& what) {
  if (!holds) throw std::runtime_error("the importer gives another " + what);
}

// What the configuration lacks.
rotary_import_options Stated(const GoldenCase& golden) {
  const json& params = golden.params();
  rotary_import_options options;
  rotary_import_options_init(&options, sizeof(options));
  options.head_dim = params.at("head_dim").get<int64_t>();
  options.pairing =
      params.at("pairing") == "half" ? ROTARY_HALF : ROTARY_INTERLEAVED;
  options.length =
      params.value("scaling", json::object()).value("seq_len", 0.0);
  if (params.contains("mrope_layout")) {
    options.axes_layout = GoldenModel::MropeLayout(params);
  }
  return options;
}

// That of the layer type whose base is the case's.
rotary_rotation FindRotation(const rotary_model* model, double base) {
  rotary_rotation rotation;
  rotary_rotation_init(&rotation, sizeof(rotation));
  rotary_error error;
  for (int64_t i = 0; i < rotary_model_rotations(model); ++i) {
    Check(rotary_model_rotation(model, i, &rotation, &error), error);
    if (rotation.config.base == base) return rotation;
  }
  throw std::runtime_error("the importer gives no rotation of this base");
}

double RelativeError(double value, double truth) {
  return truth == 0.0 ? std::fabs(value) : std::fabs(value / truth - 1.0);
}

// Each pair's, whichever its axis, against that at 50 digits.
double LargestError(const GoldenCase& golden,
                    const rotary_embedding* embedding) {
  const json& params = golden.params();
  const int64_t pairs = rotary_embedding_rotary_dim(embedding) / 2;
  const int64_t axes = rotary_embedding_axes(embedding);
  std::vector<double> inv_freq(static_cast<size_t>(axes * pairs));
  rotary_error error;
  Check(rotary_embedding_inv_freq(embedding, inv_freq.data(), axes * pairs,
                                  &error),
        error);
  const std::vector<double> truth =
      golden.ReadF64("inv_freq_mp", {params.value("freq_count", pairs)});
  double largest = 0.0;
  for (int64_t i = 0; i < pairs; ++i) {
    double own = 0.0;
    for (int64_t a = 0; a < axes; ++a) {
      own += inv_freq[static_cast<size_t>(a * pairs + i)];
    }
    const auto at = static_cast<size_t>(i);
    const size_t number = params.contains("pair_freq")
                              ? params.at("pair_freq").at(at).get<size_t>()
                              : at;
    largest = std::max(largest, RelativeError(own, truth.at(number)));
  }
  const double gain = golden.all().at("attention_factor").at("mp");
  return std::max(largest,
                  RelativeError(rotary_embedding_gain(embedding), gain));
}

}  // namespace

GoldenResult RunGoldenImport(const GoldenCase& golden) {
  GoldenResult result;
  const json config = golden.all().value("third_party_config", json());
  if (!config.is_object() || !config.contains("rope_parameters")) {
    result.unsupported = "a configuration without rope_parameters";
    return result;
  }
  const json& params = golden.params();
  const std::string text = config.dump();
  const rotary_import_options options = Stated(golden);
  rotary_model* imported = nullptr;
  rotary_error error;
  Check(rotary_model_from_config(text.data(), text.size(), &options, &imported,
                                 &error),
        error);
  const ModelPointer model(imported, rotary_model_destroy);
  const rotary_rotation rotation =
      FindRotation(model.get(), params.at("base").get<double>());
  Expect(rotation.config.rotary_dim == params.at("rotary_dim"), "rotary_dim");
  Expect(rotation.head_dim == options.head_dim, "head_dim");
  Expect(rotation.pairing == options.pairing, "pairing");

  rotary_embedding* made = nullptr;
  Check(rotary_embedding_create(&rotation.config, &made, &error), error);
  const EmbeddingPointer embedding(made, rotary_embedding_destroy);
  const GoldenModel stated(golden, ROTARY_EXACT);
  Expect(rotary_embedding_fingerprint(made) ==
             rotary_embedding_fingerprint(stated.embedding()),
         "rotation than the parameters");
  result.error = LargestError(golden, made);
  result.tolerance = 1e-9;
  return result;
}

}  // namespace rotary_test
