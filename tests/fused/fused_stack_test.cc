// How much stack fused passes take in their own thread, forward and backward:
// at most 16 KB, and a tile of 16 KB more.  Left out with sanitizers, which
// make frames larger.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/fused/backward_case.h"
#include "tests/fused/fused_calls.h"
#include "tests/fused/fused_case.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/one_processor.h"
#include "tests/support/painted_stack.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kMostBytes = int64_t{2} * 16384;

template <typename Call>
void CheckStack(const Call& call) {
  REQUIRE(call() == ROTARY_OK);
  rotary_status status = ROTARY_OK;
  const int64_t bytes = StackBytesOf(call, &status);
  REQUIRE(status == ROTARY_OK);
  REQUIRE(bytes <= kMostBytes);
}

TEST_CASE("stack: random fused passes") {
  const uint64_t count = Effort<uint64_t>(40, 1000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    FusedCase fused(seed);
    const std::string described = fused.Describe();
    CAPTURE(described);
    ForEachTarget([&](const char* target) {
      CheckStack([&] { return fused.RunUnchecked(target, 1, true); });
      CheckStack([&] { return fused.RunUnchecked(target, 1, false); });
    });
  }
}

TEST_CASE("stack: random backward passes") {
  const uint64_t count = Effort<uint64_t>(40, 1000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    BackwardCase backward(seed);
    const std::string described = backward.Describe();
    CAPTURE(described);
    ForEachTarget([&](const char* target) {
      for (const RowSource source :
           {RowSource::kKept, RowSource::kEmbedding, RowSource::kCosSin}) {
        CheckStack([&] { return backward.RunUnchecked(target, 1, source); });
      }
    });
  }
}

// More than the caches hold, so tokens go one by one; with a tile or without.
TEST_CASE("stack: fused passes from memory") {
  constexpr int64_t kTokens = 2048;
  constexpr int64_t kHeads = 8;
  constexpr int64_t kHeadDim = 128;
  constexpr int64_t kElements = kTokens * kHeads * kHeadDim;
  const OneProcessor one_processor;
  const Embedding embedding = MakeEmbedding(kHeadDim);
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.kind = ROTARY_POSITION_STARTS;
  std::vector<float> x(2 * kElements, 1.0f);
  std::vector<float> y(x.size());
  std::vector<rotary_tensor> tensors(2);
  for (size_t i = 0; i < tensors.size(); ++i) {
    rotary_tensor_init(&tensors[i], sizeof(tensors[i]));
    tensors[i].heads = kHeads;
    tensors[i].head_dim = kHeadDim;
    tensors[i].input = x.data() + i * kElements;
    tensors[i].output = y.data() + i * kElements;
    tensors[i].input_pairing = ROTARY_HALF;
  }
  for (const int32_t columns : {0, 128}) {
    CAPTURE(columns);
    std::vector<rotary_fusion> fusions = {MakeFusion(1), MakeFusion(0)};
    fusions[0].hadamard = columns;
    rotary_apply_args apply = MakeApplyArgs(1, kTokens, tensors);
    apply.embedding = embedding.get();
    apply.positions = &positions;
    apply.num_threads = 1;
    const rotary_fused_args args = MakeFusedArgs(&apply, fusions, nullptr);
    ForEachTarget([&](const char* target) {
      apply.target = target;
      CheckStack([&] { return rotary_apply_fused(&args, nullptr); });
    });
  }
}

}  // namespace
}  // namespace rotary_test
