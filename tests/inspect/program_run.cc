#include "tests/inspect/program_run.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>

namespace rotary_test {

const char kLlama3[] = R"({"model_type": "llama", "num_hidden_layers": 4,
  "hidden_size": 256, "num_attention_heads": 8, "rope_theta": 500000.0,
  "max_position_embeddings": 131072,
  "rope_scaling": {"rope_type": "llama3", "factor": 8.0,
    "low_freq_factor": 1.0, "high_freq_factor": 4.0,
    "original_max_position_embeddings": 8192}})";

const char kMrope[] = R"({"model_type": "qwen2_vl", "num_hidden_layers": 2,
  "hidden_size": 64, "num_attention_heads": 4, "rope_theta": 1000000.0,
  "max_position_embeddings": 32768,
  "rope_scaling": {"type": "mrope", "mrope_section": [2, 3, 3]}})";

const char kGemma3[] = R"({"model_type": "gemma3_text", "head_dim": 16,
  "num_hidden_layers": 8, "sliding_window_pattern": 3,
  "rope_theta": 1000000.0, "rope_local_base_freq": 10000.0,
  "max_position_embeddings": 1024,
  "rope_scaling": {"rope_type": "linear", "factor": 8.0}})";

const char kNope[] = R"({"model_type": "smollm3", "num_hidden_layers": 6,
  "head_dim": 8, "rope_theta": 10000.0, "no_rope_layers": [1, 1, 0, 1, 1, 0],
  "max_position_embeddings": 4096})";

WorkFolder::WorkFolder() {
  path_ = (std::filesystem::temp_directory_path() / "rotary_XXXXXX").string();
  if (mkdtemp(path_.data()) == nullptr) {
    throw std::runtime_error(std::strerror(errno));
  }
}

WorkFolder::~WorkFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

std::string WorkFolder::Path(const std::string& name) const {
  return path_ + "/" + name;
}

std::string WorkFolder::Write(const std::string& name,
                              const std::string& text) const {
  std::ofstream(Path(name), std::ios::binary) << text;
  return Path(name);
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

ProgramRun RunInspect(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment,
                      const std::string& device) {
  // Cross-compiled, by the emulator: a list of CMake's.
  std::vector<std::string> command;
  std::string part;
  for (const char letter : std::string(ROTARY_TEST_EMULATOR ";")) {
    if (letter != ';') {
      part += letter;
    } else if (!part.empty()) {
      command.push_back(part);
      part.clear();
    }
  }
  command.emplace_back(ROTARY_TEST_INSPECT);
  command.insert(command.end(), arguments.begin(), arguments.end());

  std::vector<std::string> settings = environment;
  for (char** own = environ; *own != nullptr; ++own) {
    const std::string name(*own, std::strcspn(*own, "=") + 1);
    bool replaced = false;
    for (const std::string& setting : environment) {
      replaced = replaced || setting.compare(0, name.size(), name) == 0;
    }
    if (!replaced) settings.emplace_back(*own);
  }

  const auto pointers = [](std::vector<std::string>* texts) {
    std::vector<char*> to;
    for (std::string& text : *texts) to.push_back(text.data());
    to.push_back(nullptr);
    return to;
  };
  const WorkFolder folder;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  const std::string out = folder.Write("out", "");
  const std::string err = folder.Write("err", "");
  posix_spawn_file_actions_addopen(
      &actions, 1, (device.empty() ? out : device).c_str(), O_WRONLY, 0);
  posix_spawn_file_actions_addopen(&actions, 2, err.c_str(), O_WRONLY, 0);
  pid_t child = 0;
  const std::string program = command[0];
  const int failure =
      posix_spawnp(&child, program.c_str(), &actions, nullptr,
                   pointers(&command).data(), pointers(&settings).data());
  posix_spawn_file_actions_destroy(&actions);
  if (failure != 0) throw std::runtime_error(std::strerror(failure));
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return {WIFEXITED(status) ? WEXITSTATUS(status) : -1, ReadFile(out),
          ReadFile(err)};
}

nlohmann::json Inspect(const std::string& config,
                       std::vector<std::string> options) {
  const WorkFolder folder;
  options.push_back(folder.Write("config.json", config));
  options.emplace_back("--json");
  const ProgramRun run = RunInspect(options);
  if (run.exit_code != 0 || !run.err.empty()) {
    throw std::runtime_error("refused: " + run.err);
  }
  return nlohmann::json::parse(run.out);
}

}  // namespace rotary_test
