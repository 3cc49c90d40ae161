// Runs rotary_inspect with a file of its own in a folder of its own.
#ifndef TESTS_INSPECT_PROGRAM_RUN_H_
#define TESTS_INSPECT_PROGRAM_RUN_H_

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rotary_test {

struct ProgramRun {
  int exit_code;  // or -1, if a signal ended it
  std::string out;
  std::string err;
};

// A folder that goes with all its files.
class WorkFolder {
 public:
  WorkFolder();
  WorkFolder(const WorkFolder&) = delete;
  WorkFolder& operator=(const WorkFolder&) = delete;
  ~WorkFolder();

  std::string Path(const std::string& name) const;
  // Its path.
  std::string Write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

std::string ReadFile(const std::string& path);

// environment: settings ("PATH=") that count before this process's own.
// device: where its output goes, if not into `out`.
ProgramRun RunInspect(const std::vector<std::string>& arguments,
                      const std::vector<std::string>& environment = {},
                      const std::string& device = "");

// Its JSON for this config.json, which it must understand.
nlohmann::json Inspect(const std::string& config,
                       std::vector<std::string> options = {});

// Configs that several tests use: scaling as Llama 3's, 16 pairs; M-RoPE; two
// kinds of layers; and layers that do not rotate.
extern const char kLlama3[];
extern const char kMrope[];
extern const char kGemma3[];
extern const char kNope[];

}  // namespace rotary_test

#endif  // TESTS_INSPECT_PROGRAM_RUN_H_
