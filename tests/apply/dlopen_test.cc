// A program: the shared library (argument 1) is loaded, used with two threads
// and unloaded by threads that end after that.  Threads of a pool whose code is
// unmapped would end the process.
#include <dlfcn.h>
#include <rotary/rotary.h>

#include <thread>
#include <vector>

#include "tests/support/program.h"

namespace {

template <typename Function>
Function* Find(void* library, const char* name) {
  void* const symbol = dlsym(library, name);
  ROTARY_EXPECT(symbol != nullptr);
  return reinterpret_cast<Function*>(symbol);
}

constexpr int64_t kTokens = 1024;
constexpr int64_t kHeads = 8;
constexpr int64_t kHeadDim = 64;

void LoadUseUnload(const char* path) {
  void* const library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) std::fprintf(stderr, "%s\n", dlerror());
  ROTARY_EXPECT(library != nullptr);
  const auto from_base = Find<decltype(rotary_embedding_from_base)>(
      library, "rotary_embedding_from_base");
  const auto destroy = Find<decltype(rotary_embedding_destroy)>(
      library, "rotary_embedding_destroy");
  const auto apply_qk =
      Find<decltype(rotary_apply_qk)>(library, "rotary_apply_qk");

  rotary_embedding* embedding = nullptr;
  ROTARY_EXPECT(from_base(kHeadDim, 10000, &embedding, nullptr) == ROTARY_OK);
  std::vector<int64_t> ids;
  for (int64_t t = 0; t < kTokens; ++t) ids.push_back(t);
  const auto rotate = [&](int32_t num_threads) {
    std::vector<float> q(kTokens * kHeads * kHeadDim, 1.0f);
    ROTARY_EXPECT(apply_qk(embedding, ids.data(), ROTARY_I64, kTokens,
                           ROTARY_F32, ROTARY_INTERLEAVED, kHeadDim, q.data(),
                           kHeads, ROTARY_DENSE, ROTARY_DENSE, nullptr, 0,
                           ROTARY_DENSE, ROTARY_DENSE, num_threads,
                           nullptr) == ROTARY_OK);
    return q;
  };
  ROTARY_EXPECT(rotate(2) == rotate(1));
  destroy(embedding);
  ROTARY_EXPECT(dlclose(library) == 0);
}

}  // namespace

int main(int argc, char** argv) {
  ROTARY_EXPECT(argc == 2);
  for (int i = 0; i < 5; ++i) std::thread(LoadUseUnload, argv[1]).join();
  return 0;
}
