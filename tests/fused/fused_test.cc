// Fused passes of every kind against the formulas, with the same bits for every
// target, number of threads and source of rows.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/fused/fused_case.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

TEST_CASE("fused passes: random ones") {
  const uint64_t count = Effort<uint64_t>(80, 10000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    FusedCase fused(seed);
    const std::string described = fused.Describe();
    CAPTURE(described);
    fused.Run(nullptr, 1, true);
    REQUIRE(fused.Check() == "");
    const std::vector<uint8_t> expected = fused.Result();
    ForEachTarget([&](const char* target) {
      fused.Run(target, 1, false);
      REQUIRE(fused.Result() == expected);
    });
    fused.Run(nullptr, 3, seed % 2 == 0);
    REQUIRE(fused.Result() == expected);
    fused.RunPrepared(1 + static_cast<int64_t>(seed % 5));
    REQUIRE(fused.Result() == expected);
  }
}

TEST_CASE("fused passes: what cannot be prepared") {
  rotary_error error = {};
  size_t bytes;
  CHECK(rotary_prepared_fused_bytes_needed(nullptr, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(std::string(error.argument) == "bytes");
  RequireOk(rotary_prepared_fused_bytes_needed(&bytes, &error), error);
  std::vector<uint64_t> memory(bytes / 8 + 1, 5);
  const std::vector<uint64_t> before = memory;
  rotary_prepared* prepared = nullptr;
  rotary_apply_args apply;
  rotary_apply_args_init(&apply, sizeof(apply));
  rotary_fused_args args;
  rotary_fused_args_init(&args, sizeof(args));
  args.apply = &apply;
  const auto refused = [&](const rotary_fused_args* given, void* to,
                           size_t size, rotary_prepared** out,
                           const char* argument) {
    CAPTURE(argument);
    CHECK(rotary_prepare_fused(given, to, size, out, &error) ==
          ROTARY_ERROR_ARGUMENT);
    CHECK(std::string(error.argument) == argument);
    CHECK(prepared == nullptr);
    CHECK(memory == before);
  };
  refused(nullptr, memory.data(), bytes, &prepared, "args");
  refused(&args, nullptr, bytes, &prepared, "memory");
  refused(&args, reinterpret_cast<char*>(memory.data()) + 4, bytes, &prepared,
          "memory");
  refused(&args, memory.data(), bytes - 1, &prepared, "bytes");
  refused(&args, memory.data(), bytes, nullptr, "prepared");
  apply.num_threads = -1;
  refused(&args, memory.data(), bytes, &prepared, "num_threads");
  // Memory that the call itself moves.
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  const std::vector<rotary_fusion> fusions = {MakeFusion(0)};
  args.fusions = fusions.data();
  apply.num_threads = 1;
  apply.tensors = &tensor;
  apply.num_tensors = 1;
  apply.tokens = 1;
  tensor.head_dim = 64;
  std::vector<float> other(64);
  for (const bool reads : {true, false}) {
    tensor.input = reads ? static_cast<void*>(memory.data()) : other.data();
    tensor.output = reads ? static_cast<void*>(other.data()) : memory.data();
    CHECK(rotary_prepare_fused(&args, memory.data(), bytes, &prepared,
                               &error) == ROTARY_ERROR_OVERLAP);
    CHECK(std::string(error.argument) == "memory");
    CHECK(memory == before);
  }
  apply.num_tensors = 0;
  // Nothing is done by a pass without tensors.
  apply.num_threads = 1;
  RequireOk(
      rotary_prepare_fused(&args, memory.data(), bytes, &prepared, &error),
      error);
  CHECK(rotary_prepared_slices(prepared) == 1);
  RequireOk(rotary_prepared_run(prepared, 6, 7, &error), error);
  CHECK(rotary_prepared_run(prepared, 7, 7, &error) == ROTARY_ERROR_ARGUMENT);
}

}  // namespace
}  // namespace rotary_test
