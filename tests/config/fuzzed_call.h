// Apply calls by every source of rotation within memory of their own, extreme
// and small values for fields, and what a failed call must say.  Used by the
// fuzz tests.
#ifndef TESTS_CONFIG_FUZZED_CALL_H_
#define TESTS_CONFIG_FUZZED_CALL_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {

// Small values reach around within memory; each of the others is so large that
// nothing fits.
int64_t Value64(Random* random);

// Sizes, which must not be small enough to be true and large enough to leave
// memory.
int64_t Size(Random* random);

int32_t Value32(Random* random);

// Formats that a tensor may have, or that of an output as its input's.
void SetFormats(rotary_tensor* tensor, Random* random);

// Two tensors, and room for three, within one memory; so are the positions, and
// cos and sin, whose elements are all equal.
struct FuzzedCall {
  FuzzedCall();
  FuzzedCall(const FuzzedCall&) = delete;
  FuzzedCall& operator=(const FuzzedCall&) = delete;
  ~FuzzedCall() = default;

  float* At(int64_t element) { return memory.data() + element; }

  // Two tensors, by the embedding and positions.
  void Reset();
  // The same, but for what memory holds.
  void ResetFields();
  void UseRows();
  void UseCosSin(bool by_position);

  Embedding embedding = MakeEmbedding(8);
  Embedding axes;   // of 3 axes
  Embedding heads;  // with rows for each of 2 heads
  Rows rows = MakeRows(embedding.get(), {1, 2, 3, 4, 5, 6, 7, 8});
  std::vector<float> memory;
  std::vector<int64_t> ids;
  std::vector<uint32_t> table;  // of cos and sin, and as far as they reach
  rotary_tensor tensors[3];
  rotary_positions positions;
  rotary_cos_sin cos_sin;
  rotary_apply_args args;
};

// Whether an error says what that of a failed call must, whatever it was.
bool IsConsistent(rotary_status status, const rotary_error& error);
void RequireConsistent(rotary_status status, const rotary_error& error);

}  // namespace rotary_test

#endif  // TESTS_CONFIG_FUZZED_CALL_H_
