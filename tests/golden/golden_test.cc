// Compares the library with the golden cases: figures that third-party
// implementations computed.  A program of its own:
//     [ROTARY_GOLDEN_DIR=folder] golden_test [--dump folder | --import]
// prints `PASS|FAIL|UNSUPPORTED name error tolerance` for each case of the
// folder (default: this one), then how many there are of each.  --import: of
// what librotary_import makes of the third parties' configurations.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/golden/golden_case.h"
#include "tests/golden/golden_import.h"
#include "tests/golden/golden_rope.h"

namespace rotary_test {
namespace {

namespace fs = std::filesystem;

struct Settings {
  std::string dump;  // where outputs are written, or empty
  GoldenResult (*run)(const GoldenCase&) = RunGoldenCase;
};

struct Counts {
  int passed = 0;
  int failed = 0;
  int unsupported = 0;
};

// The cases of index.json, and after them the folders that it does not list.
std::vector<std::string> CaseNames(const fs::path& folder) {
  std::vector<std::string> names;
  const nlohmann::json index = ReadJson(folder / "index.json");
  for (const auto& entry : index.at("cases")) {
    names.push_back(entry.at("name").get<std::string>());
  }
  const size_t listed = names.size();
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!fs::exists(entry.path() / "case.json")) continue;
    const auto end = names.begin() + static_cast<std::ptrdiff_t>(listed);
    if (std::find(names.begin(), end, name) == end) names.push_back(name);
  }
  std::sort(names.begin() + static_cast<std::ptrdiff_t>(listed), names.end());
  return names;
}

void Dump(const fs::path& folder, const GoldenOutput& output) {
  fs::create_directories(folder);
  std::ofstream file(folder / output.file, std::ios::binary);
  file.write(output.bytes.data(),
             static_cast<std::streamsize>(output.bytes.size()));
  file.flush();
  if (!file) throw std::runtime_error("cannot write to " + folder.string());
}

void Report(const char* verdict, const std::string& name, double error,
            double tolerance) {
  std::printf("%s %s %.3g %.3g\n", verdict, name.c_str(), error, tolerance);
}

void RunCase(const fs::path& folder, const std::string& name,
             const Settings& settings, Counts* counts) {
  try {
    const GoldenCase golden(folder / name);
    if (golden.all().at("name") != name) {
      throw std::runtime_error("the case has another name");
    }
    const GoldenResult result = settings.run(golden);
    if (!result.unsupported.empty()) {
      Report("UNSUPPORTED", name, std::nan(""), std::nan(""));
      ++counts->unsupported;
      return;
    }
    for (const GoldenOutput& output : result.outputs) {
      if (settings.dump.empty()) break;
      Dump(fs::path(settings.dump) / name, output);
    }
    const bool passed = result.error <= result.tolerance;
    Report(passed ? "PASS" : "FAIL", name, result.error, result.tolerance);
    ++(passed ? counts->passed : counts->failed);
  } catch (const std::exception& failure) {
    Report("FAIL", name, std::nan(""), std::nan(""));
    std::fprintf(stderr, "%s: %s\n", name.c_str(), failure.what());
    ++counts->failed;
  }
}

int Main(const std::vector<std::string>& arguments) {
  Settings settings;
  if (arguments.size() == 2 && arguments[0] == "--dump") {
    settings.dump = arguments[1];
  } else if (arguments.size() == 1 && arguments[0] == "--import") {
#if ROTARY_TEST_IMPORT
    settings.run = RunGoldenImport;
#else
    std::fputs("golden_test: --import: built with ROTARY_BUILD_IMPORT=OFF\n",
               stderr);
    return 2;
#endif
  } else if (!arguments.empty()) {
    std::fputs("usage: golden_test [--dump folder | --import]\n", stderr);
    return 2;
  }
  const char* given = std::getenv("ROTARY_GOLDEN_DIR");
  const fs::path folder = given != nullptr ? given : ROTARY_TEST_GOLDEN_DIR;
  Counts counts;
  const std::vector<std::string> names = CaseNames(folder);
  for (const std::string& name : names)
    RunCase(folder, name, settings, &counts);
  std::printf("%d passed, %d failed, %d unsupported of %zu\n", counts.passed,
              counts.failed, counts.unsupported, names.size());
  return counts.failed == 0 ? 0 : 1;
}

}  // namespace
}  // namespace rotary_test

int main(int argc, char** argv) {
  try {
    return rotary_test::Main({argv + 1, argv + argc});
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "golden_test: %s\n", failure.what());
    return 1;
  }
}
