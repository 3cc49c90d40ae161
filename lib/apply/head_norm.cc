#include "lib/apply/head_norm.h"

namespace rotary {

void HeadNorm::Load(const Chunk& chunk, const TileInput& input, bool norms,
                    float* to) const {
  const Norm& norm = fused_.norm;
  LoadHeadsJob job = {};
  job.shape = chunk.Shape();
  job.input = input;
  job.tile = to;
  if (norms) {
    job.factors = moments_.factors();
    job.means = moments_.means();
    job.weight = chunk.Weights(norm.weight);
    job.bias = chunk.Weights(norm.bias);
    job.weight_dtype = norm.dtype;
    job.weight_added = norm.weight_added;
    job.weight_head_stride = chunk.WeightHeadStride();
    job.bias_factors = scales_.Any() ? scales_.values() : nullptr;
  } else if (Scales()) {
    job.factors = scales_.values();
  }
  kLoadHeads[chunk.target()](job);
}

void HeadNorm::Rotate(const Chunk& chunk, float* tile) const {
  const Norm& norm = fused_.norm;
  RotateNormedJob job = {};
  job.shape = chunk.Shape();
  job.input = chunk.Input();
  job.output = chunk.Output();
  if (tile != nullptr) {
    const TileInput in_tile = chunk.InTile(tile);
    job.output = {
        tile, kStoredF32, false, in_tile.token_stride, in_tile.head_stride, 1};
  }
  job.factors = moments_.factors();
  job.weight = norm.weight;
  job.weight_dtype = norm.dtype;
  job.weight_added = norm.weight_added;
  // Not all that was asked for at the first sight may be on its way.
  job.ahead = fused_.ahead;
  chunk.SetRows(&job);
  fused_.rotate_normed(job);
}

}  // namespace rotary
