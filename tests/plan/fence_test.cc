// Whoever stores past the caches sees to it that other threads find it there,
// once for all of it.  The linker leads calls of rotary::FenceStreams here.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/support/objects.h"

namespace {

std::atomic<int> fences{0};

}  // namespace

extern "C" {

// NOLINTBEGIN(bugprone-reserved-identifier)
void __real__ZN6rotary12FenceStreamsEv();
void __wrap__ZN6rotary12FenceStreamsEv() {
  ++fences;
  __real__ZN6rotary12FenceStreamsEv();
}
// NOLINTEND(bugprone-reserved-identifier)

}  // extern "C"

namespace rotary_test {
namespace {

constexpr int64_t kTokens = 40;
constexpr int64_t kDim = 64;

// A tensor of F32 out of place, aligned to what stores past the caches need.
struct Call {
  explicit Call(rotary_store store) : tensors(1) {
    rotary_tensor& tensor = tensors[0];
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.head_dim = kDim;
    tensor.input = from;
    tensor.output = to;
    tensor.output_store = store;
    tensor.input_pairing = ROTARY_HALF;
    args = MakeApplyArgs(1, kTokens, tensors);
    args.rows = rows.get();
    args.num_threads = 1;
  }

  Embedding embedding = MakeEmbedding(kDim);
  Rows rows =
      MakeRows(embedding.get(), std::vector<int64_t>(size_t{kTokens}, 3));
  alignas(64) float from[kTokens * kDim] = {};
  alignas(64) float to[kTokens * kDim] = {};
  std::vector<rotary_tensor> tensors;
  rotary_apply_args args;
};

TEST_CASE("plan: a call that stores past the caches fences once") {
  for (const bool stream : {false, true}) {
    Call call(stream ? ROTARY_STORE_STREAM : ROTARY_STORE_KEEP);
    fences = 0;
    ApplyOk(call.args);
    CHECK(fences == (stream ? 1 : 0));
  }
}

TEST_CASE("plan: each slice that stores past the caches fences once") {
  Call call(ROTARY_STORE_STREAM);
  size_t bytes;
  rotary_error error;
  RequireOk(rotary_prepared_bytes_needed(1, &bytes, &error), error);
  std::vector<uint64_t> memory(bytes / 8 + 1);
  rotary_prepared* prepared = nullptr;
  RequireOk(rotary_prepare(&call.args, memory.data(), bytes, &prepared, &error),
            error);
  for (const int64_t slices : {1, 2, 3}) {
    for (int64_t i = 0; i < slices; ++i) {
      fences = 0;
      RequireOk(rotary_prepared_run(prepared, i, slices, &error), error);
      CHECK(fences == 1);
    }
  }
}

TEST_CASE("plan: a fused pass that stores past the caches fences once") {
  for (const bool stream : {false, true}) {
    Call call(stream ? ROTARY_STORE_STREAM : ROTARY_STORE_KEEP);
    rotary_fusion fusion;
    rotary_fusion_init(&fusion, sizeof(fusion));
    rotary_fused_args args;
    rotary_fused_args_init(&args, sizeof(args));
    args.apply = &call.args;
    args.fusions = &fusion;
    fences = 0;
    rotary_error error;
    RequireOk(rotary_apply_fused(&args, &error), error);
    CHECK(fences == (stream ? 1 : 0));
  }
}

}  // namespace
}  // namespace rotary_test
