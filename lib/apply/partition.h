// How work is cut into slices.

#ifndef ROTARY_LIB_APPLY_PARTITION_H_
#define ROTARY_LIB_APPLY_PARTITION_H_

#include <stdint.h>

#include <algorithm>

namespace rotary {

struct Range {
  int64_t begin;
  int64_t end;
};

// Slice `slice` of `num_slices` of [0, total): in order, sizes differ by 1.
inline Range SliceOf(int64_t total, int64_t slice, int64_t num_slices) {
  const int64_t size = total / num_slices;
  const int64_t larger = total % num_slices;
  const auto begin = [=](int64_t i) { return i * size + std::min(i, larger); };
  return {begin(slice), begin(slice + 1)};
}

// How many slices are useful for work that moves so many bytes and has so many
// indivisible units: fewer bytes than this do not pay for waking a thread.
constexpr int64_t kBytesPerSlice = int64_t{1} << 18;

inline int64_t UsefulSlices(int64_t bytes, int64_t units) {
  return std::max<int64_t>(1, std::min(bytes / kBytesPerSlice, units));
}

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_PARTITION_H_
