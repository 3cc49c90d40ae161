// A program: the environment variable ROTARY_TARGET.  It is read once, so that
// every value gets a process of its own.
#include <rotary/rotary.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/program.h"

namespace {

// The library must not have been called in the process that forks.
void InChild(const std::function<void()>& body) {
  const pid_t child = fork();
  ROTARY_EXPECT(child >= 0);
  if (child == 0) {
    body();
    _exit(0);
  }
  int status = 0;
  ROTARY_EXPECT(waitpid(child, &status, 0) == child);
  ROTARY_EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

std::vector<std::string> SupportedTargets() {
  int ends[2];
  ROTARY_EXPECT(pipe(ends) == 0);
  InChild([&] {
    unsetenv("ROTARY_TARGET");
    for (int32_t i = 0; i < rotary_target_count(); ++i) {
      const std::string line = std::string(rotary_target_name(i)) + "\n";
      ROTARY_EXPECT(write(ends[1], line.data(), line.size()) ==
                    static_cast<ssize_t>(line.size()));
    }
  });
  close(ends[1]);
  std::vector<std::string> names(1);
  char letter;
  while (read(ends[0], &letter, 1) == 1) {
    if (letter == '\n') {
      names.emplace_back();
    } else {
      names.back() += letter;
    }
  }
  close(ends[0]);
  names.pop_back();
  return names;
}

// Every call that makes rows or rotates, with no target of its own.
std::vector<rotary_status> AllCalls() {
  rotary_embedding* embedding = nullptr;
  ROTARY_EXPECT(rotary_embedding_from_base(2, 10000, &embedding, nullptr) ==
                ROTARY_OK);
  rotary_rows* rows = nullptr;
  ROTARY_EXPECT(rotary_rows_create(embedding, 1, &rows, nullptr) == ROTARY_OK);
  const int32_t id = 1;
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.data = &id;
  positions.dtype = ROTARY_I32;
  rotary_rows_args rows_args;
  rotary_rows_args_init(&rows_args, sizeof(rows_args));
  rows_args.embedding = embedding;
  rows_args.positions = &positions;
  rows_args.tokens = 1;
  float x[2] = {1, 2};
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.head_dim = 2;
  tensor.input = x;
  tensor.input_pairing = ROTARY_HALF;
  rotary_apply_args args;
  rotary_apply_args_init(&args, sizeof(args));
  args.tokens = 1;
  args.tensors = &tensor;
  args.num_tensors = 1;
  args.embedding = embedding;
  args.positions = &positions;
  alignas(8) char memory[8192];
  rotary_prepared* prepared = nullptr;

  std::vector<rotary_status> statuses = {
      rotary_rows_set(rows, &rows_args, nullptr), rotary_apply(&args, nullptr),
      rotary_prepare(&args, memory, sizeof(memory), &prepared, nullptr),
      rotary_apply_qk(embedding, &id, ROTARY_I32, 1, ROTARY_F32, ROTARY_HALF, 2,
                      x, 1, ROTARY_DENSE, ROTARY_DENSE, nullptr, 0,
                      ROTARY_DENSE, ROTARY_DENSE, 1, nullptr)};
  args.embedding = nullptr;
  args.positions = nullptr;
  args.rows = rows;
  statuses.push_back(rotary_apply(&args, nullptr));
  rotary_rows_destroy(rows);
  rotary_embedding_destroy(embedding);
  return statuses;
}

void ExpectEach(const std::vector<rotary_status>& statuses,
                rotary_status expected) {
  for (const rotary_status status : statuses) ROTARY_EXPECT(status == expected);
}

void ExpectTarget(const char* value, const std::string& expected) {
  InChild([&] {
    if (value == nullptr) {
      unsetenv("ROTARY_TARGET");
    } else {
      setenv("ROTARY_TARGET", value, 1);
    }
    const char* name = nullptr;
    ROTARY_EXPECT(rotary_target_default(&name, nullptr) == ROTARY_OK);
    ROTARY_EXPECT(name != nullptr && name == expected);
    setenv("ROTARY_TARGET", "nonsense", 1);  // too late
    ROTARY_EXPECT(rotary_target_default(&name, nullptr) == ROTARY_OK);
    ROTARY_EXPECT(name == expected);
    ExpectEach(AllCalls(), ROTARY_OK);
  });
}

void ExpectError(const std::string& value) {
  InChild([&] {
    setenv("ROTARY_TARGET", value.c_str(), 1);
    const char* const before = "unchanged";
    const char* name = before;
    rotary_error error;
    ROTARY_EXPECT(rotary_target_default(&name, &error) == ROTARY_ERROR_TARGET);
    ROTARY_EXPECT(name == before);
    ROTARY_EXPECT(error.status == ROTARY_ERROR_TARGET);
    ROTARY_EXPECT(std::strcmp(error.argument, "ROTARY_TARGET") == 0);
    ROTARY_EXPECT(std::strstr(error.message, "ROTARY_TARGET") != nullptr);
    ROTARY_EXPECT(std::strstr(error.message, value.c_str()) != nullptr);
    ROTARY_EXPECT(rotary_target_default(&name, nullptr) == ROTARY_ERROR_TARGET);
    ExpectEach(AllCalls(), ROTARY_ERROR_TARGET);
    // What there is does not depend on it.
    ROTARY_EXPECT(rotary_target_count() >= 1);
  });
}

}  // namespace

int main() {
  const std::vector<std::string> supported = SupportedTargets();
  ROTARY_EXPECT(!supported.empty());
  ExpectTarget(nullptr, supported.front());
  for (const std::string& name : supported) {
    std::string upper = name;
    for (char& letter : upper) {
      letter =
          static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    }
    std::string mixed = name;
    mixed.front() = upper.front();
    for (const std::string& value : {name, upper, mixed}) {
      ExpectTarget(value.c_str(), name);
    }
  }
  for (const char* name :
       {"scalar", "ssse3", "sse4", "avx2", "avx3", "avx3_bf16", "neon"}) {
    if (std::find(supported.begin(), supported.end(), name) ==
        supported.end()) {
      ExpectError(name);
    }
  }
  for (const char* value : {"avx9", "avx", "avx22", "avx3_bf", " avx2",
                            "scalar ", "scalar,avx2", "0", "%s%n"}) {
    ExpectError(value);
  }
  return 0;
}
