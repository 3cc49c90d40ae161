#include "tests/fused/fused_reference.h"

#include <cmath>
#include <cstddef>

namespace rotary_test {
namespace {

using Heads = std::vector<Bounded>;

size_t Index(int64_t i) { return static_cast<size_t>(i); }

// The most roundings between an element of a head and the sum over it: 16
// partial sums, which are added by halves.
double SumSteps(int64_t head_dim) {
  return static_cast<double>((head_dim + 15) / 16 - 1 + 4);
}

// The sum of x over heads [begin, end): rounded within each head.
Bounded Sum(const FusedSteps& s, const Heads& x, int64_t begin, int64_t end) {
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

// scale / sqrt(variance + epsilon), rounded to f32 from f64.
Bounded Factor(const FusedSteps& s, const Bounded& variance,
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

void Norm(const FusedSteps& s, Heads* x) {
  const int64_t group = s.all_heads ? s.heads : 1;
  const double count = static_cast<double>(group * s.head_dim);
  for (int64_t h = 0; h < s.heads; h += group) {
    Bounded mean = {0, 0};
    const bool layer = s.norm == ROTARY_NORM_LAYER;
    if (layer) {
      mean = Sum(s, *x, h, h + group);
      mean = Rounded({mean.value / count, mean.error / count});
    }
    Heads squares(x->size(), Bounded{0, 0});
    for (int64_t i = h * s.head_dim; i < (h + group) * s.head_dim; ++i) {
      Bounded d = (*x)[Index(i)];
      if (layer) d = d - mean;
      squares[Index(i)] = d * d;
    }
    const Bounded sum = Sum(s, squares, h, h + group);
    const Bounded factor =
        Factor(s, {sum.value / count, sum.error / count}, ScaleOf(s));
    for (int64_t i = h * s.head_dim; i < (h + group) * s.head_dim; ++i) {
      const size_t at = Index(s.all_heads ? i : i % s.head_dim);
      Bounded v = (*x)[Index(i)];
      if (layer) v = v - mean;
      v = v * factor;
      Bounded weight = {1, 0};
      if (!s.weight.empty()) weight.value = s.weight[at];
      if (s.weight_added != 0) {
        weight = weight + Bounded{s.weight_added, 0};
      }
      if (!s.weight.empty()) v = v * weight;
      if (!s.bias.empty()) {
        const Bounded bias = {s.bias[at], 0};
        v = v + (s.scales ? bias * ScaleOf(s) : bias);
      }
      (*x)[Index(i)] = v;
    }
  }
}

int64_t Place(rotary_pairing pairing, int64_t pairs, int64_t pair,
              bool second) {
  if (pairing == ROTARY_HALF) return second ? pair + pairs : pair;
  return 2 * pair + (second ? 1 : 0);
}

void Rotate(const FusedSteps& s, Heads* x) {
  if (s.rotary_dim == 0) return;
  const int64_t pairs = s.rotary_dim / 2;
  for (int64_t h = 0; h < s.heads; ++h) {
    Bounded* head = x->data() + h * s.head_dim + s.rotary_offset;
    const Heads before(head, head + s.rotary_dim);
    for (int64_t i = 0; i < pairs; ++i) {
      Bounded a = before[Index(Place(s.from, pairs, i, false))];
      Bounded b = before[Index(Place(s.from, pairs, i, true))];
      if (s.cos != nullptr) {
        const Bounded cos = {static_cast<double>(s.cos[i]), 0};
        const Bounded sin = {static_cast<double>(s.sin[i]), 0};
        const Bounded first = a * cos - b * sin;
        b = b * cos + a * sin;
        a = first;
      }
      head[Place(s.to, pairs, i, false)] = a;
      head[Place(s.to, pairs, i, true)] = b;
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

}  // namespace

std::vector<Bounded> FusedHeads(const FusedSteps& s,
                                const std::vector<double>& input) {
  Heads x;
  for (const double value : input) x.push_back({value, 0});
  if (s.undone_hadamard > 0) Hadamard(s.undone_hadamard, &x);
  if (s.norm != 0 && !s.norm_after) Norm(s, &x);
  if (s.norm == 0 && s.scales) {
    const Bounded scale = ScaleOf(s);
    for (Bounded& v : x) v = v * scale;
  }
  Rotate(s, &x);
  if (s.norm != 0 && s.norm_after) Norm(s, &x);
  if (s.hadamard > 0) Hadamard(s.hadamard, &x);
  return x;
}

}  // namespace rotary_test
