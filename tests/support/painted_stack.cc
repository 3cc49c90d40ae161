#include "tests/support/painted_stack.h"

#include <doctest/doctest.h>
#include <pthread.h>

#include <algorithm>
#include <memory>

namespace rotary_test {
namespace {

// Far more than any call may take; AArch64 has no thread with less than 128 KB.
constexpr size_t kStackBytes = 144 << 10;
constexpr uint64_t kPaint = 0x5aa55aa5c33cc33cu;

struct Memory {
  alignas(4096) uint64_t words[kStackBytes / sizeof(uint64_t)];
};

struct Run {
  const StackCall* call;
  const Memory* stack;
  rotary_status status;
  int64_t depth;
};

// From the end of the stack, where a thread begins, to the last overwritten
// word.
int64_t Depth(const Memory& stack) {
  const uint64_t* const begin = stack.words;
  const uint64_t* const end = begin + kStackBytes / sizeof(uint64_t);
  const uint64_t* at = begin;
  // What is written is not this function's to know.
  while (at < end && *static_cast<const volatile uint64_t*>(at) == kPaint) ++at;
  return (end - at) * static_cast<int64_t>(sizeof(uint64_t));
}

// Looks before the thread ends, which takes stack too.
void* RunAndLook(void* argument) {
  Run* const run = static_cast<Run*>(argument);
  run->status = (*run->call)();
  run->depth = Depth(*run->stack);
  return nullptr;
}

int64_t DepthOf(const StackCall& call, rotary_status* status) {
  static const std::unique_ptr<Memory> stack(new Memory);
  std::fill(std::begin(stack->words), std::end(stack->words), kPaint);
  Run run = {&call, stack.get(), ROTARY_OK, 0};
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstack(&attributes, stack->words, kStackBytes) == 0);
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, RunAndLook, &run) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  REQUIRE(pthread_attr_destroy(&attributes) == 0);
  REQUIRE(run.depth < static_cast<int64_t>(kStackBytes));
  *status = run.status;
  return run.depth;
}

}  // namespace

int64_t StackBytesOf(const StackCall& call, rotary_status* status) {
  const StackCall nothing = [] { return rotary_version() > 0 ? 0 : 1; };
  nothing();
  rotary_status unused;
  static const int64_t of_thread = DepthOf(nothing, &unused);
  return DepthOf(call, status) - of_thread;
}

}  // namespace rotary_test
