// Where the tokens are: positions in the caller's arrays, read as int32, or as
// f64 where they need not be whole numbers.
// Called by config (checks) and by whoever makes rows.

#ifndef ROTARY_LIB_ROWS_POSITIONS_H_
#define ROTARY_LIB_ROWS_POSITIONS_H_

#include <stdint.h>

namespace rotary {

enum class PositionType { kI32, kU32, kI64, kU64, kF32, kF64 };

// In bytes.
constexpr int64_t ElementSize(PositionType type) {
  return type == PositionType::kI32 || type == PositionType::kU32 ||
                 type == PositionType::kF32
             ? 4
             : 8;
}
constexpr bool IsReal(PositionType type) {
  return type == PositionType::kF32 || type == PositionType::kF64;
}

// On axis a, token t of sequence b is at
//   offset + t * token_step
//     + data[a * axis_stride + b * batch_stride + t * token_stride].
struct Positions {
  const void* data;  // nullptr: every element is 0
  PositionType type;
  int64_t axis_stride;
  int64_t batch_stride;
  int64_t token_stride;
  int64_t token_step;  // 0, or 1: data holds the starts of sequences
  int64_t offset;

  // Sequences one behind the other: the first token of each and the end of the
  // last, or nullptr.  `data` has a start for each.
  const void* cu_seqlens;
  bool cu_seqlens_i64;
  int64_t num_sequences;
};

// Element s of cu_seqlens.
inline int64_t SequenceBegin(const Positions& positions, int64_t s) {
  return positions.cu_seqlens_i64
             ? static_cast<const int64_t*>(positions.cu_seqlens)[s]
             : static_cast<const int32_t*>(positions.cu_seqlens)[s];
}

// Those that are legal, both ends included: whole numbers, and real ones.
struct PositionRange {
  int64_t low;
  int64_t high;
  double real_low;
  double real_high;
};

// The first position that is not in the range of its axis, nor the sentinel.
struct BadPosition {
  int64_t batch;
  int64_t token;
  int64_t axis;
  int64_t value;  // of data's element; u64: its bits
  double real_value;
};
bool FindBadPosition(const Positions& positions, int64_t batch, int64_t tokens,
                     int64_t axes, const PositionRange* ranges,
                     BadPosition* bad);

// Positions on an axis of tokens [first, first + count) of sequence b; the
// sentinel is read as kNoPosition.  The positions have been checked, and are
// whole numbers.
void ReadPositions(const Positions& positions, int64_t axis, int64_t b,
                   int64_t first, int64_t count, int32_t* out);

// The same of any type; the sentinel is read as NaN.
void ReadRealPositions(const Positions& positions, int64_t axis, int64_t b,
                       int64_t first, int64_t count, double* out);

// The sequence of a packed batch that holds a token, or -1.
int64_t SequenceAt(const Positions& positions, int64_t token);

// Marks those of tokens [first, first + count) of a packed batch that are in no
// sequence as kUntouched.
void MarkPadding(const Positions& positions, int64_t first, int64_t count,
                 uint8_t* states);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_POSITIONS_H_
