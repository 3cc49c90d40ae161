// How fused passes go through the caches, and what their tensors go through,
// which no result shows.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>

#include "tests/plan/planned.h"

namespace rotary_test {
namespace {

using rotary::Access;

constexpr int64_t kTokenBytes = LargeCall::kTokenBytes;

rotary_fusion PlainFusion() {
  rotary_fusion fusion;
  rotary_fusion_init(&fusion, sizeof(fusion));
  return fusion;
}

rotary_norm RmsNorm() {
  rotary_norm norm;
  rotary_norm_init(&norm, sizeof(norm));
  norm.kind = ROTARY_NORM_RMS;
  return norm;
}

bool NormsAndRotates(const rotary::FusedTensor& fused) {
  return fused.rotate_normed != nullptr;
}

int64_t FillingTokens() {
  return (LeastThatFills() + 2 * kTokenBytes - 1) / (2 * kTokenBytes);
}

TEST_CASE("plan: fused, past the caches that input and output fill") {
  LargeCall large;
  large.SetTokens(FillingTokens() - 1);
  rotary::FusedCall call = large.PlanFused(PlainFusion());
  CHECK(call.tensors[0].tensor.access != Access::kStream);
  CHECK_FALSE(call.apply.streams);
  CHECK(call.apply.bytes == 2 * (FillingTokens() - 1) * kTokenBytes);
  CHECK(call.apply.copy_bytes == call.apply.bytes);
  large.SetTokens(FillingTokens());
  call = large.PlanFused(PlainFusion());
  CHECK(call.tensors[0].tensor.access == Access::kStream);
  CHECK(call.apply.streams);
  CHECK(call.apply.from_memory);
  CHECK_FALSE(call.tensors[0].fetches);

  large.tensor.output_store = ROTARY_STORE_KEEP;
  call = large.PlanFused(PlainFusion());
  CHECK_FALSE(call.apply.streams);
  CHECK(call.apply.from_memory);
  CHECK(call.tensors[0].tensor.access == Access::kPrefetch);
  CHECK(call.tensors[0].tensor.near == kTokenBytes);
  CHECK(call.tensors[0].tensor.far == kTokenBytes);

  large.InPlace();
  large.tensor.output_store = ROTARY_STORE_AUTO;
  call = large.PlanFused(PlainFusion());
  CHECK(call.apply.copy_bytes == 0);
  CHECK_FALSE(call.apply.streams);
}

TEST_CASE("plan: fused, past the caches only what is aligned and no bytes") {
  LargeCall large(64);
  large.tensor.output_store = ROTARY_STORE_STREAM;
  CHECK(large.PlanFused(PlainFusion()).apply.streams);
  large.tensor.output = large.output() + 32;
  CHECK_FALSE(large.PlanFused(PlainFusion()).apply.streams);
  large.tensor.output = large.output();
  large.tensor.rotary_offset = 8;
  CHECK_FALSE(large.PlanFused(PlainFusion()).apply.streams);
  large.tensor.rotary_offset = 0;
  large.tensor.head_dim = 72;
  CHECK_FALSE(large.PlanFused(PlainFusion()).apply.streams);
}

TEST_CASE("plan: fused, half of the cache goes token by token") {
  // Others use it too.
  LargeCall large;
  const int64_t filling = (FillingTokens() + 1) / 2;
  large.SetTokens(filling - 1);
  CHECK_FALSE(large.PlanFused(PlainFusion()).apply.from_memory);
  large.SetTokens(filling);
  const rotary::FusedCall call = large.PlanFused(PlainFusion());
  CHECK(call.apply.from_memory);
  CHECK(call.tensors[0].tensor.access == Access::kPrefetch);

  // Not where heads are further apart than tokens.
  large.tensor.heads = 2;
  large.tensor.input_head_stride = int64_t{1} << 30;
  large.tensor.input_token_stride = LargeCall::kHeadDim;
  CHECK_FALSE(large.PlanFused(PlainFusion()).apply.from_memory);
}

TEST_CASE("plan: fused, who fetches the token that comes next") {
  LargeCall large;
  large.SetTokens(FillingTokens());
  large.tensor.output_store = ROTARY_STORE_KEEP;
  const rotary_norm norm = RmsNorm();
  rotary_fusion fusion = PlainFusion();
  fusion.norm = &norm;
  rotary::FusedCall call = large.PlanFused(fusion);
  // The norm, which reads the heads first.
  CHECK(call.tensors[0].ahead == kTokenBytes);
  CHECK_FALSE(call.tensors[0].fetches);
  CHECK(NormsAndRotates(call.tensors[0]));

  fusion = PlainFusion();
  fusion.scale = 0.5;
  call = large.PlanFused(fusion);
  CHECK(call.tensors[0].ahead == 0);
  CHECK(call.tensors[0].fetches);

  fusion = PlainFusion();
  large.tensor.output_dtype = ROTARY_F16;
  CHECK(large.PlanFused(fusion).tensors[0].fetches);

  large.SetTokens(1);
  CHECK_FALSE(large.PlanFused(fusion).tensors[0].fetches);
}

TEST_CASE("plan: fused, only what needs a tile goes through one") {
  LargeCall large;
  const auto plan = [&](const rotary_fusion& fusion) {
    return large.PlanFused(fusion).tensors[0];
  };
  rotary_fusion fusion = PlainFusion();
  CHECK_FALSE(plan(fusion).loads);
  CHECK_FALSE(plan(fusion).stores);
  fusion.scale = 2.0;
  CHECK(plan(fusion).loads);
  CHECK_FALSE(plan(fusion).stores);
  CHECK_FALSE(plan(fusion).two_tiles);
  fusion = PlainFusion();
  fusion.hadamard = 64;
  CHECK_FALSE(plan(fusion).loads);
  CHECK(plan(fusion).stores);
  fusion = PlainFusion();
  rotary_norm norm = RmsNorm();
  fusion.norm = &norm;
  CHECK(NormsAndRotates(plan(fusion)));
  norm.kind = ROTARY_NORM_LAYER;
  CHECK_FALSE(NormsAndRotates(plan(fusion)));
  // From half pairs to neighbors, out of place: no tile is needed.
  fusion = PlainFusion();
  large.tensor.output_pairing = ROTARY_INTERLEAVED;
  CHECK_FALSE(plan(fusion).loads);
  fusion.scale = 2.0;
  CHECK_FALSE(plan(fusion).two_tiles);
  fusion.hadamard = 64;
  CHECK(plan(fusion).two_tiles);
}

}  // namespace
}  // namespace rotary_test
