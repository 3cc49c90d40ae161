// Positions of any kind, dtype and strides, and what they mean, found from the
// manual alone.  Used by the kinds that rotate, set rows and make slots.
#ifndef TESTS_FUZZ_DRAWN_POSITIONS_H_
#define TESTS_FUZZ_DRAWN_POSITIONS_H_

#include <rotary/rotary.h>

#include <cstdint>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/input.h"

namespace rotary_test {

class DrawnPositions {
 public:
  static constexpr int64_t kMaxTokens = 48;  // of all sequences
  static constexpr int64_t kMaxAxes = 4;

  // Most positions are within [low, high]; all are whole unless `real`.
  void Draw(Input* input, Arena* arena, int64_t batch, int64_t tokens,
            int64_t axes, double low, double high, bool real);

  const rotary_positions& positions() const { return positions_; }
  // To make it hostile.  What lies behind it may be read as of a later version.
  rotary_positions* exposed() { return &positions_; }
  bool is_real() const { return positions_.data != nullptr && is_real_; }

  // Of token i of all, [batch][tokens].
  bool IsPadding(int64_t i) const { return sequence_[i] < 0; }
  bool HasPosition(int64_t i) const { return has_position_[i]; }
  double At(int64_t axis, int64_t i) const { return at_[axis][i]; }
  int64_t Sequence(int64_t i) const { return sequence_[i]; }

 private:
  void DrawLayout(Input* input, Arena* arena);
  void DrawSequences(Input* input, Arena* arena);
  void DrawValues(Input* input, double low, double high);
  void Store(int64_t index, double value, bool none);
  double Load(int64_t index, bool* none) const;
  void Find();

  int64_t batch_;
  int64_t tokens_;
  int64_t axes_;
  bool is_real_;
  rotary_positions positions_;
  uint8_t* data_;       // of the lowest element
  int64_t first_;       // where element 0 is behind it
  int64_t count_;       // elements of data
  int64_t strides_[3];  // of axis, batch (or sequence), token
  int64_t cu_seqlens_[8];
  double at_[kMaxAxes][kMaxTokens];
  bool has_position_[kMaxTokens];
  int64_t sequence_[kMaxTokens];
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_DRAWN_POSITIONS_H_
