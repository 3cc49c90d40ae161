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
              float* cos, float* sin, int64_t row_stride) {
  const RowsView view = ViewRows(rows);
  for (int64_t r = first_row; r < first_row + count; ++r) {
    const float* from_cos = view.cos + r * view.row_stride;
    const float* from_sin = view.sin + r * view.row_stride;
    for (int64_t i = 0; i < rows->pairs; ++i) {
      cos[i] = view.rotates[r] == kRotated ? from_cos[i] : 1.0f;
      sin[i] = view.rotates[r] == kRotated ? from_sin[i] : 0.0f;
    }
    cos += row_stride;
    sin += row_stride;
  }
}

}  // namespace rotary
