// Which memory of a fused pass may overlap: the layouts that engines use, and
// the mistakes that callers make.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/fused/valid_fused.h"

namespace rotary_test {
namespace {

using F = ValidFused;

intptr_t Address(const void* at) { return reinterpret_cast<intptr_t>(at); }

// Refused because of memory of which `argument`, at the address that spoil
// returns, is written.
struct Overlap {
  std::string argument;
  std::function<const void*(F*)> spoil;
};

void CheckOverlaps(const std::vector<Overlap>& cases) {
  std::vector<SpoiledFused> spoiled;
  for (const Overlap& overlap : cases) {
    spoiled.push_back({overlap.argument,
                       [&](F* f) { return Address(overlap.spoil(f)); },
                       ROTARY_ERROR_OVERLAP});
  }
  CheckAllFusedRefused(spoiled);
}

TEST_CASE("fused overlap: two that are written") {
  CheckOverlaps({
      {"fusions[2].cache.data",
       [](F* f) { return f->v_cache.data = f->k_data.data() + 766; }},
      {"fusions[1].cache.data",
       [](F* f) { return f->k_cache.data = f->q.data(); }},
      {"fusions[1].cache.data",
       [](F* f) {
         f->ToOutput();
         return f->k_cache.data = f->spare.data() + f->spare.size() - 384;
       }},
      {"fusions[1].cache.scales",
       [](F* f) { return f->k_cache.scales = f->k_data.data() + 4; }},
      {"fusions[1].cache.data",
       [](F* f) {
         f->k_cache.saturated = reinterpret_cast<int64_t*>(f->k_data.data());
         return f->k_cache.data;
       }},
      {"fusions[1].cache.scales",
       [](F* f) {
         f->k_cache.saturated =
             reinterpret_cast<int64_t*>(f->k_scales.data() + 2);
         return f->k_cache.scales;
       }},
  });
}

TEST_CASE("fused overlap: an input inside of what is written") {
  CheckOverlaps({
      // Into its own input, but not in place.
      {"tensors[0].output",
       [](F* f) { return f->tensors[0].output = f->q.data() + 1; }},
      {"fusions[1].cache.data",
       [](F* f) { return f->k_cache.data = f->k.data(); }},
      {"fusions[1].cache.scales",
       [](F* f) { return f->k_cache.scales = f->v.data(); }},
      {"fusions[1].cache.saturated",
       [](F* f) {
         f->k_cache.saturated = reinterpret_cast<int64_t*>(f->v.data());
         return f->k_cache.saturated;
       }},
      {"fusions[1].cache.data",
       [](F* f) {
         f->tensors[2].input = f->k_data.data();
         return f->k_data.data();
       }},
      {"tensors[0].output",
       [](F* f) {
         f->ToOutput();
         f->tensors[2].input = f->spare.data();
         return f->tensors[0].output;
       }},
  });
}

TEST_CASE("fused overlap: what else is read, inside of what is written") {
  CheckOverlaps({
      {"fusions[1].cache.data",
       [](F* f) {
         f->norm.weight = f->k_data.data() + 128;
         return f->k_cache.data;
       }},
      {"fusions[2].cache.data",
       [](F* f) {
         f->norm.kind = ROTARY_NORM_LAYER;
         f->norm.bias = f->v_data.data() + 128;
         return f->v_cache.data;
       }},
      {"tensors[0].output",
       [](F* f) {
         f->ToOutput();
         f->norm.weight = f->spare.data();
         return f->tensors[0].output;
       }},
      {"tensors[0].output",
       [](F* f) {
         f->ToOutput();
         f->fusions[2].token_scales = f->spare.data() + 100;
         return f->tensors[0].output;
       }},
      {"fusions[1].cache.scales",
       [](F* f) {
         f->fusions[0].token_scales = f->k_scales.data() + 20;
         return f->k_cache.scales;
       }},
      {"fusions[2].cache.data",
       [](F* f) {
         f->k_cache.scale_kind = ROTARY_SCALES_GIVEN;
         f->k_cache.scales = f->v_data.data();
         return f->v_cache.data;
       }},
      {"fusions[2].cache.data",
       [](F* f) { return f->v_cache.data = f->slots.memory.data(); }},
      {"fusions[1].cache.data",
       [](F* f) { return f->k_cache.data = f->rows.get(); }},
      {"fusions[1].cache.saturated",
       [](F* f) {
         f->k_cache.saturated = reinterpret_cast<int64_t*>(f->rows.get()) + 9;
         return f->k_cache.saturated;
       }},
      {"fusions[1].cache.scales",
       [](F* f) {
         f->UseEmbedding();
         return f->k_cache.scales = f->ids.data();
       }},
  });
  // cos and sin.
  F call;
  rotary_cos_sin cos_sin;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = call.spare.data();
  cos_sin.sin = call.spare.data() + 64;
  cos_sin.rotary_dim = F::kRotaryDim;
  cos_sin.width = ROTARY_WIDTH_PAIRS;
  call.apply.rows = nullptr;
  call.apply.cos_sin = &cos_sin;
  CheckFusedAccepted(call);
  call.k_cache.scales = call.spare.data() + 90;
  CheckFusedRefused(call, {"fusions[1].cache.scales",
                           Address(call.k_cache.scales), ROTARY_ERROR_OVERLAP,
                           /*tensor=*/1});
}

TEST_CASE("fused overlap: inputs, weights and counters may be shared") {
  // Values from the projection of the keys.
  F values;
  values.tensors[2].input = values.k.data();
  CheckFusedAccepted(values);
  // One norm and one list of scales for all.
  F norms;
  for (rotary_fusion& fusion : norms.fusions) {
    fusion.norm = &norms.norm;
    fusion.token_scales = norms.token_scales.data();
  }
  CheckFusedAccepted(norms);
  // Scales that are given, of both caches.
  F scales;
  scales.k_cache.scale_kind = scales.v_cache.scale_kind = ROTARY_SCALES_GIVEN;
  scales.v_cache.dtype = ROTARY_F8_E5M2;
  scales.v_cache.scales = scales.k_cache.scales;
  CheckFusedAccepted(scales);
  // A counter: no element of both is in range.
  scales.v_cache.saturated = scales.k_cache.saturated;
  std::fill(scales.k_scales.begin(), scales.k_scales.end(), 0x1p-40f);
  std::fill(scales.k.begin(), scales.k.end(), 3.0f);
  std::fill(scales.v.begin(), scales.v.end(), 3.0f);
  scales.fusions[1].rotates = 0;
  CheckFusedAccepted(scales);
  const int64_t elements = static_cast<int64_t>(scales.k.size());
  CHECK(scales.saturated == 77 + 2 * elements);
}

// Queries of fused projections: [tokens][q, k, v], in place among the inputs of
// the others.
TEST_CASE("fused overlap: queries in place in a packed QKV") {
  F call;
  constexpr int64_t kRow = 3 * F::kHeads * F::kHeadDim;
  std::vector<float> qkv(F::kBatch * F::kTokens * kRow, 1.0f);
  for (int i = 0; i < 3; ++i) {
    call.tensors[i].input = qkv.data() + i * kRow / 3;
    call.tensors[i].input_token_stride = kRow;
    call.tensors[i].input_batch_stride = F::kTokens * kRow;
  }
  CheckFusedAccepted(call);
  call.tensors[1].input = qkv.data() + kRow / 3 - 1;
  CheckFusedRefused(call, {"tensors[0].input", Address(qkv.data()),
                           ROTARY_ERROR_OVERLAP, /*tensor=*/0});
}

// [blocks][2][slot][head][element]: keys and values of a block lie together.
TEST_CASE("fused overlap: keys and values in blocks of one array") {
  constexpr int64_t kBlock = F::kBlockSize * F::kHeads * F::kHeadDim;
  F apart;
  apart.k_cache = apart.v_cache;
  std::vector<uint16_t> keys(apart.v_data.size(), 77);
  apart.k_cache.data = keys.data();
  CheckFusedAccepted(apart);
  std::vector<uint16_t> both(2 * keys.size(), 77);
  F call;
  call.k_cache = call.v_cache;
  call.k_cache.data = both.data();
  call.v_cache.data = both.data() + kBlock;
  call.k_cache.block_stride = call.v_cache.block_stride = 2 * kBlock;
  CheckFusedAccepted(call);
  for (size_t block = 0; block < F::kSlots / F::kBlockSize; ++block) {
    const auto begin = static_cast<ptrdiff_t>(block) * kBlock;
    CHECK(std::memcmp(&both[0] + 2 * begin, &keys[0] + begin, 2 * kBlock) == 0);
    CHECK(std::memcmp(&both[0] + 2 * begin + kBlock, &apart.v_data[0] + begin,
                      2 * kBlock) == 0);
  }
  // One slot more in a block, or values that begin a head too early.
  call.v_cache.data = both.data() + kBlock - F::kHeadDim;
  CheckFusedRefused(call, {"fusions[2].cache.data", Address(call.v_cache.data),
                           ROTARY_ERROR_OVERLAP, /*tensor=*/2});
}

// Rows of 576: 512 that are normed, and 64 that are rotated.
TEST_CASE("fused overlap: two tensors in the rows of one cache") {
  F call;
  constexpr int64_t kRow = 576;
  std::vector<float> input(F::kBatch * F::kTokens * kRow, 0.5f);
  std::vector<float> cache(F::kSlots * kRow, 77.0f);
  std::vector<float> weight(512, 2.0f);
  call.norm.weight = weight.data();
  for (int i = 1; i < 3; ++i) {
    const bool rope = i == 1;
    call.tensors[i].heads = 1;
    call.tensors[i].head_dim = rope ? 64 : 512;
    call.tensors[i].input = input.data() + (rope ? 512 : 0);
    call.tensors[i].input_token_stride = kRow;
    call.tensors[i].input_batch_stride = F::kTokens * kRow;
    rotary_cache* to = rope ? &call.k_cache : &call.v_cache;
    *to = MakeCache(cache.data() + (rope ? 512 : 0), ROTARY_F32);
    to->block_size = rope ? F::kBlockSize : 0;
    to->slot_stride = kRow;
    to->block_stride = F::kBlockSize * kRow;
  }
  call.apply.tensors = &call.tensors[1];
  call.apply.num_tensors = 2;
  call.args.fusions = &call.fusions[1];
  call.fusions[2].norm = &call.norm;
  for (const int64_t block_size : {0, 4}) {
    call.k_cache.block_size = call.v_cache.block_size = block_size;
    std::fill(cache.begin(), cache.end(), 77.0f);
    FuseOk(call.args);
    const std::vector<int64_t> taken = {0, 1, 2, 5, 8, 11};
    for (int64_t slot = 0; slot < F::kSlots; ++slot) {
      const bool written =
          std::find(taken.begin(), taken.end(), slot) != taken.end();
      for (int64_t e = 0; e < kRow; ++e) {
        const float got = cache[static_cast<size_t>(slot * kRow + e)];
        REQUIRE((got != 77.0f) == written);
      }
    }
  }
  call.k_cache.data = cache.data() + 511;
  CheckFusedRefused(call, {"fusions[1].cache.data", Address(cache.data()),
                           ROTARY_ERROR_OVERLAP, /*tensor=*/1});
}

// [batch][text, image]: each from an array of its own, to ranges of one.
TEST_CASE("fused overlap: ranges of the tokens of one tensor") {
  F call;
  constexpr int64_t kToken = F::kHeads * F::kHeadDim;
  call.ToOutput();
  for (int i = 0; i < 2; ++i) {
    call.fusions[i].first_token = i;
    call.fusions[i].num_tokens = i + 1;
    call.fusions[i].cache = nullptr;
    call.tensors[i].output = call.spare.data() + i * kToken;
    call.tensors[i].output_batch_stride = F::kTokens * kToken;
  }
  CheckFusedAccepted(call);
  for (const float x : call.spare) REQUIRE(x != 77.0f);
  call.fusions[0].num_tokens = 2;
  CheckFusedRefused(call, {"tensors[1].output", Address(call.tensors[1].output),
                           ROTARY_ERROR_OVERLAP, /*tensor=*/1});
}

}  // namespace
}  // namespace rotary_test
