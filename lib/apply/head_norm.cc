#include "lib/apply/head_norm.h"

#include <math.h>

namespace rotary {

void HeadNorm::ReadScales(const Chunk& chunk) {
  int64_t i = 0;
  for (int64_t t = 0; t < chunk.tokens; ++t) {
    float scale = fused_.scale;
    if (fused_.token_scales != nullptr) {
      scale *= fused_.token_scales[chunk.b() * fused_.scales_batch_stride +
                                   (chunk.first_token() + t) *
                                       fused_.scales_token_stride];
    }
    for (int64_t h = 0; h < chunk.heads; ++h) scales_[i++] = scale;
  }
}

// Of what a norm is over.
double HeadNorm::InvCount() const {
  const int64_t heads = fused_.norm.all_heads ? fused_.tensor.heads : 1;
  return 1.0 / static_cast<double>(heads * fused_.tensor.head_dim);
}

void HeadNorm::Sum(const Chunk& chunk, const TileInput& input, bool squares,
                   const float* means) {
  // The first sum is the first that reads the heads.
  const int64_t ahead = squares && means != nullptr ? 0 : fused_.ahead;
  kSumHeads[chunk.target()](
      {chunk.Shape(), input, squares, means, sums_, ahead});
}

// Over all heads of a chunk.
double HeadNorm::SumOf(const Chunk& chunk, const TileInput& input,
                       bool squares) {
  const bool centered = squares && fused_.norm.kind == Norm::kLayer;
  Sum(chunk, input, squares, centered ? means_ : nullptr);
  double sum = 0.0;
  for (int64_t i = 0; i < chunk.heads; ++i) {
    sum += static_cast<double>(sums_[i]);
  }
  return sum;
}

void HeadNorm::FindFactors(const Chunk& chunk, const TileInput& input) {
  const double inv_count = InvCount();
  const bool centered = fused_.norm.kind == Norm::kLayer;
  if (centered) {
    Sum(chunk, input, false, nullptr);
    for (int64_t i = 0; i < chunk.Heads(); ++i) {
      means_[i] = static_cast<float>(static_cast<double>(sums_[i]) * inv_count);
    }
  }
  Sum(chunk, input, true, centered ? means_ : nullptr);
  kNormFactors[chunk.target()]({sums_, scales_, factors_, chunk.Heads(),
                                inv_count, fused_.norm.epsilon});
}

void HeadNorm::SetMean(double sum) {
  std::fill_n(means_, kTileHeads, static_cast<float>(sum * InvCount()));
}

void HeadNorm::SetFactor(const Chunk& chunk, double sum) {
  ReadScales(chunk);
  const double root = sqrt(sum * InvCount() + fused_.norm.epsilon);
  const double factor = static_cast<double>(scales_[0]) / root;
  std::fill_n(factors_, kTileHeads, static_cast<float>(factor));
}

void HeadNorm::Load(const Chunk& chunk, const TileInput& input, bool norms,
                    float* to) const {
  const Norm& norm = fused_.norm;
  LoadHeadsJob job = {};
  job.shape = chunk.Shape();
  job.input = input;
  job.tile = to;
  if (norms) {
    job.factors = factors_;
    job.means = norm.kind == Norm::kLayer ? means_ : nullptr;
    job.weight_dtype = norm.dtype;
    job.weight_added = norm.weight_added;
    job.weight_head_stride = norm.all_heads ? fused_.tensor.head_dim : 0;
    const int64_t skipped =
        chunk.head * job.weight_head_stride * ElementSize(norm.dtype);
    const auto behind = [skipped](const void* weights) {
      return weights == nullptr ? weights
                                : static_cast<const char*>(weights) + skipped;
    };
    job.weight = behind(norm.weight);
    job.bias = behind(norm.bias);
    job.bias_factors = HasScales() ? scales_ : nullptr;
  } else if (Scales()) {
    job.factors = scales_;
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
  job.factors = factors_;
  job.weight = norm.weight;
  job.weight_dtype = norm.dtype;
  job.weight_added = norm.weight_added;
  // Not all that was asked for at the first sight may be on its way.
  job.ahead = fused_.ahead;
  chunk.SetRows(&job);
  fused_.rotate_normed(job);
}

}  // namespace rotary
