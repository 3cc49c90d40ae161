// Which golden cases the library can compute, and how they are computed.
#include "tests/golden/golden_rope.h"

#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <stdexcept>

#include "tests/golden/golden_scaling.h"

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

bool ArePositions(const json& positions) {
  for (const json& position : positions) {
    if (!position.is_number_integer()) return false;
  }
  return true;
}

// Why the case cannot be computed, or empty.
std::string Unsupported(const GoldenCase& golden) {
  if (golden.kind() != "rope" && golden.kind() != "rope_lowp" &&
      golden.kind() != "rope_apply_cache") {
    return "kind " + golden.kind();
  }
  const json& params = golden.params();
  for (const auto& [name, value] : params.items()) {
    if (SupportedParams().count(name) == 0) return "params." + name;
  }
  if (!ArePositions(golden.all().at("positions"))) return "positions";
  if (golden.all().contains("axes")) return "axes";
  if (params.value("blocks", 1) != 1) return "params.blocks";
  const int64_t pairs = params.at("rotary_dim").get<int64_t>() / 2;
  if (params.value("freq_count", pairs) != pairs) return "params.freq_count";
  // A token that is not rotated is copied without gain: so says the format,
  // and so does the library; but its figures then hold only without gain.
  if (params.contains("no_rotation_tokens") &&
      params.value("scaling", json::object()).value("attn_factor", 1.0) != 1) {
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
  config.freq_dim = params.value("freq_dim", int64_t{0});
  const GoldenScaling scaling(params);
  config.scaling = scaling.get();
  config.gain = scaling.gain();
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

// x, [tokens][heads][head_dim], out of place, by the case's embedding or by
// cos and sin.
template <typename T>
std::vector<T> Rotate(const GoldenCase& golden, int64_t heads,
                      rotary_dtype dtype, const std::vector<T>& x,
                      const rotary_cos_sin* cos_sin) {
  const json& params = golden.params();
  auto ids = golden.all().at("positions").get<std::vector<int64_t>>();
  for (const json& token : params.value("no_rotation_tokens", json::array())) {
    ids.at(token.get<size_t>()) = ROTARY_NO_POSITION_I64;
  }
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = ids.data();
  positions.dtype = ROTARY_I64;

  std::vector<T> y(x.size());
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = heads;
  tensor.head_dim = params.at("head_dim").get<int64_t>();
  tensor.rotary_offset = params.value("rotary_offset", int64_t{0});
  tensor.input = x.data();
  tensor.input_dtype = dtype;
  tensor.input_pairing = PairingOf(params.at("pairing"));
  tensor.output = y.data();
  tensor.output_pairing =
      PairingOf(params.value("output_pairing", params.at("pairing")));

  Embedding embedding = {nullptr, rotary_embedding_destroy};
  if (cos_sin == nullptr) embedding = MakeEmbedding(params);
  rotary_apply_args args;
  rotary_apply_args_init(&args, sizeof(args));
  args.tokens = static_cast<int64_t>(ids.size());
  args.tensors = &tensor;
  args.num_tensors = 1;
  args.embedding = embedding.get();
  args.cos_sin = cos_sin;
  args.positions = &positions;
  args.transpose = TransposeOf(params);
  rotary_error error;
  Check(rotary_apply(&args, &error), error);
  return y;
}

template <typename T>
GoldenOutput OutputOf(const char* file, const std::vector<T>& values) {
  const char* bytes = reinterpret_cast<const char*>(values.data());
  return {file, {bytes, bytes + values.size() * sizeof(T)}};
}

void CompareF32(const GoldenCase& golden, int64_t heads,
                const std::vector<int64_t>& shape, const char* tolerance,
                const rotary_cos_sin* cos_sin, GoldenResult* result) {
  const std::vector<double> expected = golden.ReadF64("y_f64", shape);
  const std::vector<float> y =
      Rotate(golden, heads, ROTARY_F32, golden.ReadF32("x", shape), cos_sin);
  result->outputs.push_back(OutputOf("y.f32", y));
  result->tolerance = golden.all().at("tolerance").at(tolerance).get<double>();
  for (size_t i = 0; i < expected.size(); ++i) {
    const double difference =
        std::fabs(static_cast<double>(y[i]) - expected[i]);
    // Once NaN, it stays NaN.
    if (difference > result->error || std::isnan(difference)) {
      result->error = difference;
    }
  }
}

// The case's cos and sin are inputs, and go by position.
void CompareCache(const GoldenCase& golden, int64_t heads,
                  const std::vector<int64_t>& shape, GoldenResult* result) {
  const int64_t rotary_dim = golden.params().at("rotary_dim").get<int64_t>();
  const json& file = golden.all().at("files").at("cos_cache");
  const std::vector<int64_t> cache = {file.at("shape").at(0).get<int64_t>(),
                                      rotary_dim / 2};
  const std::vector<float> cos = golden.ReadF32("cos_cache", cache);
  const std::vector<float> sin = golden.ReadF32("sin_cache", cache);
  rotary_cos_sin cos_sin;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = cos.data();
  cos_sin.sin = sin.data();
  cos_sin.rotary_dim = rotary_dim;
  cos_sin.rows = cache[0];
  cos_sin.width = ROTARY_WIDTH_PAIRS;
  CompareF32(golden, heads, shape, "y_f32_abs", &cos_sin, result);
}

// A 16-bit format: value = (-1)^s * 2^(e - bias) * (1 + m / 2^mantissa_bits).
struct Format {
  const char* name;  // in case.json
  const char* file;
  rotary_dtype dtype;
  int mantissa_bits;
  int min_exponent;
};
constexpr Format kBF16 = {"bfloat16", "y.bf16", ROTARY_BF16, 7, -126};
constexpr Format kF16 = {"float16", "y.f16", ROTARY_F16, 10, -14};

double ValueOf(uint16_t bits, const Format& format) {
  const int mantissa = bits & ((1 << format.mantissa_bits) - 1);
  const int exponent = (bits & 0x7FFF) >> format.mantissa_bits;
  const int last = (0x7FFF >> format.mantissa_bits);
  const double sign = (bits & 0x8000) != 0 ? -1 : 1;
  if (exponent == last) return mantissa != 0 ? std::nan("") : sign * HUGE_VAL;
  const int implicit = exponent != 0 ? 1 << format.mantissa_bits : 0;
  const int power = exponent != 0 ? exponent - 1 : 0;
  return sign * std::ldexp(implicit + mantissa,
                           format.min_exponent - format.mantissa_bits + power);
}

// Rounded once from f32: within half a unit in the last place of the exact
// result, and of the arithmetic in f32 (of inputs up to 8, generously).
double ToleranceOf(double exact, const Format& format) {
  int exponent;
  std::frexp(exact, &exponent);  // exact = [0.5, 1) * 2^exponent
  const int unit =
      std::max(exponent - 1, format.min_exponent) - format.mantissa_bits;
  return std::ldexp(0.5, unit) + 16 * 0x1p-24;
}

void CompareLowPrecision(const GoldenCase& golden, int64_t heads,
                         const std::vector<int64_t>& shape,
                         GoldenResult* result) {
  const json& dtype = golden.all().at("files").at("x").at("dtype");
  const Format& format = dtype == kBF16.name ? kBF16 : kF16;
  const std::vector<double> expected = golden.ReadF64("y_mp", shape);
  const std::vector<uint16_t> y =
      Rotate(golden, heads, format.dtype,
             golden.ReadBits("x", format.name, shape), nullptr);
  result->outputs.push_back(OutputOf(format.file, y));
  double worst = -1;
  for (size_t i = 0; i < expected.size(); ++i) {
    const double error = std::fabs(ValueOf(y[i], format) - expected[i]);
    const double tolerance = ToleranceOf(expected[i], format);
    if (error / tolerance > worst || std::isnan(error)) {
      worst = error / tolerance;
      result->error = error;
      result->tolerance = tolerance;
    }
  }
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
  if (golden.kind() == "rope_lowp") {
    CompareLowPrecision(golden, heads, shape, &result);
  } else if (golden.kind() == "rope_apply_cache") {
    CompareCache(golden, heads, shape, &result);
  } else {
    CompareF32(golden, heads, shape, "accurate_f32_vs_y_f64_abs", nullptr,
               &result);
  }
  return result;
}

}  // namespace rotary_test
