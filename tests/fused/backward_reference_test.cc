// The reference of backward passes, against differences of the forward one's:
// its value is f64 throughout.
#include "tests/fused/backward_reference.h"

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/fused/fused_reference.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// What `gradients` are the gradients of the forward pass' output of.
double Loss(const FusedSteps& steps, const std::vector<double>& x,
            const std::vector<double>& gradients) {
  const std::vector<Bounded> y = FusedHeads(steps, x);
  double loss = 0;
  for (size_t i = 0; i < y.size(); ++i) loss += y[i].value * gradients[i];
  return loss;
}

// The derivative by *at, by differences of fourth order.
template <typename F>
double Derivative(double* at, const F& f) {
  constexpr double kStep = 0x1p-10;
  const double middle = *at;
  const auto difference = [&](double step) {
    *at = middle + step;
    const double above = f();
    *at = middle - step;
    const double below = f();
    *at = middle;
    return (above - below) / (2 * step);
  };
  return (4 * difference(kStep) - difference(2 * kStep)) / 3;
}

std::vector<double> Draw(int64_t count, Random* random) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) {
    values.push_back(static_cast<double>(random->Integer(-4096, 4096)) / 2048);
  }
  return values;
}

void CheckDerivatives(FusedSteps steps, Random* random) {
  const int64_t size = steps.heads * steps.head_dim;
  std::vector<double> x = Draw(size, random);
  const std::vector<double> gradients = Draw(size, random);
  const TokenGradients got = BackwardHeads(steps, x, gradients);
  const auto loss = [&] { return Loss(steps, x, gradients); };
  const auto check = [&](const std::vector<Bounded>& values,
                         std::vector<double>* by) {
    REQUIRE(values.size() == by->size());
    for (size_t i = 0; i < by->size(); ++i) {
      const double expected = Derivative(&(*by)[i], loss);
      REQUIRE(std::fabs(values[i].value - expected) <= 1e-8);
    }
  };
  check(got.input, &x);
  if (steps.norm == 0) return;
  check(got.weight, &steps.weight);
  if (steps.norm == ROTARY_NORM_LAYER) check(got.bias, &steps.bias);
}

TEST_CASE("backward reference: derivatives of the forward one") {
  Random random(1);
  const std::vector<rotary_pairing> pairings = {ROTARY_HALF,
                                                ROTARY_INTERLEAVED};
  const std::vector<rotary_norm_kind> norms = {0, ROTARY_NORM_RMS,
                                               ROTARY_NORM_LAYER};
  for (int run = 0; run < 60; ++run) {
    CAPTURE(run);
    FusedSteps steps;
    steps.heads = random.Integer(1, 3);
    steps.hadamard = random.Integer(0, 3) == 0 ? 8 : 0;
    steps.head_dim = steps.hadamard > 0 ? 16 : random.Integer(6, 9);
    steps.rotary_dim = 2 * random.Integer(0, 3);
    steps.rotary_offset = random.Integer(0, steps.head_dim - steps.rotary_dim);
    steps.from = random.Choose(pairings);
    steps.to = random.Choose(pairings);
    std::vector<float> cos;
    std::vector<float> sin;
    for (int i = 0; i < 3; ++i) {
      cos.push_back(static_cast<float>(1.25 * std::cos(run + i)));
      sin.push_back(static_cast<float>(1.25 * std::sin(run + i)));
    }
    if (random.Integer(0, 3) != 0) {
      steps.cos = cos.data();
      steps.sin = sin.data();
    }
    steps.transposed = random.Integer(0, 1) == 0;
    steps.norm = random.Choose(norms);
    steps.all_heads = random.Integer(0, 1) == 0;
    steps.norm_after = random.Integer(0, 1) == 0;
    steps.epsilon = 0.125;
    const int64_t weights =
        steps.head_dim * (steps.all_heads ? steps.heads : 1);
    steps.weight = Draw(weights, &random);
    steps.weight_added = static_cast<double>(random.Integer(0, 1));
    steps.bias = Draw(weights, &random);
    if (steps.norm != ROTARY_NORM_LAYER) steps.bias.clear();
    steps.scale = 0.75;
    steps.token_scale = 1.5;
    steps.scales = true;
    CheckDerivatives(steps, &random);
  }
}

}  // namespace
}  // namespace rotary_test
