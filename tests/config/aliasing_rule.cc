// The manual's rule, word by word.
#include "tests/config/aliasing_rule.h"

#include <algorithm>
#include <cstdlib>
#include <utility>
#include <vector>

namespace rotary_test {
namespace {

// Of the dimensions that are left.
Span SpanOfDims(const TensorSide& side, const bool (&left)[3]) {
  Span span = {0, side.run};
  for (int i = 0; i < 3; ++i) {
    if (!left[i]) continue;
    const int64_t reach = (side.size[i] - 1) * side.stride[i];
    span.low += std::min<int64_t>(reach, 0);
    span.high += std::max<int64_t>(reach, 0);
  }
  return span;
}

bool SameStrides(const TensorSide& a, const TensorSide& b) {
  for (int i = 0; i < 3; ++i) {
    if (a.size[i] > 1 && b.size[i] > 1 && a.stride[i] != b.stride[i]) {
      return false;
    }
  }
  return true;
}

// The manual's rule: two tensors are disjoint if their byte ranges are, or if
// they have the same strides (in bytes: elements may differ in size) and what
// they are within one step of the largest stride is, by the same rule.
bool IsPromisedDisjoint(const TensorSide& a, const TensorSide& b) {
  const int64_t distance = b.data - a.data;
  bool left[3] = {true, true, true};
  for (;;) {
    Span in_a = SpanOfDims(a, left), in_b = SpanOfDims(b, left);
    in_b.low += distance;
    in_b.high += distance;
    if (in_a.high <= in_b.low || in_b.high <= in_a.low) return true;
    if (!SameStrides(a, b)) return false;
    int largest = -1;
    int64_t stride = 0;
    for (int i = 0; i < 3; ++i) {
      const int64_t own =
          std::max(std::abs(a.stride[i]), std::abs(b.stride[i]));
      if (left[i] && own > stride) {
        stride = own;
        largest = i;
      }
    }
    if (largest < 0) return false;
    left[largest] = false;
    in_a = SpanOfDims(a, left);
    in_b = SpanOfDims(b, left);
    const int64_t low = std::min(in_a.low, in_b.low + distance);
    const int64_t high = std::max(in_a.high, in_b.high + distance);
    if (high - low > stride) return false;  // not within one step
  }
}

// Whether every stride, from the smallest on, steps over all that is inside.
bool IsNested(const TensorSide& side) {
  std::vector<std::pair<int64_t, int64_t>> dims;  // stride, size
  for (int i = 0; i < 3; ++i) {
    if (side.size[i] > 1) {
      dims.emplace_back(std::abs(side.stride[i]), side.size[i]);
    }
  }
  std::sort(dims.begin(), dims.end());
  int64_t inside = side.run;
  for (const auto& [stride, size] : dims) {
    if (stride < inside) return false;
    inside += (size - 1) * stride;
  }
  return true;
}

}  // namespace

Span SpanOf(const TensorSide& side) {
  return SpanOfDims(side, {true, true, true});
}

bool MustBeAccepted(const rotary_apply_args& args) {
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    const TensorSide output = OutputOf(args, args.tensors[i]);
    if (!IsNested(output)) return false;
    for (int64_t j = 0; j < args.num_tensors; ++j) {
      const TensorSide input = InputOf(args, args.tensors[j]);
      if (!(i == j && IsInPlace(input, output)) &&
          !IsPromisedDisjoint(output, input)) {
        return false;
      }
      if (i != j &&
          !IsPromisedDisjoint(output, OutputOf(args, args.tensors[j]))) {
        return false;
      }
    }
  }
  return true;
}

bool ByteRangesAreDisjoint(const rotary_apply_args& args) {
  for (int64_t i = 1; i < args.num_tensors; ++i) {
    for (int64_t j = 0; j < i; ++j) {
      const TensorSide a = OutputOf(args, args.tensors[i]);
      const TensorSide b = OutputOf(args, args.tensors[j]);
      const Span in_a = SpanOf(a);
      const Span in_b = SpanOf(b);
      if (a.data + in_a.high > b.data + in_b.low &&
          b.data + in_b.high > a.data + in_a.low) {
        return false;
      }
    }
  }
  return true;
}

}  // namespace rotary_test
