// What is wrong with a fused pass: every argument out of its domain, with the
// field that the error names, its value, and nothing written.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "tests/fused/valid_fused.h"

namespace rotary_test {
namespace {

using F = ValidFused;
constexpr int64_t kFar = int64_t{1} << 58;  // further than memory can reach
constexpr auto kNull = std::nullopt;

// The queries to a function instead of in place.
rotary_tensor* ToTile(F* f) {
  f->fusions[0].on_tile = NoTile;
  return &f->tensors[0];
}

TEST_CASE("a valid fused pass") {
  CheckFusedAccepted(F());
  F embedding;
  embedding.UseEmbedding();
  CheckFusedAccepted(embedding);
  F output;
  output.ToOutput();
  CheckFusedAccepted(output);
  F tile;
  ToTile(&tile);
  CheckFusedAccepted(tile);
}

TEST_CASE("fused errors: args") {
  CheckRefused([](rotary_error* e) { return rotary_apply_fused(nullptr, e); },
               {"args"});
  alignas(8) static uint64_t zeros[64] = {};
  static const OwnSlots more = SlotsAt(2, {0, 1, 2, 3, 4, 5, 6, 7}, F::kSlots);
  static const OwnSlots turned = SlotsAt(3, {0, 1, 2, 3, 4, 5}, F::kSlots);
  const auto address = [](const void* at) {
    return reinterpret_cast<intptr_t>(at);
  };
  CheckAllFusedRefused({
      {"apply",
       [](F* f) {
         f->args.apply = nullptr;
         return kNull;
       }},
      {"fusions",
       [](F* f) {
         f->args.fusions = nullptr;
         return kNull;
       }},
      {"num_tensors", [](F* f) { return f->apply.num_tensors = 9; }},
      {"num_tensors", [](F* f) { return f->apply.num_tensors = -1; }},
      {"slots",
       [](F* f) {
         f->args.slots = nullptr;
         return kNull;
       }},
      {"slots",
       [&](F* f) {
         f->args.slots = reinterpret_cast<const rotary_slots*>(zeros);
         return address(f->args.slots);
       }},
      {"slots",
       [&](F* f) {
         f->args.slots = reinterpret_cast<const rotary_slots*>(
             reinterpret_cast<const char*>(zeros) + 1);
         return address(f->args.slots);
       }},
      {"slots",
       [](F* f) {
         f->args.slots = more.get();
         return 8;
       }},
      {"slots",
       [](F* f) {
         f->args.slots = turned.get();
         return 6;
       }},
      // What rotary_apply refuses.
      {"batch", [](F* f) { return f->apply.batch = -1; }},
      {"tokens", [](F* f) { return f->apply.tokens = -1; }},
      {"tensors",
       [](F* f) {
         f->apply.tensors = nullptr;
         return kNull;
       }},
      {"transpose", [](F* f) { return f->apply.transpose = 2; }},
      {"reserved", [](F* f) { return f->apply.reserved = 1; }},
      {"num_threads", [](F* f) { return f->apply.num_threads = -1; }},
      {"first_row", [](F* f) { return f->apply.first_row = 1; }},
  });
  F far;
  far.UseEmbedding();
  far.ids[5] = int64_t{1} << 31;
  CheckFusedRefused(far, {"positions.data", far.ids[5], ROTARY_ERROR_POSITION,
                          /*tensor=*/-1, /*token=*/5});
}

TEST_CASE("fused errors: where the rotation comes from") {
  F none;
  none.apply.rows = nullptr;
  CheckFusedRefused(
      none, {"fusions[0].rotates", 1, ROTARY_ERROR_ARGUMENT, /*tensor=*/0});
  // Rows for each head that would have to be made, or that are the caller's.
  rotary_embedding_config config;
  rotary_embedding_config_init(&config, sizeof(config));
  config.rotary_dim = F::kRotaryDim;
  config.heads = F::kHeads;
  F by_head;
  const Embedding heads = EmbeddingOf(config);
  by_head.UseEmbedding();
  by_head.apply.embedding = heads.get();
  CheckFusedRefused(by_head, {"rows", kNull, ROTARY_ERROR_UNSUPPORTED});
  const std::vector<float> table(4096, 0.5f);
  rotary_cos_sin cos_sin;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = cos_sin.sin = table.data();
  cos_sin.rotary_dim = F::kRotaryDim;
  cos_sin.width = ROTARY_WIDTH_PAIRS;
  cos_sin.head_stride = 8;
  F own;
  own.apply.rows = nullptr;
  own.apply.cos_sin = &cos_sin;
  CheckFusedRefused(own, {"rows", kNull, ROTARY_ERROR_UNSUPPORTED});
  cos_sin.head_stride = 0;
  CheckFusedAccepted(own);
  // In the widths that hold a value twice the two must be equal.
  cos_sin.width = ROTARY_WIDTH_HALVES;
  std::vector<float> twins = table;
  cos_sin.sin = twins.data();
  CheckFusedAccepted(own);
  twins[3 * F::kRotaryDim + 5] = 0.25f;
  Wrong twin = {"cos_sin.sin"};
  twin.token = 3;
  CheckFusedRefused(own, twin);
}

TEST_CASE("fused errors: a tensor") {
  CheckAllFusedRefused({
      {"tensors[2].heads", [](F* f) { return f->tensors[2].heads = -1; }},
      {"tensors[0].rotary_offset",
       [](F* f) { return f->tensors[0].rotary_offset = -1; }},
      {"tensors[1].rotary_offset",
       [](F* f) { return f->tensors[1].rotary_offset = 49; }},
      {"tensors[1].head_dim", [](F* f) { return f->tensors[1].head_dim = 14; }},
      {"tensors[2].head_dim", [](F* f) { return f->tensors[2].head_dim = 0; }},
      {"tensors[2].head_dim", [](F* f) { return f->tensors[2].head_dim = -1; }},
      {"tensors[2].reserved", [](F* f) { return f->tensors[2].reserved = 1; }},
      {"tensors[0].output_store",
       [](F* f) { return f->tensors[0].output_store = 3; }},
      {"tensors[1].output_store",
       [](F* f) { return f->tensors[1].output_store = -1; }},
      {"tensors[2].input_dtype",
       [](F* f) { return f->tensors[2].input_dtype = ROTARY_I8; }},
      {"tensors[1].input_pairing",
       [](F* f) { return f->tensors[1].input_pairing = 0; }},
      {"tensors[1].input",
       [](F* f) {
         f->tensors[1].input = nullptr;
         return kNull;
       }},
      {"tensors[1].input", [](F* f) { return Shift(&f->tensors[1].input); }},
      {"tensors[1].input_batch_stride",
       [](F* f) { return f->tensors[1].input_batch_stride = kFar; }},
      {"tensors[1].input_token_stride",
       [](F* f) { return f->tensors[1].input_token_stride = -kFar; }},
      {"tensors[1].input_head_stride",
       [](F* f) { return f->tensors[1].input_head_stride = kMax64; }},
      // Its output.
      {"tensors[0].output_dtype",
       [](F* f) { return f->tensors[0].output_dtype = ROTARY_I8; }},
      {"tensors[0].output_pairing",
       [](F* f) { return f->tensors[0].output_pairing = 3; }},
      {"tensors[0].output",
       [](F* f) {
         f->ToOutput();
         return Shift(&f->tensors[0].output);
       }},
      {"tensors[0].output_batch_stride",
       [](F* f) {
         f->ToOutput();
         return f->tensors[0].output_batch_stride = kFar;
       }},
      {"tensors[0].output_head_stride",
       [](F* f) {
         f->ToOutput();
         return f->tensors[0].output_head_stride = 63;
       },
       ROTARY_ERROR_OVERLAP},
      {"tensors[0].output_token_stride",
       [](F* f) {
         f->ToOutput();
         return f->tensors[0].output_token_stride = 0;
       },
       ROTARY_ERROR_OVERLAP},
      {"tensors[1].output",
       [](F* f) {
         f->tensors[1].output = f->spare.data();
         return reinterpret_cast<intptr_t>(f->spare.data());
       }},
      {"tensors[0].output",
       [](F* f) {
         ToTile(f)->output = f->spare.data();
         return reinterpret_cast<intptr_t>(f->spare.data());
       }},
      {"tensors[0].output_dtype",
       [](F* f) { return ToTile(f)->output_dtype = ROTARY_F64; }},
      {"tensors[0].output_pairing",
       [](F* f) { return ToTile(f)->output_pairing = -1; }},
      {"tensors[0].output_dtype",
       [](F* f) {
         ToTile(f)->head_dim = 48;
         return f->tensors[0].output_dtype = ROTARY_Q8_0;
       }},
  });
}

TEST_CASE("fused errors: a fusion") {
  CheckAllFusedRefused({
      {"fusions[2].rotates", [](F* f) { return f->fusions[2].rotates = 2; }},
      {"fusions[1].rotates", [](F* f) { return f->fusions[1].rotates = -1; }},
      {"fusions[1].first_token",
       [](F* f) { return f->fusions[1].first_token = -1; }},
      {"fusions[1].first_token",
       [](F* f) { return f->fusions[1].first_token = 4; }},
      {"fusions[1].num_tokens",
       [](F* f) { return f->fusions[1].num_tokens = -1; }},
      {"fusions[1].num_tokens",
       [](F* f) {
         f->fusions[1].first_token = 2;
         return f->fusions[1].num_tokens = 2;
       }},
      {"fusions[1].num_tokens",
       [](F* f) {
         f->fusions[1].first_token = 2;
         return f->fusions[1].num_tokens = kMax64;
       }},
      {"fusions[0].hadamard", [](F* f) { return f->fusions[0].hadamard = 32; }},
      {"fusions[0].hadamard", [](F* f) { return f->fusions[0].hadamard = 96; }},
      {"fusions[1].hadamard",
       [](F* f) { return f->fusions[1].hadamard = 128; }},
      {"fusions[1].hadamard",
       [](F* f) { return f->fusions[1].hadamard = INT32_MIN; }},
      {"fusions[0].token_scales",
       [](F* f) { return Shift(&f->fusions[0].token_scales); }},
      {"fusions[0].token_scales_batch_stride",
       [](F* f) { return f->fusions[0].token_scales_batch_stride = kFar; }},
      {"fusions[0].token_scales_token_stride",
       [](F* f) { return f->fusions[0].token_scales_token_stride = -kFar; }},
      {"fusions[1].on_tile",
       [](F* f) {
         f->fusions[1].on_tile = NoTile;
         return kNull;
       }},
  });
  constexpr double kInf = std::numeric_limits<double>::infinity();
  for (const double scale : {kInf, -kInf, std::nan(""), 1e39}) {
    F call;
    call.fusions[2].scale = scale;
    Wrong wrong = {"fusions[2].scale"};
    wrong.tensor = 2;
    wrong.real_value = scale;
    CheckFusedRefused(call, wrong);
  }
}

}  // namespace
}  // namespace rotary_test
