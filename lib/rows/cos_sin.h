// A caller's own cos and sin, and rows that are read from them.  Called by
// config (checks) and apply.

#ifndef ROTARY_LIB_ROWS_COS_SIN_H_
#define ROTARY_LIB_ROWS_COS_SIN_H_

#include <stdint.h>

#include "lib/kernels/kernels.h"
#include "lib/kernels/target.h"
#include "lib/rows/positions.h"

namespace rotary {

// Pair i of head h is at i * pair_stride + h * head_stride from its token's
// row: position * row_stride, or b * batch_stride + t * row_stride.  In
// elements.
struct CosSin {
  const void* cos;
  const void* sin;
  Dtype dtype;
  bool by_position;
  int64_t batch_stride;
  int64_t row_stride;
  int64_t head_stride;
  int64_t pair_stride;
  int64_t
      twin;  // from a pair's value to the other one that must be equal, or 0
};

// Where pair `pair` of a token is: of position 0 if they go by position.
struct CosSinAt {
  const void* cos;
  const void* sin;
};
inline CosSinAt Find(const CosSin& from, int64_t b, int64_t token, int64_t head,
                     int64_t pair) {
  int64_t element = head * from.head_stride + pair * from.pair_stride;
  if (!from.by_position) {
    element += b * from.batch_stride + token * from.row_stride;
  }
  const int64_t offset = element * ElementSize(from.dtype);
  // Of no rows they may be nullptr.
  const auto at = [offset](const void* data) {
    return data == nullptr ? data : static_cast<const char*>(data) + offset;
  };
  return {at(from.cos), at(from.sin)};
}

// Whether they are rows as they are, and need not be gathered.
inline bool AreF32Rows(const CosSin& from) {
  return from.dtype == kF32 && from.pair_stride == 1 && !from.by_position;
}

// What is gathered for tokens of a sequence; `positions` of each if they go by
// position.  Where to remains to be said.
GatherRowsJob RowsJob(const CosSin& from, int64_t b, int64_t token,
                      int64_t head, int64_t pair, const int32_t* positions);

// A pair whose two values differ.
struct BadTwin {
  int64_t batch;
  int64_t token;
  int64_t pair;
  bool is_sin;
};
// Looks for one in [batch][tokens][heads] of rows with twins, with `positions`
// if they go by position.
bool FindBadTwin(const CosSin& from, const Positions& positions, Target target,
                 int64_t batch, int64_t tokens, int64_t heads, int64_t pairs,
                 BadTwin* bad);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_COS_SIN_H_
