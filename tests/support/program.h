// What the test programs with a main of their own share: a check that ends the
// process, and a rotation large enough for several threads.
#ifndef TESTS_SUPPORT_PROGRAM_H_
#define TESTS_SUPPORT_PROGRAM_H_

#include <rotary/rotary.h>
#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <vector>

// Ends the process, also from a thread or a child, unless condition holds.
#define ROTARY_EXPECT(condition)                                       \
  do {                                                                 \
    if (!(condition)) {                                                \
      std::fprintf(stderr, "%s:%d: %s is false\n", __FILE__, __LINE__, \
                   #condition);                                        \
      _exit(1);                                                        \
    }                                                                  \
  } while (false)

namespace rotary_test {

// What ctest takes for "skipped".
constexpr int kSkipped = 77;

// Queries of 1024 tokens.
class Workload {
 public:
  static constexpr int64_t kTokens = 1024;
  static constexpr int64_t kHeads = 8;
  static constexpr int64_t kHeadDim = 64;

  Workload() : ids_(kTokens), input_(kTokens * kHeads * kHeadDim) {
    for (size_t i = 0; i < ids_.size(); ++i) {
      ids_[i] = static_cast<int64_t>(i * 37 % 5000);
    }
    for (size_t i = 0; i < input_.size(); ++i) {
      input_[i] = static_cast<float>(i * 7919 % 2003) - 1001;
    }
    ROTARY_EXPECT(rotary_embedding_from_base(kHeadDim, 10000, &embedding_,
                                             nullptr) == ROTARY_OK);
    expected_ = input_;
    ROTARY_EXPECT(Rotate(1, expected_.data()) == ROTARY_OK);
    ROTARY_EXPECT(expected_ != input_);
  }
  Workload(const Workload&) = delete;
  Workload& operator=(const Workload&) = delete;
  ~Workload() { rotary_embedding_destroy(embedding_); }

  // In place.
  rotary_status Rotate(int32_t num_threads, float* q) const {
    return rotary_apply_qk(embedding_, ids_.data(), ROTARY_I64, kTokens,
                           ROTARY_F32, ROTARY_HALF, kHeadDim, q, kHeads,
                           ROTARY_DENSE, ROTARY_DENSE, nullptr, 0, ROTARY_DENSE,
                           ROTARY_DENSE, num_threads, nullptr);
  }

  // Whether so many threads compute what one thread did at first.
  bool IsRightWith(int32_t num_threads) const {
    std::vector<float> q = input_;
    return Rotate(num_threads, q.data()) == ROTARY_OK && q == expected_;
  }

 private:
  rotary_embedding* embedding_ = nullptr;
  std::vector<int64_t> ids_;
  std::vector<float> input_;
  std::vector<float> expected_;
};

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_PROGRAM_H_
