#include "tests/fused/fused_reference.h"

#include <cmath>
#include <cstddef>

#include "tests/fused/bounded_steps.h"

namespace rotary_test {
namespace {

size_t Index(int64_t i) { return static_cast<size_t>(i); }

void Norm(const FusedSteps& s, Heads* x) {
  const int64_t group = s.all_heads ? s.heads : 1;
  const double count = static_cast<double>(group * s.head_dim);
  for (int64_t h = 0; h < s.heads; h += group) {
    Bounded mean = {0, 0};
    const bool layer = s.norm == ROTARY_NORM_LAYER;
    if (layer) {
      mean = SumOf(s, *x, h, h + group);
      mean = Rounded({mean.value / count, mean.error / count});
    }
    Heads squares(x->size(), Bounded{0, 0});
    for (int64_t i = h * s.head_dim; i < (h + group) * s.head_dim; ++i) {
      Bounded d = (*x)[Index(i)];
      if (layer) d = d - mean;
      squares[Index(i)] = d * d;
    }
    const Bounded sum = SumOf(s, squares, h, h + group);
    const Bounded factor =
        NormFactor(s, {sum.value / count, sum.error / count}, ScaleOf(s));
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
  Rotate(s, false, &x);
  if (s.norm != 0 && s.norm_after) Norm(s, &x);
  if (s.hadamard > 0) Hadamard(s.hadamard, &x);
  return x;
}

}  // namespace rotary_test
