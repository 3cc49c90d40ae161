// --positions against cos and sin computed here.

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/inspect/program_run.h"

namespace rotary_test {
namespace {

using nlohmann::json;

// A row's cos and sin are within max(1 ulp, 2^-50) of those of the exact angle;
// this one is rounded once, from f64, and so is the library's inv_freq here.
double Tolerance(double expected, double angle) {
  const auto value = static_cast<float>(std::abs(expected));
  const double ulp = static_cast<double>(std::nextafter(
                         value, std::numeric_limits<float>::infinity())) -
                     static_cast<double>(value);
  return std::max(ulp, 0x1p-50) + std::abs(angle) * 0x1p-52;
}

void CheckRow(const json& row, int64_t position, const json& pairs,
              double gain) {
  CAPTURE(position);
  CHECK(row["position"] == position);
  REQUIRE(row["angle"].size() == pairs.size());
  for (size_t i = 0; i < pairs.size(); ++i) {
    CAPTURE(i);
    const double angle =
        static_cast<double>(position) * pairs[i]["inv_freq"].get<double>();
    CHECK(row["angle"][i] == angle);
    const double cos = gain * std::cos(angle);
    const double sin = gain * std::sin(angle);
    CHECK(std::abs(row["cos"][i].get<double>() - cos) <=
          Tolerance(cos, gain * angle));
    CHECK(std::abs(row["sin"][i].get<double>() - sin) <=
          Tolerance(sin, gain * angle));
  }
}

TEST_CASE("inspect: positions") {
  const json rotation = Inspect(
      kLlama3, {"--positions", "0,1,131071,-7,2147483647"})["rotations"][0];
  const std::vector<int64_t> positions = {0, 1, 131071, -7, 2147483647};
  REQUIRE(rotation["positions"].size() == positions.size());
  for (size_t i = 0; i < positions.size(); ++i) {
    CheckRow(rotation["positions"][i], positions[i], rotation["pairs"], 1.0);
  }
  CHECK_FALSE(Inspect(kLlama3)["rotations"][0].contains("positions"));
}

TEST_CASE("inspect: positions, with a gain") {
  const char* yarn = R"({"model_type": "qwen2", "num_hidden_layers": 2,
    "hidden_size": 64, "num_attention_heads": 2, "rope_theta": 10000.0,
    "max_position_embeddings": 32768, "rope_scaling": {"rope_type": "yarn",
    "factor": 4.0, "original_max_position_embeddings": 8192}})";
  const json rotation =
      Inspect(yarn, {"--positions", "0,8191"})["rotations"][0];
  const double gain = 1.0 + 0.1 * std::log(4.0);
  CHECK(std::abs(rotation["fields"]["gain"]["value"].get<double>() - gain) <
        1e-15);
  CHECK(rotation["fields"]["gain"]["source"] == "formula of yarn");
  CheckRow(rotation["positions"][0], 0, rotation["pairs"], gain);
  CheckRow(rotation["positions"][1], 8191, rotation["pairs"], gain);

  const WorkFolder folder;
  const ProgramRun run =
      RunInspect({folder.Write("config.json", yarn), "--positions", "5"});
  CHECK(run.out.find("position 5; cos and sin are times the gain, 1.138629") !=
        std::string::npos);
}

TEST_CASE("inspect: positions, of several axes") {
  const json rotation =
      Inspect(kMrope, {"--positions", "1234"})["rotations"][0];
  CheckRow(rotation["positions"][0], 1234, rotation["pairs"], 1.0);
  const WorkFolder folder;
  const std::string file = folder.Write("config.json", kMrope);
  CHECK(RunInspect({file, "--positions", "9"})
            .out.find("position 9 on every axis;") != std::string::npos);
}

TEST_CASE("inspect: positions, the same on every target") {
  const WorkFolder folder;
  const std::string file = folder.Write("config.json", kGemma3);
  const std::vector<std::string> arguments = {file, "--positions",
                                              "17,99999,-3"};
  const ProgramRun expected = RunInspect(arguments);
  CHECK(expected.exit_code == 0);
  for (int32_t i = 0; i < rotary_target_count(); ++i) {
    const std::string target = rotary_target_name(i);
    CAPTURE(target);
    CHECK(RunInspect(arguments, {"ROTARY_TARGET=" + target}).out ==
          expected.out);
  }
}

}  // namespace
}  // namespace rotary_test
