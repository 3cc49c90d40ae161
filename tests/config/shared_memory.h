// A call on tensors in one piece of memory, which may or may not overlap.  Used
// by the overlap tests.
#ifndef TESTS_CONFIG_SHARED_MEMORY_H_
#define TESTS_CONFIG_SHARED_MEMORY_H_

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/config/tensor_elements.h"
#include "tests/config/valid_call.h"
#include "tests/support/objects.h"

namespace rotary_test {

constexpr int64_t kBatch = 2;
constexpr int64_t kTokens = 3;
constexpr int64_t kDim = 8;  // of a head; all of it is rotated

// A call by rows on tensors in one piece of memory.
struct SharedMemory {
  Embedding embedding = MakeEmbedding(kDim);
  Rows rows = MakeRows(embedding.get(), {1, 2, 3, 4, 5, 6});
  std::vector<float> memory = std::vector<float>(4096, 1.0f);
  std::vector<rotary_tensor> tensors;
  int64_t batch = kBatch;
  int64_t tokens = kTokens;

  float* At(int64_t element) { return memory.data() + 1024 + element; }

  // Strides of [batch][tokens][heads]; in place.
  rotary_tensor* Add(int64_t at, int64_t heads, int64_t batch_stride,
                     int64_t token_stride, int64_t head_stride) {
    rotary_tensor tensor;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = heads;
    tensor.head_dim = kDim;
    tensor.input = At(at);
    tensor.input_batch_stride = batch_stride;
    tensor.input_token_stride = token_stride;
    tensor.input_head_stride = head_stride;
    tensor.input_pairing = ROTARY_INTERLEAVED;
    tensors.push_back(tensor);
    return &tensors.back();
  }

  rotary_tensor* AddDense(int64_t at, int64_t heads) {
    return Add(at, heads, ROTARY_DENSE, ROTARY_DENSE, ROTARY_DENSE);
  }

  rotary_apply_args Args() const {
    rotary_apply_args args = MakeApplyArgs(batch, tokens, tensors);
    args.rows = rows.get();
    args.num_threads = 1;
    return args;
  }

  // The call succeeds and writes something.
  void CheckAccepted() {
    const rotary_apply_args args = Args();
    REQUIRE(OutputsAreDisjoint(memory, args));
    const std::vector<float> before = memory;
    rotary_error error;
    RequireOk(rotary_apply(&args, &error), error);
    CHECK_FALSE(SameBytes(memory, before));
  }

  // `argument` is a field of tensor `index`.
  void CheckRefusedBecause(int32_t index, const std::string& argument) {
    const rotary_apply_args args = Args();
    REQUIRE(!OutputsAreDisjoint(memory, args));
    Wrong expected = {"tensors[" + std::to_string(index) + "]." + argument};
    expected.status = ROTARY_ERROR_OVERLAP;
    expected.tensor = index;
    const std::vector<float> before = memory;
    CheckRefused(
        [&](rotary_error* error) { return rotary_apply(&args, error); },
        expected);
    CHECK(SameBytes(memory, before));
  }
};

}  // namespace rotary_test

#endif  // TESTS_CONFIG_SHARED_MEMORY_H_
