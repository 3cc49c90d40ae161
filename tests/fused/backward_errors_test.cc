// What is wrong with a backward pass: every argument out of its domain and
// every overlap, with the field that the error names, its value, and nothing
// written.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "tests/fused/valid_backward.h"
#include "tests/fused/valid_fused.h"

namespace rotary_test {
namespace {

using B = ValidBackward;
constexpr int64_t kFar = int64_t{1} << 58;  // further than memory can reach
constexpr auto kNull = std::nullopt;

intptr_t Address(const void* at) { return reinterpret_cast<intptr_t>(at); }

TEST_CASE("a valid backward pass") {
  const B call;
  size_t bytes;
  rotary_error error;
  RequireOk(rotary_backward_bytes_needed(&call.args, &bytes, &error), error);
  CHECK(bytes == B::kScratch);
  CheckBackwardAccepted(call);
  B embedding;
  embedding.UseEmbedding();
  CheckBackwardAccepted(embedding);
  // Nothing is wanted of the norms but the gradients of heads.
  B heads;
  heads.gradients[0].weight = heads.gradients[0].bias = nullptr;
  heads.gradients[1].weight = nullptr;
  heads.args.scratch = nullptr;
  heads.args.scratch_bytes = 0;
  RequireOk(rotary_backward_bytes_needed(&heads.args, &bytes, &error), error);
  CHECK(bytes == 0);
  CheckBackwardAccepted(heads);
}

TEST_CASE("backward errors: args") {
  CheckRefused(
      [](rotary_error* e) { return rotary_apply_fused_backward(nullptr, e); },
      {"args"});
  CheckRefused(
      [](rotary_error* e) {
        size_t bytes;
        return rotary_backward_bytes_needed(nullptr, &bytes, e);
      },
      {"args"});
  const B call;
  CheckRefused(
      [&](rotary_error* e) {
        return rotary_backward_bytes_needed(&call.args, nullptr, e);
      },
      {"bytes"});
  CheckAllBackwardRefused({
      {"apply",
       [](B* b) {
         b->args.apply = nullptr;
         return kNull;
       }},
      {"fusions",
       [](B* b) {
         b->args.fusions = nullptr;
         return kNull;
       }},
      {"gradients",
       [](B* b) {
         b->args.gradients = nullptr;
         return kNull;
       }},
      {"num_tensors", [](B* b) { return b->apply.num_tensors = 9; }},
      {"tokens", [](B* b) { return b->apply.tokens = -1; }},
      {"transpose", [](B* b) { return b->apply.transpose = 2; }},
      {"num_threads", [](B* b) { return b->apply.num_threads = -1; }},
      {"first_row", [](B* b) { return b->apply.first_row = 1; }},
      {"scratch",
       [](B* b) {
         b->args.scratch = nullptr;
         return kNull;
       }},
      {"scratch", [](B* b) { return Shift(&b->args.scratch); }},
      {"scratch_bytes",
       [](B* b) {
         return static_cast<int64_t>(b->args.scratch_bytes = B::kScratch - 1);
       }},
  });
  B far;
  far.UseEmbedding();
  far.ids[5] = int64_t{1} << 31;
  CheckBackwardRefused(
      far, {"positions.data", far.ids[5], ROTARY_ERROR_POSITION, /*tensor=*/-1,
            /*token=*/5});
}

TEST_CASE("backward errors: tensors and fusions") {
  static rotary_cache cache;
  rotary_cache_init(&cache, sizeof(cache));
  CheckAllBackwardRefused({
      {"tensors[2].heads", [](B* b) { return b->tensors[2].heads = -1; }},
      {"tensors[1].input_pairing",
       [](B* b) { return b->tensors[1].input_pairing = 0; }},
      {"tensors[0].output_dtype",
       [](B* b) { return b->tensors[0].output_dtype = ROTARY_I8; }},
      {"tensors[1].output_head_stride",
       [](B* b) { return b->tensors[1].output_head_stride = 63; },
       ROTARY_ERROR_OVERLAP},
      {"tensors[2].head_dim",
       [](B* b) {
         b->apply.batch = 0;
         return b->tensors[2].head_dim = 4097;
       },
       ROTARY_ERROR_UNSUPPORTED},
      {"tensors[1].head_dim",
       [](B* b) {
         b->apply.batch = 0;
         return b->tensors[1].head_dim = 2049;
       },
       ROTARY_ERROR_UNSUPPORTED},
      {"fusions[2].rotates", [](B* b) { return b->fusions[2].rotates = 2; }},
      {"fusions[0].hadamard", [](B* b) { return b->fusions[0].hadamard = 32; }},
      {"fusions[0].norm.kind", [](B* b) { return b->q_norm.kind = 3; }},
      {"fusions[1].cache",
       [](B* b) {
         b->fusions[1].cache = &cache;
         return kNull;
       }},
      {"fusions[0].source",
       [](B* b) {
         b->fusions[0].source = &cache;
         return kNull;
       }},
      {"fusions[2].on_tile",
       [](B* b) {
         b->fusions[2].on_tile = NoTile;
         return kNull;
       }},
  });
}

TEST_CASE("backward errors: gradients") {
  CheckAllBackwardRefused({
      {"gradients[2].reserved",
       [](B* b) { return b->gradients[2].reserved = 1; }},
      {"gradients[1].input_dtype",
       [](B* b) { return b->gradients[1].input_dtype = ROTARY_I8; }},
      {"gradients[0].input",
       [](B* b) {
         b->gradients[0].input = nullptr;
         return kNull;
       }},
      {"gradients[1].input",
       [](B* b) { return Shift(&b->gradients[1].input); }},
      {"gradients[1].input_batch_stride",
       [](B* b) { return b->gradients[1].input_batch_stride = kFar; }},
      {"gradients[1].input_token_stride",
       [](B* b) { return b->gradients[1].input_token_stride = -kFar; }},
      {"gradients[0].input_head_stride",
       [](B* b) { return b->gradients[0].input_head_stride = kMax64; }},
      {"gradients[0].weight",
       [](B* b) { return Shift(&b->gradients[0].weight); }},
      {"gradients[0].bias", [](B* b) { return Shift(&b->gradients[0].bias); }},
      {"gradients[2].weight",
       [](B* b) {
         b->gradients[2].weight = b->k_weight.data();
         return kNull;
       }},
      {"gradients[2].bias",
       [](B* b) {
         b->gradients[2].bias = b->k_weight.data();
         return kNull;
       }},
      {"gradients[1].bias",
       [](B* b) {
         b->gradients[1].bias = b->q_bias.data();
         return kNull;
       }},
  });
  // Of different versions.
  for (int i = 0; i < 3; ++i) {
    B call;
    call.gradients[i].struct_size += 8;
    Wrong wrong = {"gradients[" + std::to_string(i) + "].struct_size"};
    wrong.status = ROTARY_ERROR_STRUCT_SIZE;
    wrong.tensor = i;
    CheckBackwardRefused(call, wrong);
  }
}

TEST_CASE("backward errors: overlaps") {
  // Each is named by what is written, at the address that spoil returns.
  struct Overlap {
    std::string argument;
    std::function<const void*(B*)> spoil;
  };
  const std::vector<Overlap> overlaps = {
      // What the forward pass took, in what is written.
      {"tensors[0].input",
       [](B* b) { return b->gradients[0].input = b->q.data(); }},
      {"tensors[1].output",
       [](B* b) { return b->gradients[0].input = b->k_out.data(); }},
      {"gradients[0].weight",
       [](B* b) { return b->gradients[1].input = b->q_weight.data(); }},
      // Two that are written.
      {"gradients[1].weight",
       [](B* b) { return b->gradients[1].weight = b->q_weight.data() + 64; }},
      {"gradients[0].bias",
       [](B* b) { return b->gradients[0].bias = b->q_weight.data(); }},
      {"gradients[1].weight",
       [](B* b) { return b->gradients[1].weight = b->k_out.data() + 1; }},
      {"scratch", [](B* b) { return b->args.scratch = b->k_out.data(); }},
      {"scratch", [](B* b) { return b->args.scratch = b->q_bias.data(); }},
      // What else is read.
      {"gradients[0].weight",
       [](B* b) { return b->gradients[0].weight = b->weight.data(); }},
      {"gradients[1].weight",
       [](B* b) { return b->gradients[1].weight = b->k.data(); }},
      {"gradients[0].bias",
       [](B* b) {
         b->gradients[0].bias = b->token_scales.data();
         return b->gradients[0].bias;
       }},
      {"scratch", [](B* b) { return b->args.scratch = b->k_input.data(); }},
      {"scratch", [](B* b) { return b->args.scratch = b->rows.get(); }},
  };
  for (const Overlap& overlap : overlaps) {
    B call;
    Wrong wrong = {overlap.argument};
    wrong.value = Address(overlap.spoil(&call));
    wrong.status = ROTARY_ERROR_OVERLAP;
    const size_t at = overlap.argument.find('[');
    if (at != std::string::npos) wrong.tensor = overlap.argument[at + 1] - '0';
    CheckBackwardRefused(call, wrong);
  }
  // Inputs may be shared.
  B shared;
  shared.gradients[0].input = shared.k_input.data();
  CheckBackwardAccepted(shared);
  B gradients;
  gradients.gradients[0].input = gradients.k.data();
  CheckBackwardAccepted(gradients);
}

}  // namespace
}  // namespace rotary_test
