#include "lib/apply/moments.h"

#include <math.h>

namespace rotary {

float HeadScales::Of(const Chunk& chunk, int64_t t) const {
  if (fused_.token_scales == nullptr) return fused_.scale;
  return fused_.scale *
         fused_.token_scales[chunk.b() * fused_.scales_batch_stride +
                             (chunk.first_token() + t) *
                                 fused_.scales_token_stride];
}

void HeadScales::Read(const Chunk& chunk) {
  float* to = values_;
  for (int64_t t = 0; t < chunk.tokens; ++t) {
    to = std::fill_n(to, chunk.heads, Of(chunk, t));
  }
}

double Moments::InvCount() const {
  const int64_t heads = fused_.norm.all_heads ? fused_.tensor.heads : 1;
  return 1.0 / static_cast<double>(heads * fused_.tensor.head_dim);
}

// Of x, or of the squares of what is left of it without the mean.
void Moments::Sum(const Chunk& chunk, const TileInput& input, bool squares) {
  // The first sum is the first that reads the heads.
  const int64_t ahead = squares && IsCentered() ? 0 : fused_.ahead;
  kSumHeads[chunk.target()]({chunk.Shape(), input, squares,
                             squares ? means() : nullptr, sums_, ahead});
}

// Over all heads of a chunk.
double Moments::SumOf(const Chunk& chunk, const TileInput& input,
                      bool squares) {
  Sum(chunk, input, squares);
  return AddUp(sums_, chunk.heads);
}

void Moments::FindFactors(const Chunk& chunk, const TileInput& input,
                          const float* scales) {
  const double inv_count = InvCount();
  if (IsCentered()) {
    Sum(chunk, input, false);
    for (int64_t i = 0; i < chunk.Heads(); ++i) {
      means_[i] = static_cast<float>(static_cast<double>(sums_[i]) * inv_count);
    }
  }
  Sum(chunk, input, true);
  kNormFactors[chunk.target()](
      {sums_, scales, factors_, chunk.Heads(), inv_count, fused_.norm.epsilon});
}

void Moments::SetMean(double sum) {
  std::fill_n(means_, kTileHeads, static_cast<float>(sum * InvCount()));
}

void Moments::SetFactor(double sum, float scale) {
  const double root = sqrt(sum * InvCount() + fused_.norm.epsilon);
  const double factor = static_cast<double>(scale) / root;
  std::fill_n(factors_, kTileHeads, static_cast<float>(factor));
}

}  // namespace rotary
