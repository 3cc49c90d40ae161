// A valid call of rotary_permute_weights, within one memory, to be spoiled.
// Used by the tests of its errors.
#ifndef TESTS_CONFIG_WEIGHTS_CALL_H_
#define TESTS_CONFIG_WEIGHTS_CALL_H_

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/apply/weights_model.h"
#include "tests/config/valid_call.h"

namespace rotary_test {

// 6 rows of 5 elements, out of place.
struct WeightsCall {
  static constexpr int64_t kOutput = 2048;  // behind the input, in bytes

  WeightsCall() {
    for (int i = 0; i < 4096; ++i) {
      memory.push_back(static_cast<uint8_t>(i * 37 % 251));
    }
    input = At(0);
    output = At(kOutput);
  }
  WeightsCall(const WeightsCall&) = delete;
  WeightsCall& operator=(const WeightsCall&) = delete;
  ~WeightsCall() = default;

  // Row 0 of something, so many bytes behind the usual input.
  uint8_t* At(int64_t byte) { return memory.data() + 1024 + byte; }

  rotary_status Run(rotary_error* error) const {
    return PermuteWeights(shape, input, input_stride, output, output_stride,
                          error);
  }
  void CheckWeightsRefused(const Wrong& expected) const {
    const std::vector<uint8_t> before = memory;
    CheckRefused([&](rotary_error* error) { return Run(error); }, expected);
    CHECK(memory == before);
  }
  void CheckWeightsAccepted() const {
    rotary_error error;
    RequireOk(Run(&error), error);
  }

  std::vector<uint8_t> memory;
  WeightsShape shape = {4, 1, 6, 2, 4, 5, ROTARY_HALF, ROTARY_INTERLEAVED};
  const void* input = nullptr;
  int64_t input_stride = ROTARY_DENSE;
  void* output = nullptr;
  int64_t output_stride = ROTARY_DENSE;
};

}  // namespace rotary_test

#endif  // TESTS_CONFIG_WEIGHTS_CALL_H_
