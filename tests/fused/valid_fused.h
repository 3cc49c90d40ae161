// A valid fused pass to be spoiled, and the check that a spoiled one is refused
// in the right words and writes nothing.  Used by the tests of fused passes.
#ifndef TESTS_FUSED_VALID_FUSED_H_
#define TESTS_FUSED_VALID_FUSED_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/config/valid_call.h"
#include "tests/fused/fused_calls.h"
#include "tests/support/objects.h"

namespace rotary_test {

// Three tensors of [2][3] tokens, by kept rows: queries in place with a norm
// and token_scales; keys to a paged cache of I8 with scales that are made;
// values, which are not rotated, to a paged cache of BF16.
struct ValidFused {
  static constexpr int64_t kBatch = 2;
  static constexpr int64_t kTokens = 3;
  static constexpr int64_t kRotaryDim = 16;
  static constexpr int64_t kHeads = 2;
  static constexpr int64_t kHeadDim = 64;
  static constexpr int64_t kSlots = 12;
  static constexpr int64_t kBlockSize = 4;
  // As much as what is larger and is made to begin among the keys' bytes, so
  // that it overlaps nothing else.
  static constexpr int64_t kBehind = 4096;

  ValidFused();
  ValidFused(const ValidFused&) = delete;
  ValidFused& operator=(const ValidFused&) = delete;
  ~ValidFused() = default;

  // Queries out of place, to `spare`.
  void ToOutput() { tensors[0].output = spare.data(); }
  // By the embedding instead of rows.
  void UseEmbedding();

  // All memory that a pass could write to or read from.
  std::vector<unsigned char> Memory() const;

  Embedding embedding;
  Rows rows;
  std::vector<int64_t> ids;
  rotary_positions positions;
  OwnSlots slots;
  std::vector<float> q;
  std::vector<float> k;
  std::vector<float> v;
  std::vector<float> weight;  // [kHeads][kHeadDim]
  std::vector<float> token_scales;
  std::vector<int8_t> k_data;  // and kBehind more
  std::vector<float> k_scales;
  std::vector<uint16_t> v_data;
  std::vector<float> spare;  // as much as q
  int64_t saturated;
  rotary_norm norm;
  rotary_cache k_cache;
  rotary_cache v_cache;
  rotary_fusion fusions[3];
  rotary_tensor tensors[3];
  rotary_apply_args apply;
  rotary_fused_args args;
};

// The pass must fail as expected, and not write.
void CheckFusedRefused(const ValidFused& call, const Wrong& expected);
// It must succeed, and write.
void CheckFusedAccepted(const ValidFused& call);

// Moves a pointer by a byte, to the address that is returned.
template <typename T>
int64_t Shift(T** pointer) {
  const uintptr_t at = reinterpret_cast<uintptr_t>(*pointer) + 1;
  *pointer = reinterpret_cast<T*>(at);
  return static_cast<int64_t>(at);
}

// A rotary_tile_function.
inline void NoTile(void* /*user*/, const rotary_tile* /*tile*/) {}

// Spoils a valid pass, and returns the value that the error is to tell, if it
// has one.
using Spoil = std::function<std::optional<int64_t>(ValidFused*)>;
struct SpoiledFused {
  std::string argument;  // of tensor n if it is "tensors[n].." or "fusions[n]."
  Spoil spoil;
  rotary_status status = ROTARY_ERROR_ARGUMENT;
};
void CheckAllFusedRefused(const std::vector<SpoiledFused>& cases);

}  // namespace rotary_test

#endif  // TESTS_FUSED_VALID_FUSED_H_
