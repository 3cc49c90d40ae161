#include "lib/config/region.h"

#include <algorithm>

namespace rotary {
namespace {

// Bytes from the first to one past the last, dimensions [dim, dims) only.
int64_t Extent(const Region& region, int dim) {
  int64_t extent = region.run;
  for (; dim < region.dims; ++dim) {
    extent += (region.size[dim] - 1) * region.stride[dim];
  }
  return extent;
}

// A region's dimensions from `dim` on, seen as steps of a given stride, no
// smaller than any of them, of what is inside: one step if it has none.
struct Steps {
  int64_t count;
  int64_t inner;  // bytes of a step
  int next;       // the first dimension inside
};

Steps StepsOf(const Region& region, int dim, int64_t stride) {
  if (dim < region.dims && region.stride[dim] == stride) {
    return {region.size[dim], Extent(region, dim + 1), dim + 1};
  }
  return {1, Extent(region, dim), dim};
}

int64_t Stride(const Region& region, int dim) {
  return dim < region.dims ? region.stride[dim] : 0;
}

// `a`, from dimension a_dim on, is `distance` bytes behind `b`.  Takes one step
// of the largest stride after the other.
bool DisjointFrom(const Region& a, int a_dim, const Region& b, int b_dim,
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

bool MakeRegion(const void* data, int64_t batch, int64_t tokens, int64_t heads,
                int64_t run, const Strides& strides, int64_t element_size,
                Region* region) {
  region->base = reinterpret_cast<uintptr_t>(data);
  region->dims = 0;
  region->run = 0;
  region->end = region->base;
  if (batch == 0 || tokens == 0 || heads == 0) return true;
  const int64_t sizes[3] = {batch, tokens, heads};
  const int64_t steps[3] = {strides.batch, strides.token, strides.head};
  int64_t bytes;
  if (__builtin_mul_overflow(run, element_size, &bytes)) return false;
  region->run = bytes;
  for (int i = 0; i < 3; ++i) {
    if (sizes[i] == 1) continue;
    int64_t stride, span;
    if (__builtin_mul_overflow(steps[i], element_size, &stride) ||
        stride == INT64_MIN ||
        __builtin_mul_overflow(stride, sizes[i] - 1, &span)) {
      return false;
    }
    if (stride < 0) {
      // The same bytes from their other end.
      if (__builtin_add_overflow(region->base, span, &region->base)) {
        return false;
      }
      stride = -stride;
      span = -span;
    }
    if (__builtin_add_overflow(bytes, span, &bytes)) return false;
    int at = region->dims++;
    for (; at > 0 && region->stride[at - 1] < stride; --at) {
      region->stride[at] = region->stride[at - 1];
      region->size[at] = region->size[at - 1];
      region->source[at] = region->source[at - 1];
    }
    region->stride[at] = stride;
    region->size[at] = sizes[i];
    region->source[at] = i;
  }
  // Far from overflow in any sum of a few of these.
  constexpr int64_t kMaxBytes = int64_t{1} << 60;
  return bytes <= kMaxBytes &&
         !__builtin_add_overflow(region->base, bytes, &region->end);
}

Region MakeRegion(const void* data, int64_t bytes) {
  const uintptr_t base = reinterpret_cast<uintptr_t>(data);
  return {base, bytes, 0, {}, {}, {}, base + static_cast<uintptr_t>(bytes)};
}

bool Disjoint(const Region& a, const Region& b) {
  if (a.run == 0 || b.run == 0) return true;
  if (a.end <= b.base || b.end <= a.base) return true;
  return DisjointFrom(a, 0, b, 0, static_cast<int64_t>(a.base - b.base));
}

int CoincidingDim(const Region& region) {
  int64_t extent = region.run;
  for (int dim = region.dims - 1; dim >= 0; --dim) {
    if (region.stride[dim] < extent) return dim + 1;
    extent += (region.size[dim] - 1) * region.stride[dim];
  }
  return 0;
}

}  // namespace rotary
