// Calls on more than the caches hold, which are fetched by software or stored
// past the caches, give the bits of small calls.
#include <doctest/doctest.h>
#include <rotary/rotary.h>
#include <sched.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// The last-level cache counts for no more than 16 MB for each processor that
// the process may use, so that 17 MB are a large call with one of them.
constexpr Shape kShape{1, 1110, 30, 128};
constexpr int64_t kRotaryDim = 96;
constexpr int64_t kSmallTokens = 50;

// Keeps the process to one processor while it lives.
class OneProcessor {
 public:
  OneProcessor() {
    REQUIRE(sched_getaffinity(0, sizeof(before_), &before_) == 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; ++i) {
      if (CPU_ISSET(i, &before_)) CPU_SET(i, &one);
    }
    REQUIRE(sched_setaffinity(0, sizeof(one), &one) == 0);
  }
  ~OneProcessor() { sched_setaffinity(0, sizeof(before_), &before_); }

 private:
  cpu_set_t before_;
};

// What is rotated, and the result of small calls.
struct Problem {
  explicit Problem(rotary_pairing pairing_)
      : pairing(pairing_),
        embedding(MakeEmbedding(kRotaryDim)),
        ids(RandomPositions(kShape.tokens, 1)),
        positions(MakePositions(ids)),
        rows(MakeRows(embedding.get(), ids)),
        input(kShape, StridesOf(kShape)),
        expected(kShape, StridesOf(kShape)) {
    input.FillRandom(2);
    for (int64_t token = 0; token < kShape.tokens; token += kSmallTokens) {
      rotary_tensor tensor =
          OutOfPlace(input.view(), expected.view(), pairing, 16);
      tensor.input = input.view().Head(0, token, 0);
      tensor.output = expected.view().Head(0, token, 0);
      rotary_apply_args args = WithRows();
      args.tokens = std::min(kSmallTokens, kShape.tokens - token);
      args.first_row = token;
      Apply(args, tensor);
    }
  }

  rotary_apply_args WithRows() const {
    rotary_apply_args args = MakeApplyArgs(1, kShape.tokens, no_tensors);
    args.rows = rows.get();
    args.num_threads = 1;
    return args;
  }
  rotary_apply_args OneShot() const {
    rotary_apply_args args = WithRows();
    args.rows = nullptr;
    args.embedding = embedding.get();
    args.positions = &positions;
    return args;
  }
  void Apply(rotary_apply_args args, const rotary_tensor& tensor) const {
    args.tensors = &tensor;
    args.num_tensors = 1;
    ApplyOk(args);
  }

  // In place, and out of place with each kind of store.
  void Check(const Strides& strides, int64_t misalignment,
             const char* target) const {
    const StridedTensor x(kShape, strides, Flush::kEnd, misalignment);
    const StridedTensor y(kShape, strides, Flush::kStart, misalignment);
    for (rotary_apply_args args : {WithRows(), OneShot()}) {
      args.target = target;
      CopyValues(input.view(), x.view());
      for (const rotary_store store :
           {ROTARY_STORE_AUTO, ROTARY_STORE_KEEP, ROTARY_STORE_STREAM}) {
        CAPTURE(store);
        rotary_tensor tensor = OutOfPlace(x.view(), y.view(), pairing, 16);
        tensor.output_store = store;
        Apply(args, tensor);
        CHECK(SameValues(y.view(), expected.view()));
      }
      Apply(args, InPlace(x.view(), pairing, 16));
      CHECK(SameValues(x.view(), expected.view()));
    }
  }

  std::vector<rotary_tensor> no_tensors;
  rotary_pairing pairing;
  Embedding embedding;
  std::vector<int64_t> ids;
  rotary_positions positions;
  Rows rows;
  StridedTensor input;
  StridedTensor expected;
};

}  // namespace

TEST_CASE("large calls: the bits of small ones") {
  const OneProcessor one_processor;
  const int64_t row = kShape.heads * kShape.head_dim;
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    CAPTURE(pairing);
    const Problem problem(pairing);
    ForEachTarget([&](const char* target) {
      problem.Check(StridesOf(kShape), 0, target);
    });
    const char* target = nullptr;
    problem.Check(StridesOf(kShape), 1, target);
    problem.Check(StridesOf(kShape, Order::kBhsd), 0, target);
    problem.Check({0, -row, kShape.head_dim}, 0, target);
    problem.Check({0, row, -kShape.head_dim}, 0, target);
  }
}

}  // namespace rotary_test
