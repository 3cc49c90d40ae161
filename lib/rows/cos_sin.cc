#include "lib/rows/cos_sin.h"

#include <algorithm>

namespace rotary {
namespace {

// Pairs that are compared at a time.
constexpr int64_t kChunk = 64;

// The first place where they differ, or `count`.  NaN equals NaN here.
int64_t FirstDifference(const float* a, const float* b, int64_t count) {
  int differ = 0;
  for (int64_t i = 0; i < count; ++i) {
    differ |= (a[i] != b[i]) & ((a[i] == a[i]) | (b[i] == b[i]));
  }
  if (differ == 0) return count;
  int64_t i = 0;
  while (a[i] == b[i] || (a[i] != a[i] && b[i] != b[i])) ++i;
  return i;
}

// In one row; bad's pair and is_sin are set.
bool FindBadTwinInRow(const CosSin& from, Target target, int64_t b,
                      int64_t token, int64_t head, int64_t pairs,
                      const int32_t* position, BadTwin* bad) {
  float values[4][kChunk];
  for (int64_t pair = 0; pair < pairs; pair += kChunk) {
    GatherRowsJob job = RowsJob(from, b, token, head, pair, position);
    job.count = 1;
    job.pair_count = std::min(kChunk, pairs - pair);
    job.to_cos = values[0];
    job.to_sin = values[1];
    job.to_row_stride = 0;
    kGatherRows[target](job);
    const int64_t twin = from.twin * ElementSize(from.dtype);
    job.cos = static_cast<const char*>(job.cos) + twin;
    job.sin = static_cast<const char*>(job.sin) + twin;
    job.to_cos = values[2];
    job.to_sin = values[3];
    kGatherRows[target](job);
    for (int k = 0; k < 2; ++k) {
      const int64_t i =
          FirstDifference(values[k], values[k + 2], job.pair_count);
      if (i == job.pair_count) continue;
      bad->pair = pair + i;
      bad->is_sin = k == 1;
      return true;
    }
  }
  return false;
}

}  // namespace

GatherRowsJob RowsJob(const CosSin& from, int64_t b, int64_t token,
                      int64_t head, int64_t pair, const int32_t* positions) {
  const CosSinAt at = Find(from, b, token, head, pair);
  GatherRowsJob job;
  job.cos = at.cos;
  job.sin = at.sin;
  job.dtype = from.dtype;
  job.from_row_stride = from.row_stride;
  job.from_pair_stride = from.pair_stride;
  job.indices = from.by_position ? positions : nullptr;
  return job;
}

bool FindBadTwin(const CosSin& from, const Positions& positions, Target target,
                 int64_t batch, int64_t tokens, int64_t heads, int64_t pairs,
                 BadTwin* bad) {
  // What is shared is looked at once.
  if (!from.by_position && from.batch_stride == 0) {
    batch = std::min<int64_t>(batch, 1);
  }
  if (from.head_stride == 0) heads = std::min<int64_t>(heads, 1);
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < tokens; ++t) {
      int32_t position = 0;
      if (from.by_position) {
        ReadPositions(positions, 0, b, t, 1, &position);
        if (position == kNoPosition) continue;
      }
      for (int64_t h = 0; h < heads; ++h) {
        if (FindBadTwinInRow(from, target, b, t, h, pairs, &position, bad)) {
          bad->batch = b;
          bad->token = t;
          return true;
        }
      }
    }
  }
  return false;
}

}  // namespace rotary
