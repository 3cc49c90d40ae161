// Memory that a tensor reads or writes, and the rule of what may overlap
// (rotary.h, "Aliasing").  Used by config.

#ifndef ROTARY_LIB_CONFIG_REGION_H_
#define ROTARY_LIB_CONFIG_REGION_H_

#include <stdint.h>

#include "lib/apply/call.h"

namespace rotary {

// Sizes of the dimensions that all tensors of a call have.
struct Shape {
  int64_t batch;
  int64_t tokens;
};

inline bool Empty(const Shape& shape) {
  return (shape.batch == 0) | (shape.tokens == 0);
}

// [low, end) holds all bytes of something; low == end: it has none.
struct Span {
  uintptr_t low;
  uintptr_t end;
};

// The memory that a rotation comes from: rows; or the data of positions (always
// the first), cu_seqlens, cos and sin.
struct Sources {
  int count = 0;
  Span spans[4];

  Span* Add() { return &spans[count++]; }
};

inline bool Apart(const Span& a, const Span& b) {
  return a.end <= b.low || b.end <= a.low;
}

// Runs of `run` bytes, one for each i_k, 0 <= i_k < size[k], at the sum of i_k
// * stride[k] from the first.  Dimensions: 0 batch (of a cache blocks), 1
// tokens (slots), 2 heads, 3 elements, where they are apart.
constexpr int kRegionDims = 4;
struct Region {
  Span span;
  int64_t run;
  int64_t size[kRegionDims];
  int64_t stride[kRegionDims];  // bytes; 0 where the size is 1
};

// Far from overflow in any sum of a few of these.
constexpr int64_t kMaxSpan = int64_t{1} << 58;

// Returns the position, from 1 on, of a dimension that reaches further than
// memory can, or 0.  `run` counts elements.
int MakeRegion(const void* data, const Shape& shape, int64_t heads, int64_t run,
               const Strides& strides, int64_t element_size, Region* region);

// The same of elements that are `element_stride` apart.
int MakeRegion(const void* data, const Shape& shape, int64_t heads,
               int64_t elements, const Strides& strides, int64_t element_stride,
               int64_t element_size, Region* region);

// Contiguous memory.
Region MakeRegion(const void* data, int64_t bytes);

inline Region RegionOf(const Span& span) {
  const int64_t bytes = static_cast<int64_t>(span.end - span.low);
  return {span, bytes, {1, 1, 1, 1}, {}};
}

// How many elements the usual nesting, [batch][tokens][heads][run] with gaps,
// spans from its first to its last; 0 if the strides are others: then
// MakeRegion tells.
inline int64_t NestedSpan(const Shape& shape, int64_t heads, int64_t run,
                          const Strides& strides) {
  int64_t span = run;
  const auto nest = [&span](int64_t size, int64_t stride) {
    if (size == 1) return true;
    int64_t steps;
    if (stride < span || __builtin_mul_overflow(stride, size - 1, &steps) ||
        steps > kMaxSpan - span) {
      return false;
    }
    span += steps;
    return true;
  };
  return !Empty(shape) && heads > 0 && run <= kMaxSpan &&
                 nest(heads, strides.head) &&
                 nest(shape.tokens, strides.token) &&
                 nest(shape.batch, strides.batch)
             ? span
             : 0;
}

// Whether the two provably share no byte.
bool Disjoint(const Region& a, const Region& b);

// 0 if no two elements of the region share a byte; else (or if that is not
// provable: the dimensions are interleaved) the position, from 1 on, of a
// dimension whose stride is less than what it steps over.
int CoincidingDim(const Region& region);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_REGION_H_
