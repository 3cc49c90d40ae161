// What the kernels take that lead gradients back through the norm of heads.
// Included by whoever calls one; holds no vector code.

#ifndef ROTARY_LIB_KERNELS_GRADIENTS_H_
#define ROTARY_LIB_KERNELS_GRADIENTS_H_

#include <stdint.h>

#include "lib/kernels/target.h"
#include "lib/kernels/tile.h"

namespace rotary {

// Heads x of a tile, of which a norm made n * weight + bias, n = (x - mean) *
// factor; with g, the gradients of that.
struct NormedHeads {
  TileHeads shape;
  float* gradients;            // g, in a tile
  TileInput input;             // x
  const float* means;          // of each head, or nullptr: 0
  const float* factors;        // of each head
  const void* weight;          // [head_dim] for each head, or nullptr: 1
  int64_t weight_head_stride;  // in elements; 0: all heads share them
  Dtype weight_dtype;
  float weight_added;  // 0, or 1: it is 1 + weight
};

// For each head its sums of g * weight and of g * weight * n, added up as those
// of SumHeadsJob.
struct SumGradientsJob {
  NormedHeads heads;
  float* sums;  // with means only
  float* products;
};
using SumGradientsKernel = void (*)(const SumGradientsJob& job);

// g becomes the gradient of x, (g * weight - mean_sum - n * mean_product) *
// factor, each step rounded to f32.  Of g * n and of g, as they were, all heads
// are added one by one in f64 to weight_sums and bias_sums.
struct NormGradientsJob {
  NormedHeads heads;
  const float* mean_sums;  // of each head; with means only
  const float* mean_products;
  double* weight_sums;  // as the weights, or nullptr
  double* bias_sums;    // the same
};
using NormGradientsKernel = void (*)(const NormGradientsJob& job);

extern const SumGradientsKernel kSumGradients[kNumTargets];
extern const NormGradientsKernel kNormGradients[kNumTargets];

}  // namespace rotary

#endif  // ROTARY_LIB_KERNELS_GRADIENTS_H_
