#include "lib/apply/head_gradient.h"

namespace rotary {
HeadGradient::HeadGradient(const FusedTensor& fused,
                           const BackwardTensor& backward, double* sums)
    : fused_(fused), backward_(backward), leaf_sums_(sums), moments_(fused) {}

NormedHeads HeadGradient::Normed(const Chunk& chunk,
                                 const HeadGradients& heads) const {
  return {chunk.Shape(),
          heads.gradients,
          heads.input,
          moments_.means(),
          moments_.factors(),
          chunk.Weights(fused_.norm.weight),
          chunk.WeightHeadStride(),
          fused_.norm.dtype,
          fused_.norm.weight_added};
}

void HeadGradient::Sum(const Chunk& chunk, const HeadGradients& heads) {
  kSumGradients[chunk.target()]({Normed(chunk, heads), sums_, products_});
}

void HeadGradient::FindMeans(const Chunk& chunk, const HeadGradients& heads) {
  // Without a scale: gradients have theirs.
  std::fill_n(products_, chunk.Heads(), 1.0f);
  moments_.FindFactors(chunk, heads.input, products_);
  Sum(chunk, heads);
  const double inv_count = moments_.InvCount();
  const auto divide = [inv_count](float sum) {
    return static_cast<float>(static_cast<double>(sum) * inv_count);
  };
  const int64_t count = chunk.Heads();
  if (moments_.means() != nullptr) {
    std::transform(sums_, sums_ + count, sums_, divide);
  }
  std::transform(products_, products_ + count, products_, divide);
}

void HeadGradient::SetMeans(double sum, double product) {
  const double inv_count = moments_.InvCount();
  std::fill_n(sums_, kTileHeads, static_cast<float>(sum * inv_count));
  std::fill_n(products_, kTileHeads, static_cast<float>(product * inv_count));
}

double* HeadGradient::SumsOf(const Chunk& chunk,
                             const WeightGradient& gradient) const {
  if (gradient.to == nullptr) return nullptr;
  return leaf_sums_ + gradient.at + chunk.head * chunk.WeightHeadStride();
}

void HeadGradient::LeadBack(const Chunk& chunk,
                            const HeadGradients& heads) const {
  kNormGradients[chunk.target()]({Normed(chunk, heads), sums_, products_,
                                  SumsOf(chunk, backward_.weight),
                                  SumsOf(chunk, backward_.bias)});
}

}  // namespace rotary
