// What is wrong with the norm or the cache of a fused pass, with structs of
// other versions, and with heads that no tile holds.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "tests/fused/valid_fused.h"

namespace rotary_test {
namespace {

using F = ValidFused;
constexpr int64_t kFar = int64_t{1} << 60;  // further than memory can reach
constexpr auto kNull = std::nullopt;
constexpr auto kOverlap = ROTARY_ERROR_OVERLAP;

TEST_CASE("fused errors: a norm") {
  CheckAllFusedRefused({
      {"fusions[0].norm.kind", [](F* f) { return f->norm.kind = 0; }},
      {"fusions[0].norm.kind", [](F* f) { return f->norm.kind = 3; }},
      {"fusions[0].norm.all_heads", [](F* f) { return f->norm.all_heads = 2; }},
      {"fusions[0].norm.after_rotation",
       [](F* f) { return f->norm.after_rotation = -1; }},
      {"fusions[0].norm.weight_plus_one",
       [](F* f) { return f->norm.weight_plus_one = 2; }},
      {"fusions[0].norm.reserved", [](F* f) { return f->norm.reserved = 1; }},
      {"fusions[0].norm.weight_dtype",
       [](F* f) { return f->norm.weight_dtype = ROTARY_F64; }},
      {"fusions[0].norm.weight",
       [](F* f) {
         f->norm.weight = nullptr;
         f->norm.weight_plus_one = 1;
         return kNull;
       }},
      {"fusions[0].norm.weight", [](F* f) { return Shift(&f->norm.weight); }},
      {"fusions[0].norm.bias",
       [](F* f) {
         f->norm.bias = f->weight.data();
         return kNull;
       }},
      {"fusions[0].norm.bias",
       [](F* f) {
         f->norm.kind = ROTARY_NORM_LAYER;
         f->norm.bias = f->weight.data();
         return Shift(&f->norm.bias);
       }},
      {"fusions[0].norm.weight",
       [](F* f) {
         // More weights than there can be, if of no tokens.
         f->norm.all_heads = 1;
         f->fusions[0].num_tokens = 0;
         f->tensors[0].heads = kFar;
         return reinterpret_cast<intptr_t>(f->norm.weight);
       }},
  });
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const double epsilon : {-1e-300, kInf, std::nan("")}) {
    F call;
    call.norm.epsilon = epsilon;
    Wrong wrong = {"fusions[0].norm.epsilon"};
    wrong.tensor = 0;
    wrong.real_value = epsilon;
    CheckFusedRefused(call, wrong);
  }
  F zero;
  zero.norm.epsilon = 0;
  CheckFusedAccepted(zero);
}

TEST_CASE("fused errors: a cache") {
  CheckAllFusedRefused({
      {"fusions[1].cache.dtype", [](F* f) { return f->k_cache.dtype = 0; }},
      {"fusions[2].cache.dtype",
       [](F* f) { return f->v_cache.dtype = ROTARY_F64; }},
      {"fusions[1].cache.block_size",
       [](F* f) { return f->k_cache.block_size = -1; }},
      {"fusions[2].cache.dtype",
       [](F* f) {
         f->tensors[2].head_dim = 48;
         return f->v_cache.dtype = ROTARY_Q8_0;
       }},
      {"fusions[2].cache.element_stride",
       [](F* f) {
         f->v_cache.dtype = ROTARY_Q8_0;
         return f->v_cache.element_stride = 2;
       }},
      {"fusions[1].cache.pairing", [](F* f) { return f->k_cache.pairing = 3; }},
      {"fusions[1].cache.saturated",
       [](F* f) { return Shift(&f->k_cache.saturated); }},
      {"fusions[1].cache.saturated",
       [](F* f) {  // aligned to half of what it is
         char* half = reinterpret_cast<char*>(&f->saturated) + 4;
         f->k_cache.saturated = reinterpret_cast<int64_t*>(half);
         return reinterpret_cast<intptr_t>(half);
       }},
      {"fusions[1].cache.data",
       [](F* f) {
         f->k_cache.data = nullptr;
         return kNull;
       }},
      {"fusions[2].cache.data", [](F* f) { return Shift(&f->v_cache.data); }},
      {"fusions[2].cache.data",
       [](F* f) {
         f->v_cache.dtype = ROTARY_Q8_0;
         return Shift(&f->v_cache.data);
       }},
      {"fusions[1].cache.block_stride",
       [](F* f) { return f->k_cache.block_stride = kFar; }},
      {"fusions[1].cache.slot_stride",
       [](F* f) { return f->k_cache.slot_stride = -kFar; }},
      {"fusions[1].cache.head_stride",
       [](F* f) { return f->k_cache.head_stride = kFar; }},
      {"fusions[2].cache.element_stride",
       [](F* f) { return f->v_cache.element_stride = kFar; }},
      {"fusions[1].cache.block_stride",
       [](F* f) { return f->k_cache.block_stride = 511; }, kOverlap},
      {"fusions[1].cache.slot_stride",
       [](F* f) { return f->k_cache.slot_stride = 127; }, kOverlap},
      {"fusions[1].cache.head_stride",
       [](F* f) { return f->k_cache.head_stride = 0; }, kOverlap},
      {"fusions[2].cache.element_stride",
       [](F* f) { return f->v_cache.element_stride = 0; }, kOverlap},
  });
}

TEST_CASE("fused errors: the scales of a cache") {
  CheckAllFusedRefused({
      {"fusions[1].cache.scale_kind",
       [](F* f) { return f->k_cache.scale_kind = 3; }},
      {"fusions[1].cache.scale_kind",
       [](F* f) { return f->k_cache.scale_kind = -1; }},
      {"fusions[1].cache.scale_kind",
       [](F* f) { return f->k_cache.scale_kind = ROTARY_SCALES_NONE; }},
      {"fusions[2].cache.scale_kind",
       [](F* f) { return f->v_cache.scale_kind = ROTARY_SCALES_GIVEN; }},
      {"fusions[1].cache.scales",
       [](F* f) {
         f->k_cache.dtype = ROTARY_F8_E4M3;
         f->k_cache.scale_kind = ROTARY_SCALES_NONE;
         return kNull;
       }},
      {"fusions[1].cache.scales_dtype",
       [](F* f) { return f->k_cache.scales_dtype = ROTARY_I8; }},
      {"fusions[1].cache.scales_element_stride",
       [](F* f) { return f->k_cache.scales_element_stride = 1; }},
      {"fusions[1].cache.scales",
       [](F* f) {
         f->k_cache.scales = nullptr;
         return kNull;
       }},
      {"fusions[1].cache.scales",
       [](F* f) { return Shift(&f->k_cache.scales); }},
      {"fusions[1].cache.scales_block_stride",
       [](F* f) { return f->k_cache.scales_block_stride = kFar; }},
      {"fusions[1].cache.scales_slot_stride",
       [](F* f) { return f->k_cache.scales_slot_stride = -kFar; }},
      {"fusions[1].cache.scales_head_stride",
       [](F* f) { return f->k_cache.scales_head_stride = kFar; }},
      {"fusions[1].cache.scales_element_stride",
       [](F* f) {
         f->k_cache.scale_kind = ROTARY_SCALES_GIVEN;
         return f->k_cache.scales_element_stride = kFar;
       }},
      {"fusions[1].cache.scales_block_stride",
       [](F* f) { return f->k_cache.scales_block_stride = 7; }, kOverlap},
      {"fusions[1].cache.scales_slot_stride",
       [](F* f) { return f->k_cache.scales_slot_stride = 1; }, kOverlap},
      {"fusions[1].cache.scales_head_stride",
       [](F* f) { return f->k_cache.scales_head_stride = 0; }, kOverlap},
  });
  // Those that are given may be one for all.
  F one;
  one.k_cache.scale_kind = ROTARY_SCALES_GIVEN;
  one.k_cache.scales_block_stride = one.k_cache.scales_slot_stride = 0;
  one.k_cache.scales_head_stride = 0;
  CheckFusedAccepted(one);
}

// A struct as a later version may have it.
template <typename Struct>
struct Later {
  explicit Later(const Struct& now) : known(now), unknown(0) {
    known.struct_size = sizeof(*this);
  }
  Struct known;
  int64_t unknown;
};

// A struct that the pass reads there, of sizes that no version has, and of a
// later version without and with a field that is set.
template <typename Struct, typename Give>
void CheckVersions(const std::string& argument, int32_t tensor,
                   const Struct F::*field, const Give& give) {
  CAPTURE(argument);
  Wrong wrong = {argument + "struct_size"};
  wrong.status = ROTARY_ERROR_STRUCT_SIZE;
  wrong.tensor = tensor;
  for (const size_t size : {size_t{0}, sizeof(Struct) - 1, size_t{4097}}) {
    F call;
    Struct other = call.*field;
    other.struct_size = size;
    give(&call, &other);
    wrong.value = static_cast<int64_t>(size);
    CheckFusedRefused(call, wrong);
  }
  F call;
  Later<Struct> later(call.*field);
  give(&call, &later.known);
  CheckFusedAccepted(call);
  later.unknown = 1;
  wrong.value = static_cast<int64_t>(sizeof(later));
  CheckFusedRefused(call, wrong);
}

TEST_CASE("fused errors: structs of other versions") {
  CheckVersions("apply.", -1, &F::apply,
                [](F* f, const auto* apply) { f->args.apply = apply; });
  CheckVersions("fusions[0].norm.", 0, &F::norm,
                [](F* f, const auto* norm) { f->fusions[0].norm = norm; });
  CheckVersions("fusions[1].cache.", 1, &F::k_cache,
                [](F* f, const auto* cache) { f->fusions[1].cache = cache; });
  // The args themselves.
  F args;
  args.args.struct_size = sizeof(args.args) - 1;
  CheckFusedRefused(args, {"args.struct_size", sizeof(args.args) - 1,
                           ROTARY_ERROR_STRUCT_SIZE});
  // Fusions and tensors are all of one size.
  for (int32_t i = 0; i < 3; ++i) {
    CAPTURE(i);
    F fusions;
    fusions.fusions[i].struct_size += 8;
    Wrong wrong = {"fusions[" + std::to_string(i) + "].struct_size"};
    wrong.status = ROTARY_ERROR_STRUCT_SIZE;
    wrong.tensor = i;
    wrong.value = static_cast<int64_t>(sizeof(rotary_fusion)) + 8;
    CheckFusedRefused(fusions, wrong);
    F tensors;
    tensors.tensors[i].struct_size = 1;
    wrong.argument = "tensors[" + std::to_string(i) + "].struct_size";
    wrong.value = 1;
    CheckFusedRefused(tensors, wrong);
  }
  F later;
  std::vector<Later<rotary_fusion>> more(later.fusions, later.fusions + 3);
  later.args.fusions = &more[0].known;
  CheckFusedAccepted(later);
  more[2].unknown = 1;
  CheckFusedRefused(later, {"fusions[2].struct_size", sizeof(more[0]),
                            ROTARY_ERROR_STRUCT_SIZE, 2});
  // Of version 0.1 these had no cos_sin.
  F first;
  first.apply.struct_size = offsetof(rotary_apply_args, cos_sin);
  CheckFusedAccepted(first);
}

TEST_CASE("fused errors: heads that are larger than a tile") {
  constexpr rotary_status kUnsupported = ROTARY_ERROR_UNSUPPORTED;
  CheckAllFusedRefused({
      {"tensors[0].head_dim",
       [](F* f) { return f->tensors[0].head_dim = 4097; }, kUnsupported},
      {"tensors[1].head_dim",
       [](F* f) { return f->tensors[1].head_dim = 4098; }, kUnsupported},
      {"tensors[2].head_dim",
       [](F* f) {
         f->fusions[2].scale = 0.5;
         return f->tensors[2].head_dim = 8192;
       },
       kUnsupported},
      {"tensors[2].head_dim",
       [](F* f) {
         f->fusions[2].cache = nullptr;
         f->fusions[2].on_tile = NoTile;
         return f->tensors[2].head_dim = 2049;
       },
       kUnsupported},
      // The pairing changes between the norm and the bytes.
      {"tensors[1].head_dim",
       [](F* f) {
         f->fusions[1].norm = &f->norm;
         f->k_cache.pairing = ROTARY_INTERLEAVED;
         return f->tensors[1].head_dim = 2049;
       },
       kUnsupported},
  });
  // Rows that would have to be made are limited too.
  F call;
  const Embedding wide = MakeEmbedding(770);
  call.UseEmbedding();
  call.apply.embedding = wide.get();
  Wrong wrong = {"rows"};
  wrong.status = kUnsupported;
  CheckFusedRefused(call, wrong);
}

}  // namespace
}  // namespace rotary_test
