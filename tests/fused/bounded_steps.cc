#include "tests/fused/bounded_steps.h"

#include <cmath>
#include <cstddef>

namespace rotary_test {
namespace {

size_t Index(int64_t i) { return static_cast<size_t>(i); }

// The most roundings between an element of a head and the sum over it: 16
// partial sums, which are added by halves.
double SumSteps(int64_t head_dim) {
  return static_cast<double>((head_dim + 15) / 16 - 1 + 4);
}

int64_t Place(rotary_pairing pairing, int64_t pairs, int64_t pair,
              bool second) {
  if (pairing == ROTARY_HALF) return second ? pair + pairs : pair;
  return 2 * pair + (second ? 1 : 0);
}

}  // namespace

Bounded SumOf(const FusedSteps& s, const Heads& x, int64_t begin, int64_t end) {
  Bounded sum = {0, 0};
  double magnitude = 0;
  for (int64_t i = begin * s.head_dim; i < end * s.head_dim; ++i) {
    sum.value += x[Index(i)].value;
    sum.error += x[Index(i)].error;
    magnitude += std::fabs(x[Index(i)].value) + x[Index(i)].error;
  }
  sum.error += 1.001 * SumSteps(s.head_dim) * kU * magnitude;
  return sum;
}

Bounded NormFactor(const FusedSteps& s, const Bounded& variance,
                   const Bounded& scale) {
  const double low = std::max(variance.value - variance.error, 0.0);
  const double high = variance.value + variance.error;
  const double value = scale.value / std::sqrt(variance.value + s.epsilon);
  const double most =
      (std::fabs(scale.value) + scale.error) / std::sqrt(low + s.epsilon);
  const double least =
      (std::fabs(scale.value) - scale.error) / std::sqrt(high + s.epsilon);
  const double magnitude = std::fabs(value);
  return Rounded(
      {value, std::max(most - magnitude, magnitude - least) * (1 + 1e-12)});
}

Bounded ScaleOf(const FusedSteps& s) {
  const Bounded scale = {static_cast<double>(static_cast<float>(s.scale)), 0};
  const Bounded token = {s.token_scale, 0};
  return s.token_scale == 1 ? scale : scale * token;
}

void Rotate(const FusedSteps& s, bool back, Heads* x) {
  if (s.rotary_dim == 0) return;
  const rotary_pairing from = back ? s.to : s.from;
  const rotary_pairing to = back ? s.from : s.to;
  const int64_t pairs = s.rotary_dim / 2;
  for (int64_t h = 0; h < s.heads; ++h) {
    Bounded* head = x->data() + h * s.head_dim + s.rotary_offset;
    const Heads before(head, head + s.rotary_dim);
    for (int64_t i = 0; i < pairs; ++i) {
      Bounded a = before[Index(Place(from, pairs, i, false))];
      Bounded b = before[Index(Place(from, pairs, i, true))];
      if (s.cos != nullptr) {
        const Bounded cos = {static_cast<double>(s.cos[i]), 0};
        const double turn = static_cast<double>(s.sin[i]);
        const Bounded sin = {back != s.transposed ? -turn : turn, 0};
        const Bounded first = a * cos - b * sin;
        b = b * cos + a * sin;
        a = first;
      }
      head[Place(to, pairs, i, false)] = a;
      head[Place(to, pairs, i, true)] = b;
    }
  }
}

void Hadamard(int64_t columns, Heads* x) {
  const double root = std::sqrt(static_cast<double>(columns));
  const double steps = std::log2(static_cast<double>(columns));
  for (size_t begin = 0; begin < x->size(); begin += Index(columns)) {
    const Heads from(x->begin() + static_cast<ptrdiff_t>(begin),
                     x->begin() + static_cast<ptrdiff_t>(begin) + columns);
    for (int64_t row = 0; row < columns; ++row) {
      Bounded sum = {0, 0};
      double magnitude = 0;
      for (int64_t i = 0; i < columns; ++i) {
        const Bounded& v = from[Index(i)];
        const bool odd =
            __builtin_parityll(static_cast<uint64_t>(row & i)) != 0;
        sum.value += odd ? -v.value : v.value;
        sum.error += v.error;
        magnitude += std::fabs(v.value) + v.error;
      }
      sum.error += 1.001 * steps * kU * magnitude;
      const Bounded factor = Rounded({1 / root, 0});
      (*x)[begin + Index(row)] = sum * factor;
    }
  }
}

}  // namespace rotary_test
