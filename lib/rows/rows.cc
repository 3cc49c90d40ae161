#include "lib/rows/rows.h"

#include <string.h>

#include <new>

namespace rotary {
bool RowsBytes(int64_t pairs, int64_t count, size_t* bytes) {
  const size_t row =
      static_cast<size_t>(2 * PaddedPairs(pairs)) * sizeof(float);
  // A row's byte in `rotates` and its padding cost less than another 64 bytes.
  if (static_cast<uint64_t>(count) >
      (uint64_t{1} << 62) / (row + kRowsAlignment)) {
    return false;
  }
  *bytes = sizeof(rotary_rows) + RotatesBytes(count) +
           static_cast<size_t>(count) * row;
  return true;
}

rotary_rows* InitRows(void* memory, int64_t pairs, int64_t count) {
  size_t bytes = 0;
  RowsBytes(pairs, count, &bytes);
  rotary_rows* rows =
      new (memory) rotary_rows{kRowsMagic, pairs, count, bytes, {}};
  memset(ViewRows(rows).rotates, 0, static_cast<size_t>(count));
  return rows;
}

void CopyRows(const rotary_rows* rows, int64_t first_row, int64_t count,
              const CosSinCopy& to) {
  static constexpr float kOne = 1.0f;
  static constexpr float kZero = 0.0f;
  const RowsView view = ViewRows(rows);
  const int copies = to.twin == 0 ? 1 : 2;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t row = first_row + i;
    const bool rotates = view.rotates[row] == kRotated;
    const float* cos = rotates ? view.cos + row * view.row_stride : &kOne;
    const float* sin = rotates ? view.sin + row * view.row_stride : &kZero;
    for (int copy = 0; copy < copies; ++copy) {
      const int64_t at =
          (i * to.row_stride + copy * to.twin) * ElementSize(to.dtype);
      const int64_t stride = rotates ? 1 : 0;
      ScatterRow(cos, stride, rows->pairs, to.dtype,
                 static_cast<char*>(to.cos) + at, to.pair_stride);
      ScatterRow(sin, stride, rows->pairs, to.dtype,
                 static_cast<char*>(to.sin) + at, to.pair_stride);
    }
  }
}

}  // namespace rotary
