// What rotary_inspect says of files and command lines that it cannot take, and
// with which exit code.

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <string>
#include <vector>

#include "tests/inspect/program_run.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

void CheckRefused(const std::vector<std::string>& arguments,
                  const std::string& file, const std::string& message) {
  const ProgramRun run = RunInspect(arguments);
  CHECK(run.exit_code == 1);
  CHECK(run.out.empty());
  CAPTURE(run.err);
  CHECK(run.err.find("rotary_inspect: " + file + ": ") == 0);
  CHECK(run.err.find(message) != std::string::npos);
  CHECK(run.err.find('\n') == run.err.size() - 1);
}

TEST_CASE("inspect: files that are refused") {
  const WorkFolder folder;
  const auto check = [&](const std::string& text, const std::string& message) {
    const std::string file = folder.Write("config.json", text);
    CheckRefused({file}, file, message);
  };
  check("", "text");
  check("not JSON", "text");
  check("[1, 2]", "text");
  check("GGU", "text");
  check("GGUF", "");
  check(std::string("GGUF\3\0\0\0 and no more", 20), "");
  check(R"({"model_type": "unheard of", "head_dim": 8})", "state the pairing");
  check(R"({"model_type": "llama", "head_dim": "8"})", "head_dim");
  check(R"({"model_type": "llama", "head_dim": 8,
            "rope_scaling": {"rope_type": "magic"}})",
        "rope_scaling.rope_type: \"magic\"");
  // What would reach the terminal does not.
  check("{\"model_type\": \"a\x1b[2Jb\"}", "");
  check("{\"model_type\": \"a\\u001b[2Jb\"}", "\"a?[2Jb\" is not known");
  check(std::string((16U << 20) + 1, ' '), "more than 16 MB");

  const std::string none = folder.Path("none");
  CheckRefused({none}, none, "No such file");
  CheckRefused({folder.Path("")}, folder.Path(""), "directory");
  CheckRefused({"--json", "/dev/zero"}, "/dev/zero", "more than 16 MB");
  const std::string file = folder.Write("config.json", kNope);
  CheckRefused({file, "--layer", "6"}, file, "has no layer 6, but 6");
  CheckRefused({file, "--part=vision"}, file, "vision_config");
  CheckRefused({"--", "--none"}, "--none", "No such file");
  const std::string layerless =
      folder.Write("config.json", R"({"model_type": "llama", "head_dim": 8})");
  CheckRefused({layerless, "--layer", "0"}, layerless, "does not tell");
}

TEST_CASE("inspect: wrong usage") {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"--json"},
      {"a", "b"},
      {"a", "--unknown"},
      {"a", "-j"},
      {"a", "--json=1"},
      {"a", "--layer"},
      {"a", "--layer", "-1"},
      {"a", "--layer", "1x"},
      {"a", "--layer", "99999999999999999999"},
      {"a", "--part", "audio"},
      {"a", "--pairing", "both"},
      {"a", "--axes-layout", "given"},
      {"a", "--head-dim", "0"},
      {"a", "--length", "nan"},
      {"a", "--length", "0"},
      {"a", "--length", "1e300"},
      {"a", "--positions", ""},
      {"a", "--positions", "1,,2"},
      {"a", "--positions", "2147483648"},
      {"a", "--plot", "a.jpg"},
      {"a", "--plot", ""},
  };
  for (const std::vector<std::string>& arguments : wrong) {
    const ProgramRun run = RunInspect(arguments);
    CAPTURE(run.err);
    CHECK(run.exit_code == 2);
    CHECK(run.out.empty());
    CHECK(run.err.find("rotary_inspect: ") == 0);
    CHECK(run.err.find("\nusage: rotary_inspect [options] FILE\n") !=
          std::string::npos);
  }
}

TEST_CASE("inspect: help tells of every option") {
  const ProgramRun help = RunInspect({"--help"});
  CHECK(help.exit_code == 0);
  for (const char* option :
       {"--layer", "--positions", "--plot", "--json", "--part", "--pairing",
        "--axes-layout", "--head-dim", "--length"}) {
    CAPTURE(option);
    CHECK(help.out.find(std::string("\n  ") + option) != std::string::npos);
  }
}

TEST_CASE("inspect: version") {
  const ProgramRun version = RunInspect({"--version"});
  CHECK(version.exit_code == 0);
  CHECK(version.out ==
        std::string("rotary_inspect ") + rotary_version_string() + "\n");
}

TEST_CASE("inspect: an output that is full") {
  const WorkFolder folder;
  const std::string file = folder.Write("config.json", kLlama3);
  const std::string cannot = "the output cannot be written\n";
  for (const char* option : {"--json", "--positions=1"}) {
    CAPTURE(option);
    const ProgramRun run = RunInspect({file, option}, {}, "/dev/full");
    CHECK(run.exit_code == 1);
    CHECK(run.err == "rotary_inspect: " + file + ": " + cannot);
  }
  for (const char* option : {"--help", "--version"}) {
    CAPTURE(option);
    const ProgramRun run = RunInspect({option}, {}, "/dev/full");
    CHECK(run.exit_code == 1);
    CHECK(run.err == "rotary_inspect: " + cannot);
  }
}

// By a signal, or by a sanitizer, none may end it.
TEST_CASE("inspect: files with some bytes changed") {
  const WorkFolder folder;
  Random random(1);
  const std::string letters = "0123456789\"{}[]:,-.eE \n\x80";
  const std::vector<char> some(letters.begin(), letters.end());
  for (int round = 0; round < 60; ++round) {
    std::string text = round % 2 == 0 ? kGemma3 : kMrope;
    for (int changes = 0; changes < 3; ++changes) {
      const size_t at = static_cast<size_t>(
          random.Integer(0, static_cast<int64_t>(text.size()) - 1));
      text[at] = random.Choose(some);
    }
    CAPTURE(text);
    const ProgramRun run = RunInspect(
        {folder.Write("config.json", text), "--json", "--positions", "1,2"});
    CAPTURE(run.err);
    CHECK((run.exit_code == 0 || run.exit_code == 1));
    CHECK(run.err.empty() == (run.exit_code == 0));
  }
}

}  // namespace
}  // namespace rotary_test
