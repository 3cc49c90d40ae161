// Which golden cases the library can compute, and how they are computed.
#include "tests/golden/golden_rope.h"

#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "tests/golden/golden_compatible.h"
#include "tests/golden/golden_model.h"

namespace rotary_test {
namespace {

using nlohmann::json;
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

// Elements [offset, offset + rotary_dim) of x to y, [tokens][heads][head_dim].
template <typename T>
rotary_tensor TensorOf(const GoldenCase& golden, int64_t block,
                       const GoldenModel& model, rotary_dtype dtype,
                       const std::vector<T>& x, std::vector<T>* y) {
  const json& params = golden.params();
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = golden.all().at("heads").get<int64_t>();
  tensor.head_dim = params.at("head_dim").get<int64_t>();
  tensor.rotary_offset =
      params.value("rotary_offset", int64_t{0}) + block * model.block_dim();
  // Blocks after the first rotate what is there by then.
  tensor.input = block == 0 ? x.data() : y->data();
  tensor.input_dtype = dtype;
  tensor.input_pairing = PairingOf(params.at("pairing"));
  tensor.output = block == 0 ? y->data() : nullptr;
  tensor.output_pairing =
      PairingOf(params.value("output_pairing", params.at("pairing")));
  return tensor;
}

// x, [tokens][heads][head_dim], by a model of the case or by cos and sin.
template <typename T>
std::vector<T> Rotate(const GoldenCase& golden, const GoldenModel& model,
                      rotary_dtype dtype, const std::vector<T>& x,
                      const rotary_cos_sin* cos_sin) {
  std::vector<T> y(x.size());
  for (int64_t block = 0; block < model.blocks(); ++block) {
    const rotary_tensor tensor = TensorOf(golden, block, model, dtype, x, &y);
    const rotary_positions positions = model.Positions(block);
    rotary_apply_args args;
    rotary_apply_args_init(&args, sizeof(args));
    args.tokens = model.tokens();
    args.tensors = &tensor;
    args.num_tensors = 1;
    args.cos_sin = cos_sin;
    if (cos_sin == nullptr) {
      args.embedding = model.embedding();
      args.log_n_length = model.log_n_length();
    }
    args.positions = &positions;
    args.transpose = TransposeOf(golden.params());
    rotary_error error;
    if (rotary_apply(&args, &error) != ROTARY_OK) {
      throw std::runtime_error(error.message);
    }
  }
  return y;
}

template <typename T>
GoldenOutput OutputOf(const std::string& file, const std::vector<T>& values) {
  const char* bytes = reinterpret_cast<const char*>(values.data());
  return {file, {bytes, bytes + values.size() * sizeof(T)}};
}

// Takes the worst share of a tolerance into the result.
void Compare(const std::vector<float>& y, const std::vector<double>& expected,
             double tolerance, GoldenResult* result) {
  for (size_t i = 0; i < expected.size(); ++i) {
    const double error = std::fabs(static_cast<double>(y[i]) - expected[i]);
    // Once NaN, it stays NaN.
    if (error / tolerance > result->error / result->tolerance ||
        std::isnan(error)) {
      result->error = error;
      result->tolerance = tolerance;
    }
  }
}

double ToleranceOf(const GoldenCase& golden, const std::string& name) {
  return golden.all().at("tolerance").at(name).get<double>();
}

void CompareF32(const GoldenCase& golden, const std::vector<int64_t>& shape,
                GoldenResult* result) {
  const GoldenModel model(golden, ROTARY_EXACT);
  const std::vector<float> y =
      Rotate(golden, model, ROTARY_F32, golden.ReadF32("x", shape), nullptr);
  result->outputs.push_back(OutputOf("y.f32", y));
  Compare(y, golden.ReadF64("y_f64", shape),
          ToleranceOf(golden, "accurate_f32_vs_y_f64_abs"), result);
}

void CompareXpos(const GoldenCase& golden, const std::vector<int64_t>& shape,
                 GoldenResult* result) {
  for (const std::string name : {"q", "k"}) {
    const GoldenModel model(golden, ROTARY_EXACT,
                            name == "q" ? ROTARY_XPOS_QUERY : ROTARY_XPOS_KEY);
    const std::vector<float> y =
        Rotate(golden, model, ROTARY_F32, golden.ReadF32(name, shape), nullptr);
    const std::string file = "y_" + name;
    result->outputs.push_back(OutputOf(file + ".f32", y));
    Compare(y, golden.ReadF64(file + "_f64", shape),
            ToleranceOf(golden, file + "_f32_abs"), result);
  }
}

// What the third party computed in f32, in the arithmetic that it did it in.
void CompareCompatible(const GoldenCase& golden,
                       const std::vector<int64_t>& shape) {
  const json f32_model = golden.all().value("f32_model", json());
  // Of angles that are multiplied in f32 only the rows are known.
  const bool multiplied = golden.params().contains("angle_multiplier");
  if (f32_model.is_null() && !multiplied) return;
  const bool ggml = f32_model == "ggml";
  const GoldenModel model(golden,
                          ggml ? ROTARY_COMPATIBLE_GGML : ROTARY_COMPATIBLE_HF);
  if (!ggml) CompareRows(golden, model);
  if (f32_model.is_null()) return;
  GoldenResult result;
  const std::vector<float> y =
      Rotate(golden, model, ROTARY_F32, golden.ReadF32("x", shape), nullptr);
  const std::vector<float> expected = golden.ReadF32("y", shape);
  Compare(y, {expected.begin(), expected.end()},
          ToleranceOf(golden, "y_f32_vs_f32_model_abs"), &result);
  if (!(result.error <= result.tolerance)) {
    throw std::runtime_error("in compatible arithmetic y differs by " +
                             std::to_string(result.error));
  }
}

// The case's cos and sin are inputs, and go by position.
void CompareCache(const GoldenCase& golden, const std::vector<int64_t>& shape,
                  GoldenResult* result) {
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
  const std::vector<float> y = Rotate(golden, GoldenModel(golden), ROTARY_F32,
                                      golden.ReadF32("x", shape), &cos_sin);
  result->outputs.push_back(OutputOf("y.f32", y));
  Compare(y, golden.ReadF64("y_f64", shape), ToleranceOf(golden, "y_f32_abs"),
          result);
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

void CompareLowPrecision(const GoldenCase& golden,
                         const std::vector<int64_t>& shape,
                         GoldenResult* result) {
  const json& dtype = golden.all().at("files").at("x").at("dtype");
  const Format& format = dtype == kBF16.name ? kBF16 : kF16;
  const std::vector<double> expected = golden.ReadF64("y_mp", shape);
  const std::vector<uint16_t> y =
      Rotate(golden, GoldenModel(golden, ROTARY_EXACT), format.dtype,
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
  const std::string kind = golden.kind();
  const bool rope = kind == "rope";
  if (!rope && kind != "rope_xpos" && kind != "rope_lowp" &&
      kind != "rope_apply_cache") {
    result.unsupported = "kind " + kind;
    return result;
  }
  const json& all = golden.all();
  const std::vector<int64_t> shape = {
      all.at("tokens").get<int64_t>(), all.at("heads").get<int64_t>(),
      golden.params().at("head_dim").get<int64_t>()};
  if (kind == "rope_lowp") {
    CompareLowPrecision(golden, shape, &result);
  } else if (kind == "rope_apply_cache") {
    CompareCache(golden, shape, &result);
  } else if (kind == "rope_xpos") {
    CompareXpos(golden, shape, &result);
  } else {
    CompareF32(golden, shape, &result);
    CompareCompatible(golden, shape);
  }
  return result;
}

}  // namespace rotary_test
