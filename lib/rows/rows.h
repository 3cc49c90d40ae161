// Rows in memory: what a rotary_rows is, and how rows are made from positions.
// Called by apply and api.

#ifndef ROTARY_LIB_ROWS_ROWS_H_
#define ROTARY_LIB_ROWS_ROWS_H_

#include <stddef.h>
#include <stdint.h>

#include "lib/kernels/kernels.h"

// The head of a block of memory without pointers: this, then a byte for each
// row (does it rotate?), then the rows, [cos padded][sin padded] each.
struct rotary_rows {
  uint64_t magic;
  int64_t pairs;
  int64_t count;
  uint64_t bytes;
  uint64_t reserved[4];
};

namespace rotary {

// Where the rows of a block are.  Row r's cos is at cos + r * row_stride.
struct RowsView {
  float* cos;
  float* sin;
  int64_t row_stride;
  uint8_t* rotates;
};

// The bytes that `count` rows need; false if they are too many for size_t.
bool RowsBytes(int64_t pairs, int64_t count, size_t* bytes);

// Writes the head, and marks every row as one that does not rotate.
rotary_rows* InitRows(void* memory, int64_t pairs, int64_t count);

// "rotary" and the version of the layout, in a little-endian number.
constexpr uint64_t kRowsMagic = 0x3130797261746f72;

// Whether memory holds rows.
inline bool AreRows(const rotary_rows* rows) {
  return reinterpret_cast<uintptr_t>(rows) % alignof(rotary_rows) == 0 &&
         rows->magic == kRowsMagic;
}

// A block may be copied to wherever the caller likes: this aligns the rows
// within it, and in memory if the block is.
constexpr int64_t kRowsAlignment = 64;

constexpr size_t RotatesBytes(int64_t count) {
  return static_cast<size_t>((count + kRowsAlignment - 1) / kRowsAlignment *
                             kRowsAlignment);
}

inline RowsView ViewRows(const rotary_rows* rows) {
  // Readers and writers share this view; a reader does not write.
  char* memory = reinterpret_cast<char*>(const_cast<rotary_rows*>(rows));
  char* rotates = memory + sizeof(rotary_rows);
  float* cos = reinterpret_cast<float*>(rotates + RotatesBytes(rows->count));
  const int64_t padded = PaddedPairs(rows->pairs);
  return {cos, cos + padded, 2 * padded, reinterpret_cast<uint8_t*>(rotates)};
}

// Arrays of cos and of sin that rows are copied to.  Strides are in elements.
struct CosSinCopy {
  void* cos;
  void* sin;
  Dtype dtype;
  int64_t row_stride;
  int64_t pair_stride;
  int64_t twin;  // from a pair's value to where it stands again, or 0
};
void CopyRows(const rotary_rows* rows, int64_t first_row, int64_t count,
              const CosSinCopy& to);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_ROWS_H_
