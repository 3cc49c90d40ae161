#include "lib/config/region.h"

#include <algorithm>

namespace rotary {
namespace {

// A region's dimensions of more than one step, by descending stride, all
// positive: the same bytes, from the lowest on.
struct Nest {
  int64_t run;
  int dims;
  int64_t size[kRegionDims];
  int64_t stride[kRegionDims];
  int dim[kRegionDims];  // the region's
};

Nest NestOf(const Region& region) {
  Nest nest;
  nest.run = region.run;
  nest.dims = 0;
  for (int dim = 0; dim < kRegionDims; ++dim) {
    if (region.size[dim] == 1) continue;
    const int64_t stride = region.stride[dim];
    const int64_t distance = stride < 0 ? -stride : stride;
    int at = nest.dims++;
    for (; at > 0 && nest.stride[at - 1] < distance; --at) {
      nest.size[at] = nest.size[at - 1];
      nest.stride[at] = nest.stride[at - 1];
      nest.dim[at] = nest.dim[at - 1];
    }
    nest.size[at] = region.size[dim];
    nest.stride[at] = distance;
    nest.dim[at] = dim;
  }
  return nest;
}

// Bytes from the first to one past the last, dimensions [dim, dims) only.
int64_t Extent(const Nest& nest, int dim) {
  int64_t extent = nest.run;
  for (; dim < nest.dims; ++dim) {
    extent += (nest.size[dim] - 1) * nest.stride[dim];
  }
  return extent;
}

int64_t Stride(const Nest& nest, int dim) {
  return dim < nest.dims ? nest.stride[dim] : 0;
}

// A nest's dimensions from `dim` on, seen as steps of a given stride, no
// smaller than any of them, of what is inside: one step if it has none.
struct Steps {
  int64_t count;
  int64_t inner;  // bytes of a step
  int next;       // the first dimension inside
};

Steps StepsOf(const Nest& nest, int dim, int64_t stride) {
  if (Stride(nest, dim) == stride) {
    return {nest.size[dim], Extent(nest, dim + 1), dim + 1};
  }
  return {1, Extent(nest, dim), dim};
}

// `a`, from dimension a_dim on, is `distance` bytes behind `b`.  Takes one step
// of the largest stride after the other.
bool DisjointFrom(const Nest& a, int a_dim, const Nest& b, int b_dim,
                  int64_t distance) {
  if (distance >= Extent(b, b_dim) || -distance >= Extent(a, a_dim)) {
    return true;
  }
  const int64_t stride = std::max(Stride(a, a_dim), Stride(b, b_dim));
  if (stride == 0) return false;
  const Steps a_steps = StepsOf(a, a_dim, stride);
  const Steps b_steps = StepsOf(b, b_dim, stride);
  // Else a step would meet any number of the other's.
  if (a_steps.inner > stride || b_steps.inner > stride) return false;
  // Step i of a meets step j of b only if k = i - j is one of a few.
  const int64_t low = (-distance - a_steps.inner) / stride - 1;
  const int64_t high = (b_steps.inner - distance) / stride + 1;
  for (int64_t k = std::max(low, 1 - b_steps.count);
       k <= std::min(high, a_steps.count - 1); ++k) {
    if (!DisjointFrom(a, a_steps.next, b, b_steps.next,
                      distance + k * stride)) {
      return false;
    }
  }
  return true;
}

}  // namespace

int MakeRegion(const void* data, const Shape& shape, int64_t heads, int64_t run,
               const Strides& strides, int64_t element_size, Region* region) {
  return MakeRegion(data, shape, heads, run, strides, 1, element_size, region);
}

int MakeRegion(const void* data, const Shape& shape, int64_t heads,
               int64_t elements, const Strides& strides, int64_t element_stride,
               int64_t element_size, Region* region) {
  const uintptr_t base = reinterpret_cast<uintptr_t>(data);
  region->span = {base, base};
  const bool apart = element_stride != 1;
  const int64_t run = apart ? 1 : elements;
  const int64_t sizes[] = {shape.batch, shape.tokens, heads,
                           apart ? elements : 1};
  const int64_t steps[] = {strides.batch, strides.token, strides.head,
                           element_stride};
  if (sizes[0] == 0 || sizes[1] == 0 || sizes[2] == 0 || elements == 0) {
    return 0;
  }
  int furthest = 3;
  if (run > kMaxSpan / element_size) return furthest;
  region->run = run * element_size;
  int64_t before = 0;
  int64_t after = region->run;
  for (int k = 0; k < kRegionDims; ++k) {
    region->size[k] = sizes[k];
    region->stride[k] = 0;
    if (sizes[k] == 1) continue;
    int64_t span;
    if (__builtin_mul_overflow(steps[k], element_size, &region->stride[k]) ||
        __builtin_mul_overflow(region->stride[k], sizes[k] - 1, &span) ||
        span > kMaxSpan || span < -kMaxSpan) {
      return k + 1;
    }
    (span < 0 ? before : after) += span;
    furthest = k + 1;
  }
  region->span.low += static_cast<uintptr_t>(before);
  region->span.end += static_cast<uintptr_t>(after);
  // An address that wrapped around?
  return region->span.low < region->span.end ? 0 : furthest;
}

Region MakeRegion(const void* data, int64_t bytes) {
  const uintptr_t low = reinterpret_cast<uintptr_t>(data);
  return {{low, low + static_cast<uintptr_t>(bytes)}, bytes, {1, 1, 1, 1}, {}};
}

bool Disjoint(const Region& a, const Region& b) {
  if (a.span.low == a.span.end || b.span.low == b.span.end) return true;
  return DisjointFrom(NestOf(a), 0, NestOf(b), 0,
                      static_cast<int64_t>(a.span.low - b.span.low));
}

int CoincidingDim(const Region& region) {
  if (region.span.low == region.span.end) return 0;
  const Nest nest = NestOf(region);
  for (int i = nest.dims - 1; i >= 0; --i) {
    if (nest.stride[i] < Extent(nest, i + 1)) return nest.dim[i] + 1;
  }
  return 0;
}

}  // namespace rotary
