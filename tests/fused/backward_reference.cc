#include "tests/fused/backward_reference.h"

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "tests/fused/bounded_steps.h"

namespace rotary_test {
namespace {

size_t Index(int64_t i) { return static_cast<size_t>(i); }

Heads Exactly(const std::vector<double>& values) {
  Heads heads;
  for (const double value : values) heads.push_back({value, 0});
  return heads;
}

// Divided in f64, then rounded.
Bounded Mean(const Bounded& sum, double count) {
  return Rounded({sum.value / count, sum.error / count});
}

// Added in f64, whose roundings are far below those of f32.
void AddTo(Bounded* sum, const Bounded& term) {
  sum->value += term.value;
  sum->error += term.error + 0x1p-50 * std::fabs(term.value);
}

// Heads [begin, end) are normed together.
void LeadBack(const FusedSteps& s, const Heads& x, int64_t begin, int64_t end,
              Heads* gradients, TokenGradients* out) {
  const double count = static_cast<double>((end - begin) * s.head_dim);
  const bool layer = s.norm == ROTARY_NORM_LAYER;
  const int64_t first = begin * s.head_dim;
  const int64_t last = end * s.head_dim;
  Heads n = x;
  if (layer) {
    const Bounded mean = Mean(SumOf(s, x, begin, end), count);
    for (int64_t i = first; i < last; ++i) n[Index(i)] = x[Index(i)] - mean;
  }
  Heads squares = n;
  for (int64_t i = first; i < last; ++i) {
    squares[Index(i)] = n[Index(i)] * n[Index(i)];
  }
  const Bounded sum = SumOf(s, squares, begin, end);
  const Bounded factor =
      NormFactor(s, {sum.value / count, sum.error / count}, {1, 0});
  Heads weighted = *gradients;
  Heads products = *gradients;
  for (int64_t i = first; i < last; ++i) {
    const size_t at = Index(s.all_heads ? i : i % s.head_dim);
    const Bounded g = (*gradients)[Index(i)];
    n[Index(i)] = n[Index(i)] * factor;
    AddTo(&out->weight[at], g * n[Index(i)]);
    AddTo(&out->bias[at], g);
    Bounded weight = {1, 0};
    if (!s.weight.empty()) weight.value = s.weight[at];
    if (s.weight_added != 0) weight = weight + Bounded{s.weight_added, 0};
    weighted[Index(i)] = g * weight;
    products[Index(i)] = weighted[Index(i)] * n[Index(i)];
  }
  const Bounded mean = Mean(SumOf(s, weighted, begin, end), count);
  const Bounded product = Mean(SumOf(s, products, begin, end), count);
  for (int64_t i = first; i < last; ++i) {
    Bounded v = weighted[Index(i)];
    if (layer) v = v - mean;
    (*gradients)[Index(i)] = (v - n[Index(i)] * product) * factor;
  }
}

}  // namespace

TokenGradients BackwardHeads(const FusedSteps& s, const std::vector<double>& x,
                             const std::vector<double>& gradients) {
  TokenGradients out;
  Heads g = Exactly(gradients);
  if (s.scales) {
    for (Bounded& v : g) v = v * ScaleOf(s);
  }
  if (s.hadamard > 0) Hadamard(s.hadamard, &g);
  if (s.norm == 0 || !s.norm_after) Rotate(s, true, &g);
  if (s.norm != 0) {
    Heads normed = Exactly(x);
    if (s.norm_after) Rotate(s, false, &normed);
    const int64_t group = s.all_heads ? s.heads : 1;
    out.weight.assign(Index(group * s.head_dim), Bounded{0, 0});
    out.bias = out.weight;
    for (int64_t h = 0; h < s.heads; h += group) {
      LeadBack(s, normed, h, h + group, &g, &out);
    }
    if (s.norm_after) Rotate(s, true, &g);
  }
  out.input = g;
  return out;
}

}  // namespace rotary_test
