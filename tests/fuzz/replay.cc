// Inputs without libFuzzer: fuzz_replay PATH [COUNT [SEED]] runs a file, or
// those of a folder, then COUNT random inputs and mutations of theirs.  What
// ends the program is left in the file fuzz_failure.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/fuzz/kinds.h"
#include "tests/support/random.h"

// Of the sanitizers' run-time libraries, if the program has one.
extern "C" __attribute__((weak)) void __sanitizer_set_death_callback(
    void (*callback)());

namespace {

using Bytes = std::vector<uint8_t>;

constexpr size_t kMaxBytes = 256;

const Bytes* running;

void Leave() {
  if (running == nullptr) return;
  const int file = open("fuzz_failure", O_WRONLY | O_CREAT | O_TRUNC, 0644);
  const ssize_t written = write(file, running->data(), running->size());
  const char text[] = "fuzz_replay: the input is in fuzz_failure\n";
  if (written >= 0 && write(2, text, sizeof(text) - 1) > 0) close(file);
  running = nullptr;
}

void HandleFailures() {
  if (__sanitizer_set_death_callback != nullptr) {
    __sanitizer_set_death_callback(Leave);
  }
  for (const int signal : {SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV}) {
    // What a sanitizer handles it goes on to.
    struct sigaction old;
    sigaction(signal, nullptr, &old);
    if (signal != SIGABRT && old.sa_handler != SIG_DFL) continue;
    std::signal(signal, [](int caught) {
      Leave();
      std::signal(caught, SIG_DFL);
      std::raise(caught);
    });
  }
}

void Run(const Bytes& bytes) {
  running = &bytes;
  rotary_test::RunInput(bytes.data(), bytes.size());
  running = nullptr;
}

Bytes Read(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(file), {});
}

std::vector<Bytes> ReadAll(const char* path) {
  if (!std::filesystem::is_directory(path)) return {Read(path)};
  std::vector<Bytes> all;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    all.push_back(Read(entry.path()));
  }
  // In an order that is the same everywhere.
  std::sort(all.begin(), all.end());
  return all;
}

void MakeRandom(rotary_test::Random* random, Bytes* bytes) {
  const auto words =
      static_cast<size_t>(random->Integer(1, kMaxBytes / sizeof(uint64_t)));
  bytes->clear();
  for (size_t i = 0; i < words; ++i) {
    const uint64_t word = random->Bits();
    for (int shift = 0; shift < 64; shift += 8) {
      bytes->push_back(static_cast<uint8_t>(word >> shift));
    }
  }
}

void Mutate(rotary_test::Random* random, Bytes* bytes) {
  for (int64_t n = random->Integer(1, 6); n > 0 && !bytes->empty(); --n) {
    const auto last = static_cast<int64_t>(bytes->size()) - 1;
    const auto at = random->Integer(0, last);
    switch (random->Integer(0, 4)) {
      case 0:
        bytes->erase(bytes->begin() + at);
        break;
      case 1:
        bytes->insert(bytes->begin() + at,
                      static_cast<uint8_t>(random->Bits()));
        break;
      case 2:
        (*bytes)[static_cast<size_t>(at)] ^=
            static_cast<uint8_t>(1u << random->Integer(0, 7));
        break;
      default:
        (*bytes)[static_cast<size_t>(at)] =
            static_cast<uint8_t>(random->Bits());
        break;
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 4) {
    std::fprintf(stderr, "usage: fuzz_replay PATH [COUNT [SEED]]\n");
    return 2;
  }
  HandleFailures();
  const std::vector<Bytes> corpus = ReadAll(argv[1]);
  for (const Bytes& bytes : corpus) Run(bytes);
  const int64_t count = argc > 2 ? std::atoll(argv[2]) : 0;
  rotary_test::Random random(argc > 3 ? std::strtoull(argv[3], nullptr, 10)
                                      : 1);
  Bytes bytes;
  for (int64_t i = 0; i < count; ++i) {
    if (corpus.empty() || random.Integer(0, 1) == 0) {
      MakeRandom(&random, &bytes);
    } else {
      bytes = random.Choose(corpus);
      Mutate(&random, &bytes);
    }
    Run(bytes);
  }
  return 0;
}
