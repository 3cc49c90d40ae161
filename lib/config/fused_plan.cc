#include "lib/config/fused_plan.h"

#include "lib/config/cache_arg.h"
#include "lib/config/tensor_failure.h"

namespace rotary {
namespace {

bool Scales(const FusedTensor& fused) {
  return fused.scale != 1.0f || fused.token_scales != nullptr;
}

void FindKernel(Target target, FusedTensor* fused) {
  const Dtype stored = static_cast<Dtype>(fused->storage);
  fused->tensor.rotate =
      FindRotate(target, fused->loads ? kF32 : fused->input_dtype, fused->from,
                 fused->stores ? kF32 : stored, fused->to);
}

// Norm and rotation in one, where the rotation takes whole heads.
void FindNormKernel(const FusedCall& call, FusedTensor* fused) {
  const Norm& norm = fused->norm;
  const int64_t head_dim = fused->tensor.head_dim;
  if (norm.kind != Norm::kRms || norm.all_heads || norm.after ||
      !fused->rotates || fused->Changes() || fused->gathers ||
      2 * call.apply.pairs != head_dim || head_dim > kMostNormedDim ||
      call.row_step != 0) {
    return;
  }
  const Dtype stored = static_cast<Dtype>(fused->storage);
  fused->rotate_normed =
      kRotateNormed[call.apply.target]->kernels[fused->input_dtype][fused->from]
                                               [fused->stores ? kF32 : stored];
}

}  // namespace

void PlanForward(const FusedCall& call, FusedTensor* fused, bool* in_place) {
  const bool moves = fused->from_cache && fused->to_cache;
  const bool one_cache = moves && AreOneCache(fused->source, fused->cache);
  *in_place |= one_cache;
  const bool norms = fused->norm.kind != Norm::kNone;
  const bool norms_last = norms && fused->norm.after && fused->rotates;
  const bool scales = Scales(*fused);
  const bool apart = fused->to_cache && fused->cache.strides.element != 1;
  fused->loads = (norms || scales) && !norms_last;
  fused->stores = norms_last || fused->hadamard > 0 ||
                  fused->on_tile != nullptr || fused->storage > kStoredBF16 ||
                  apart;
  fused->loads |= fused->gathers;
  if (!fused->rotates) {
    fused->loads |= fused->stores;
    fused->stores = fused->loads;
  } else if (*in_place && fused->Changes() && !fused->stores) {
    fused->loads = true;
  }
  fused->two_tiles = (fused->loads && fused->Changes() && fused->stores) ||
                     fused->on_tile != nullptr;
  const bool plain = !norms && !scales && !fused->Changes();
  fused->as_is = plain && moves && AreAlike(fused->source, fused->cache);
  fused->stays = plain && one_cache;
  FindKernel(call.apply.target, fused);
  FindNormKernel(call, fused);
}

void PlanBackward(Target target, bool in_place, FusedTensor* fused) {
  const bool norms = fused->norm.kind != Norm::kNone;
  const bool norm_was_last = norms && fused->norm.after && fused->rotates;
  fused->loads = Scales(*fused) || fused->hadamard > 0 || norm_was_last;
  fused->stores = norms && !norm_was_last;
  if (!fused->rotates) {
    fused->loads |= fused->stores;
    fused->stores = fused->loads;
  } else if (in_place && fused->Changes() && !fused->stores) {
    fused->loads = true;
  }
  // Where the norm was last, what it was of is in the other.
  fused->two_tiles =
      norm_was_last || (fused->loads && fused->Changes() && fused->stores);
  FindKernel(target, fused);
}

rotary_status CheckTile(const FusedTensor& fused, int64_t index,
                        rotary_error* error) {
  if (!fused.loads && !fused.stores) return ROTARY_OK;
  const int64_t most = fused.two_tiles ? kTileFloats / 2 : kTileFloats;
  const int64_t head_dim = fused.tensor.head_dim;
  if (head_dim <= most) return ROTARY_OK;
  return TensorFailure{index, error}("head_dim", head_dim,
                                     fused.two_tiles
                                         ? "must be at most 2048 for this pass"
                                         : "must be at most 4096 for this pass",
                                     ROTARY_ERROR_UNSUPPORTED);
}

}  // namespace rotary
