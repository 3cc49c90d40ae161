// What rotary_inspect tells of small configs, as text and as JSON.

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/inspect/program_run.h"

namespace rotary_test {
namespace {

using nlohmann::json;

const double kTwoPi = 2.0 * std::acos(-1.0);

// Each is a handful of operations in f64 from here; pow counts most, whose
// error in an exponent of at most 14 is below that.
constexpr double kTolerance = 1e-14;

void CheckClose(double value, double expected) {
  CAPTURE(value);
  CAPTURE(expected);
  CHECK(std::abs(value - expected) <= kTolerance * std::abs(expected));
}

// Llama 3.1's, from its description.
double Llama3InvFreq(double unscaled) {
  const double turns = 8192.0 * unscaled / kTwoPi;
  if (turns > 4.0) return unscaled;
  if (turns < 1.0) return unscaled / 8.0;
  const double kept = (turns - 1.0) / 3.0;
  return (1.0 - kept) * unscaled / 8.0 + kept * unscaled;
}

std::string Lines(const std::string& text, const std::string& with) {
  std::string found;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    if (line.find(with) != std::string::npos) found += line + "\n";
    at = end + 1;
  }
  return found;
}

TEST_CASE("inspect: Llama 3's scaling, pair by pair") {
  const json told = Inspect(kLlama3);
  CHECK(told["format"] == "config.json");
  CHECK(told["model_type"] == "llama");
  CHECK(told["layers"] == 4);
  CHECK(told["unrotated_layers"] == json::array());
  REQUIRE(told["rotations"].size() == 1);
  const json& rotation = told["rotations"][0];
  CHECK(rotation["layers"] == json({0, 1, 2, 3}));

  const json& fields = rotation["fields"];
  const auto check = [&](const char* name, const json& value,
                         const char* source) {
    CAPTURE(name);
    CHECK(fields[name]["value"] == value);
    CHECK(fields[name]["source"] == source);
  };
  check("pairing", "half", "model_type llama");
  check("head_dim", 32, "hidden_size / num_attention_heads");
  check("rotary_offset", 0, "default");
  check("base", 500000.0, "rope_theta");
  check("scaling.kind", "llama3", "rope_scaling.rope_type");
  check("scaling.factor", 8.0, "rope_scaling.factor");
  check("scaling.original_length", 8192.0,
        "rope_scaling.original_max_position_embeddings");
  check("gain", 1.0, "default");
  check("softmax_multiplier", 1.0, "default");
  check("trained_length", 131072.0, "max_position_embeddings");
  CHECK(fields["embedding_bytes"]["value"].get<int64_t>() > 1000);

  REQUIRE(rotation["pairs"].size() == 16);
  std::vector<int> below;
  for (int i = 0; i < 16; ++i) {
    CAPTURE(i);
    const json& pair = rotation["pairs"][static_cast<size_t>(i)];
    const double unscaled = std::pow(500000.0, -2.0 * i / 32.0);
    const double inv_freq = Llama3InvFreq(unscaled);
    CHECK(pair["pair"] == i);
    CheckClose(pair["inv_freq"], inv_freq);
    CheckClose(pair["unscaled_inv_freq"], unscaled);
    CheckClose(pair["wavelength"], kTwoPi / inv_freq);
    CheckClose(pair["unscaled_wavelength"], kTwoPi / unscaled);
    CheckClose(pair["times_unscaled"], unscaled / inv_freq);
    CheckClose(pair["turns"], 131072.0 * inv_freq / kTwoPi);
    if (131072.0 * inv_freq < kTwoPi) below.push_back(i);
  }
  CHECK(below == std::vector<int>{10, 11, 12, 13, 14, 15});
  CHECK(rotation["pairs_below_one_turn"] == below);
  CHECK(rotation["pairs_that_do_not_turn"] == json::array());
}

TEST_CASE("inspect: as text") {
  const WorkFolder folder;
  const ProgramRun run =
      RunInspect({folder.Write("config.json", kLlama3), "--positions=3"});
  CHECK(run.exit_code == 0);
  CHECK(run.err.empty());
  CHECK(Lines(run.out, "rotation ") == "rotation 0: layers 0-3\n");
  const std::string base = Lines(run.out, "  base ");
  CHECK(base.find(" 500000 ") != std::string::npos);
  CHECK(base.find(" rope_theta\n") != std::string::npos);
  CHECK(Lines(run.out, "less than once") ==
        "  6 of 16 pairs turn less than once within 131072 tokens: 10-15\n");
  CHECK(Lines(run.out, "position 3") ==
        "  position 3; cos and sin are times the gain, 1\n");
  CHECK(Lines(run.out, "do not rotate").empty());
}

TEST_CASE("inspect: layers of two kinds") {
  const json told = Inspect(kGemma3);
  REQUIRE(told["rotations"].size() == 2);
  for (const json& rotation : told["rotations"]) {
    const bool full = rotation["name"] == "full_attention";
    if (!full) CHECK(rotation["name"] == "sliding_attention");
    CHECK(rotation["layers"] ==
          (full ? json({2, 5}) : json({0, 1, 3, 4, 6, 7})));
    CHECK(rotation["fields"]["base"]["value"] == (full ? 1e6 : 1e4));
    CHECK(rotation["fields"]["base"]["source"] ==
          (full ? "rope_theta" : "rope_local_base_freq"));
    for (const json& pair : rotation["pairs"]) {
      CheckClose(pair["times_unscaled"], full ? 8.0 : 1.0);
    }
  }
  const json of_five = Inspect(kGemma3, {"--layer", "5"});
  REQUIRE(of_five["rotations"].size() == 1);
  CHECK(of_five["layer"] == 5);
  CHECK(of_five["rotations"][0]["name"] == "full_attention");
}

TEST_CASE("inspect: layers that do not rotate") {
  const json told = Inspect(kNope);
  CHECK(told["unrotated_layers"] == json({2, 5}));
  REQUIRE(told["rotations"].size() == 1);
  CHECK(told["rotations"][0]["layers"] == json({0, 1, 3, 4}));
  CHECK(Inspect(kNope, {"--layer", "2"})["rotations"] == json::array());

  const WorkFolder folder;
  const std::string file = folder.Write("config.json", kNope);
  CHECK(RunInspect({file}).out.find("\nrotation 0: layers 0-1, 3-4\n") !=
        std::string::npos);
  const std::string nope = Lines(RunInspect({file}).out, "NoPE");
  CHECK(nope.find(" 2, 5\n") != std::string::npos);
  CHECK(RunInspect({file, "--layer", "5"})
            .out.find("\nlayer 5 does not rotate\n") != std::string::npos);
}

TEST_CASE("inspect: M-RoPE's axes") {
  const json rotation = Inspect(kMrope)["rotations"][0];
  CHECK(rotation["num_axes"] == 3);
  CHECK(rotation["fields"]["axes.layout"]["value"] == "sections");
  CHECK(rotation["fields"]["axes.sections"]["value"] == json({2.0, 3.0, 3.0}));
  const std::vector<int> axes = {0, 0, 1, 1, 1, 2, 2, 2};
  REQUIRE(rotation["pairs"].size() == axes.size());
  for (size_t i = 0; i < axes.size(); ++i) {
    CHECK(rotation["pairs"][i]["axis"] == axes[i]);
    CheckClose(rotation["pairs"][i]["inv_freq"],
               std::pow(1e6, -static_cast<double>(i) / 8.0));
  }
}

TEST_CASE("inspect: what the options state, and pairs that do not turn") {
  const char* unknown = R"({"model_type": "new", "hidden_size": 32,
    "num_attention_heads": 2, "rope_parameters": {"rope_type": "proportional",
    "partial_rotary_factor": 0.25, "rope_theta": 100.0}})";
  const json told =
      Inspect(unknown, {"--pairing", "interleaved", "--head-dim=32"});
  CHECK(told["layers"] == 0);
  const json& rotation = told["rotations"][0];
  CHECK(rotation["layers"] == json::array());
  CHECK(rotation["fields"]["pairing"]["value"] == "interleaved");
  CHECK(rotation["fields"]["pairing"]["source"] == "stated by the caller");
  CHECK(rotation["fields"]["head_dim"]["value"] == 32);
  CHECK(rotation["fields"]["trained_length"]["value"].is_null());
  CHECK(rotation["pairs_below_one_turn"].is_null());
  CHECK(rotation["pairs_that_do_not_turn"].size() == 12);
  for (size_t i = 0; i < 16; ++i) {
    const json& pair = rotation["pairs"][i];
    CHECK(pair["axis"] == 0);
    CHECK(pair["turns"].is_null());
    CHECK((pair["inv_freq"] == 0.0) == (i >= 4));
    CHECK(pair["wavelength"].is_null() == (i >= 4));
    CHECK(pair["times_unscaled"].is_null() == (i >= 4));
    CHECK(pair["unscaled_wavelength"].is_number());
  }
}

}  // namespace
}  // namespace rotary_test
