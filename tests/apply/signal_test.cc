// A program: calls that signals interrupt, at any instruction, and whose
// handler makes a call of its own with one thread.
#include <errno.h>
#include <rotary/rotary.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>
#include <cstring>

#include "tests/support/program.h"

namespace {

constexpr int64_t kTokens = 5;
constexpr int64_t kHeadDim = 64;
constexpr int kInterruptions = 2000;

const rotary_embedding* embedding = nullptr;
const int64_t ids[kTokens] = {0, 1, 77, -3, 123456789};
float input[kTokens * kHeadDim];
float expected[kTokens * kHeadDim];
std::atomic<int> interruptions{0};

rotary_status Rotate(float* q) {
  return rotary_apply_qk(embedding, ids, ROTARY_I64, kTokens, ROTARY_F32,
                         ROTARY_INTERLEAVED, kHeadDim, q, 1, ROTARY_DENSE,
                         ROTARY_DENSE, nullptr, 0, ROTARY_DENSE, ROTARY_DENSE,
                         1, nullptr);
}

void RotateInHandler(int /*signal*/) {
  const int saved = errno;
  errno = EDOM;
  float q[kTokens * kHeadDim];
  std::memcpy(q, input, sizeof(q));
  ROTARY_EXPECT(Rotate(q) == ROTARY_OK);
  ROTARY_EXPECT(std::memcmp(q, expected, sizeof(q)) == 0);
  ROTARY_EXPECT(errno == EDOM);
  errno = saved;
  interruptions.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

int main() {
  rotary_embedding* made = nullptr;
  ROTARY_EXPECT(rotary_embedding_from_base(kHeadDim, 10000, &made, nullptr) ==
                ROTARY_OK);
  embedding = made;
  for (int i = 0; i < kTokens * kHeadDim; ++i) {
    input[i] = static_cast<float>(i % 17) - 8;
  }
  std::memcpy(expected, input, sizeof(expected));
  ROTARY_EXPECT(Rotate(expected) == ROTARY_OK);
  ROTARY_EXPECT(std::memcmp(expected, input, sizeof(expected)) != 0);
  const rotary_test::Workload workload;

  struct sigaction action = {};
  action.sa_handler = RotateInHandler;
  ROTARY_EXPECT(sigaction(SIGALRM, &action, nullptr) == 0);
  const itimerval each = {{0, 50}, {0, 50}};  // microseconds
  ROTARY_EXPECT(setitimer(ITIMER_REAL, &each, nullptr) == 0);
  while (interruptions.load(std::memory_order_relaxed) < kInterruptions) {
    for (const int32_t threads : {1, 2, 0}) {
      ROTARY_EXPECT(workload.IsRightWith(threads));
    }
  }
  const itimerval never = {};
  ROTARY_EXPECT(setitimer(ITIMER_REAL, &never, nullptr) == 0);
  rotary_embedding_destroy(made);
  return 0;
}
