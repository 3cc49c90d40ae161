// Writes the seeds of fuzz_import: fuzz_seeds CONFIGS TO makes one of each file
// of the folder CONFIGS, and of each GGUF of gguf_examples.h.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/import/gguf_examples.h"

namespace {

void Write(const std::filesystem::path& path, char parser, bool vision,
           const std::string& data) {
  std::string seed = {
      parser, vision ? '\1' : '\0', '\0', '\xff', '\0', '\0', '\0', '\0'};
  std::ofstream(path, std::ios::binary) << seed + data;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: fuzz_seeds CONFIGS TO\n");
    return 1;
  }
  const std::filesystem::path to = argv[2];
  std::filesystem::create_directories(to);
  for (const auto& file : std::filesystem::directory_iterator(argv[1])) {
    std::stringstream text;
    text << std::ifstream(file.path()).rdbuf();
    const std::string name = file.path().stem().string();
    Write(to / name, '\0', false, text.str());
    if (text.str().find("vision_config") != std::string::npos) {
      Write(to / (name + "_vision"), '\0', true, text.str());
    }
  }
  int number = 0;
  for (const auto& gguf : rotary_test::GgufExamples()) {
    Write(to / ("gguf_" + std::to_string(number++)), '\1', false, gguf.File());
  }
}
