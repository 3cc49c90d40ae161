// --plot without gnuplot, with one that fails, and with the real one where
// there is one.

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <string>
#include <vector>

#include "tests/inspect/program_run.h"

namespace rotary_test {
namespace {

constexpr char kOld[] = "an older picture";

TEST_CASE("inspect: no gnuplot") {
  const WorkFolder folder;
  const std::string file = folder.Write("config.json", kLlama3);
  const std::string picture = folder.Write("a.png", kOld);
  const ProgramRun run =
      RunInspect({file, "--plot", picture}, {"PATH=" + folder.Path("")});
  CHECK(run.exit_code == 1);
  CHECK(run.out.empty());
  CHECK(run.err.find("rotary_inspect: " + file + ": ") == 0);
  CHECK(run.err.find("gnuplot-nox") != std::string::npos);
  CHECK(ReadFile(picture) == kOld);
}

// Stands in for gnuplot: keeps its script, and fails or draws.
ProgramRun RunWithStandIn(const WorkFolder& folder, const std::string& commands,
                          const std::vector<std::string>& arguments) {
  const std::string program =
      folder.Write("gnuplot", "#!/bin/sh\n" + commands + "\n");
  chmod(program.c_str(), 0700);
  return RunInspect(arguments, {"PATH=" + folder.Path("")});
}

TEST_CASE("inspect: a gnuplot that fails") {
  const WorkFolder folder;
  const std::string file = folder.Write("config.json", kLlama3);
  const std::string picture = folder.Write("a.svg", kOld);
  for (const char* commands : {"echo no such terminal >&2; exit 1",
                               "kill -9 $$", ":", "echo half; exit 3"}) {
    CAPTURE(commands);
    const ProgramRun run =
        RunWithStandIn(folder, commands, {file, "--plot", picture});
    CHECK(run.exit_code == 1);
    CHECK(run.err.find("gnuplot failed") != std::string::npos);
    CHECK(ReadFile(picture) == kOld);
  }
  CHECK(RunWithStandIn(folder, "echo a picture",
                       {file, "--plot", folder.Path("no/a.png")})
            .exit_code == 1);
}

TEST_CASE("inspect: the script has no command of the file's") {
  const WorkFolder folder;
  const std::string file =
      folder.Write("config.json", R"({"model_type": "llama", "head_dim": 8,
      "num_hidden_layers": 2, "layer_types": ["a'`b\n;c'", "d"],
      "rope_parameters": {"a'`b\n;c'": {"rope_type": "default",
      "rope_theta": 100.0}, "d": {"rope_type": "default"}}})");
  const std::string picture = folder.Path("a.svg");
  const std::string script = folder.Path("script");
  const ProgramRun run =
      RunWithStandIn(folder,
                     "while read -r line; do echo \"$line\"; done >" + script +
                         "; echo a picture",
                     {file, "--plot", picture});
  CAPTURE(run.err);
  REQUIRE(run.exit_code == 0);
  CHECK(ReadFile(picture) == "a picture\n");
  const std::string commands = ReadFile(script);
  CHECK(commands.find("'a''?b?;c'''") != std::string::npos);
  CHECK(commands.find('`') == std::string::npos);
}

TEST_CASE("inspect: pictures") {
  const WorkFolder folder;
  const std::string probe = folder.Write("config.json", kLlama3);
  if (RunInspect({probe, "--plot", folder.Path("a.png")})
          .err.find("gnuplot-nox") != std::string::npos) {
    MESSAGE("gnuplot is not found: no pictures are drawn");
    return;
  }
  const char* still = R"({"model_type": "gemma", "hidden_size": 32,
    "num_attention_heads": 2, "rope_parameters": {"rope_type": "proportional",
    "partial_rotary_factor": 0.25, "rope_theta": 100.0}})";
  const char* tiny = R"({"model_type": "llama", "head_dim": 2})";
  for (const std::string& config :
       {std::string(kLlama3), std::string(kGemma3), std::string(kMrope),
        std::string(still), std::string(tiny)}) {
    CAPTURE(config);
    const std::string file = folder.Write("config.json", config);
    for (const char* name : {"a.png", "a.svg"}) {
      const ProgramRun run = RunInspect({file, "--plot", folder.Path(name)});
      CAPTURE(run.err);
      CHECK(run.exit_code == 0);
      CHECK(run.out == RunInspect({file}).out);
    }
    CHECK(ReadFile(folder.Path("a.png")).substr(0, 8) == "\x89PNG\r\n\x1a\n");
    const std::string svg = ReadFile(folder.Path("a.svg"));
    CHECK(svg.substr(0, 5) == "<?xml");
    CHECK(svg.find("</svg>") != std::string::npos);
    for (const char* label :
         {">pair<", ">wavelength [tokens]<", ">effective scaling<",
          ">[x unscaled]<", "without its scaling: base"}) {
      CAPTURE(label);
      CHECK(svg.find(label) != std::string::npos);
    }
  }
}

}  // namespace
}  // namespace rotary_test
