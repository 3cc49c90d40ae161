// Positions of any kind, dtype and strides that choose rows of a caller's own
// cos and sin.  Used by the tests of cos_sin.
#ifndef TESTS_APPLY_OWN_POSITIONS_H_
#define TESTS_APPLY_OWN_POSITIONS_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/support/random.h"

namespace rotary_test {

// Positions of [batch][tokens], in 0 .. rows - 1, some of them none.
struct OwnPositions {
  OwnPositions(Random* random, rotary_positions_kind kind, rotary_dtype dtype,
               int64_t batch, int64_t tokens, int64_t rows);
  OwnPositions(const OwnPositions&) = delete;
  OwnPositions& operator=(const OwnPositions&) = delete;

  rotary_positions positions;
  std::vector<int64_t> ids;   // [batch][tokens]: ROTARY_NO_POSITION_I64 is none
  std::vector<bool> padding;  // [tokens], or empty

 private:
  void SetElement(int64_t index, int64_t value);  // INT64_MIN: the sentinel
  void DrawIds(Random* random, int64_t batch, int64_t tokens, int64_t rows);
  void DrawStarts(Random* random, int64_t batch, int64_t tokens, int64_t rows);
  void DrawPacked(Random* random, int64_t tokens, int64_t rows);
  int64_t DrawOne(Random* random, int64_t count) const;

  std::vector<int64_t> values_;  // what the elements of data are
  std::vector<uint64_t> data_;
  std::vector<int64_t> cu_seqlens_i64_;
  std::vector<int32_t> cu_seqlens_i32_;
};

}  // namespace rotary_test

#endif  // TESTS_APPLY_OWN_POSITIONS_H_
