// Fused passes with rows for each head, without rows, and of nothing at all.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kBatch = 2;
constexpr int64_t kTokens = 5;
constexpr int64_t kCount = kBatch * kTokens;

std::vector<float> Floats(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> floats;
  for (int64_t i = 0; i < count; ++i) floats.push_back(random.Float());
  return floats;
}

bool SameBytes(const void* a, const void* b, size_t bytes) {
  return std::memcmp(a, b, bytes) == 0;
}

std::vector<int64_t> Counting(int64_t count) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

// Rows of an embedding with `heads`, of [kBatch][kTokens], one token without
// position, and some heads of others.
struct HeadRows {
  HeadRows(int64_t rotary_dim, int64_t heads) {
    rotary_embedding_config config;
    rotary_embedding_config_init(&config, sizeof(config));
    config.rotary_dim = rotary_dim;
    config.heads = heads;
    embedding = EmbeddingOf(config);
    std::vector<int64_t> ids = {4,      9, 0, ROTARY_NO_POSITION_I64, 1, 7, 8,
                                100000, 6, 2};
    const rotary_positions positions = MakePositions(ids);
    rotary_rows* made = nullptr;
    rotary_error error;
    RequireOk(
        rotary_rows_create(embedding.get(), kCount * heads, &made, &error),
        error);
    rows = Rows(made);
    rotary_rows_args args = MakeRowsArgs(embedding.get(), &positions, kTokens);
    args.batch = kBatch;
    SetRowsOk(made, args);
    // Of some heads only.
    const Embedding one = MakeEmbedding(rotary_dim);
    const std::vector<int64_t> none = {ROTARY_NO_POSITION_I64};
    const rotary_positions nowhere = MakePositions(none);
    args = MakeRowsArgs(one.get(), &nowhere, 1);
    for (int64_t row = 5; row < kCount * heads; row += 7) {
      args.first_row = row;
      SetRowsOk(made, args);
    }
  }

  Embedding embedding;
  Rows rows;
};

// The rows of heads from `head` on.
void UseRows(const HeadRows& rows, int64_t heads, int64_t head, int64_t step,
             rotary_apply_args* args) {
  args->rows = rows.rows.get();
  args->first_row = head;
  args->row_batch_stride = kTokens * heads;
  args->row_token_stride = heads;
  args->row_head_stride = step;
}

// Tensors of `heads` heads against a call for each of them.
void CheckRowsOfHeads(int64_t heads, int64_t head_dim, const char* target) {
  CAPTURE(heads);
  CAPTURE(head_dim);
  const HeadRows rows(64, heads);
  const std::vector<float> input = Floats(kCount * heads * head_dim, 5);
  const size_t bytes = input.size() * sizeof(float);
  std::vector<float> expected(input.size());
  std::vector<float> normed(input.size());
  const std::vector<float> weight = Floats(head_dim, 6);
  rotary_norm norm;
  rotary_norm_init(&norm, sizeof(norm));
  norm.weight = weight.data();
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.head_dim = head_dim;
  tensor.rotary_offset = head_dim - 64;
  tensor.input_pairing = ROTARY_HALF;
  for (int64_t h = 0; h < heads; ++h) {
    std::vector<rotary_tensor> one(1, tensor);
    one[0].input = input.data() + h * head_dim;
    one[0].output = expected.data() + h * head_dim;
    one[0].input_token_stride = one[0].output_token_stride = heads * head_dim;
    one[0].input_batch_stride = one[0].output_batch_stride =
        kTokens * heads * head_dim;
    rotary_apply_args args = MakeApplyArgs(kBatch, kTokens, one);
    args.target = target;
    UseRows(rows, heads, h, 0, &args);
    ApplyOk(args);
    // The norm has a head by itself too.
    std::vector<rotary_fusion> fusion(1, MakeFusion());
    fusion[0].norm = &norm;
    one[0].output = normed.data() + h * head_dim;
    FuseOk(MakeFusedArgs(&args, fusion));
  }
  std::vector<float> plain(input.size());
  std::vector<float> apart(input.size());  // [head][element][slot]
  std::vector<float> to_norm(input.size());
  rotary_cache cache = MakeCache(apart.data(), ROTARY_F32);
  cache.slot_stride = 1;
  cache.element_stride = kCount;
  cache.head_stride = head_dim * kCount;
  const OwnSlots slots = SlotsAt(kBatch, Counting(kCount), kCount);
  tensor.heads = heads;
  tensor.input = input.data();
  std::vector<rotary_tensor> tensors(3, tensor);
  tensors[0].output = plain.data();
  tensors[2].output = to_norm.data();
  std::vector<rotary_fusion> fusions(3, MakeFusion());
  fusions[1].cache = &cache;
  fusions[2].norm = &norm;
  rotary_apply_args args = MakeApplyArgs(kBatch, kTokens, tensors);
  args.target = target;
  UseRows(rows, heads, 0, 1, &args);
  FuseOk(MakeFusedArgs(&args, fusions, &slots));
  CHECK(SameBytes(plain.data(), expected.data(), bytes));
  CHECK(SameBytes(to_norm.data(), normed.data(), bytes));
  for (int64_t i = 0; i < static_cast<int64_t>(apart.size()); ++i) {
    const int64_t slot = i / (heads * head_dim);
    const int64_t rest = i % (heads * head_dim);
    REQUIRE(BitsFromFloat(apart[static_cast<size_t>(rest * kCount + slot)]) ==
            BitsFromFloat(expected[static_cast<size_t>(i)]));
  }
}

TEST_CASE("fused passes: rows for each head") {
  ForEachTarget([](const char* target) {
    CheckRowsOfHeads(4, 64, target);
    CheckRowsOfHeads(1, 80, target);
    // More than a tile holds.
    CheckRowsOfHeads(70, 72, target);
    CheckRowsOfHeads(3, 4096, target);
  });
}

TEST_CASE("fused passes: without rows") {
  constexpr int64_t kHeads = 5;
  constexpr int64_t kDim = 64;
  const std::vector<float> input = Floats(kCount * kHeads * kDim, 7);
  const std::vector<float> weight = Floats(kDim, 8);
  const Embedding embedding = MakeEmbedding(32);
  const std::vector<int64_t> ids = Counting(kCount);
  const Rows rows = MakeRows(embedding.get(), ids);
  const OwnSlots slots = SlotsAt(kBatch, ids, kCount);
  rotary_norm norm;
  rotary_norm_init(&norm, sizeof(norm));
  norm.weight = weight.data();
  // Where a norm "after the rotation" is after nothing.
  for (const int32_t after : {0, 1}) {
    norm.after_rotation = after;
    std::vector<std::vector<uint16_t>> results;
    for (const bool given : {false, true}) {
      std::vector<uint16_t> data(input.size(), 7);
      const rotary_cache cache = MakeCache(data.data(), ROTARY_BF16);
      std::vector<rotary_tensor> tensors(1);
      rotary_tensor_init(tensors.data(), sizeof(rotary_tensor));
      tensors[0].heads = kHeads;
      tensors[0].head_dim = kDim;
      tensors[0].input = input.data();
      // Not used of what is not rotated.
      tensors[0].rotary_offset = -3;
      tensors[0].input_pairing = 77;
      std::vector<rotary_fusion> fusions(1, MakeFusion(0));
      fusions[0].norm = &norm;
      fusions[0].cache = &cache;
      rotary_apply_args args = MakeApplyArgs(kBatch, kTokens, tensors);
      if (given) args.rows = rows.get();
      FuseOk(MakeFusedArgs(&args, fusions, &slots));
      results.push_back(data);
    }
    CHECK(results[0] == results[1]);
  }
}

TEST_CASE("fused passes: of nothing") {
  const Embedding embedding = MakeEmbedding(32);
  const std::vector<int64_t> ids = Counting(kCount);
  const rotary_positions positions = MakePositions(ids);
  const OwnSlots slots = SlotsAt(kBatch, ids, kCount);
  std::vector<rotary_tensor> tensors(2);
  for (rotary_tensor& tensor : tensors) {
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.head_dim = 64;
    tensor.input_pairing = ROTARY_HALF;
  }
  rotary_norm norm;
  rotary_norm_init(&norm, sizeof(norm));
  rotary_cache cache = MakeCache(nullptr, ROTARY_BF16);
  std::vector<rotary_fusion> fusions(2, MakeFusion());
  fusions[0].norm = &norm;
  fusions[1].cache = &cache;
  rotary_apply_args args = MakeApplyArgs(kBatch, kTokens, tensors);
  args.embedding = embedding.get();
  args.positions = &positions;
  SUBCASE("no heads") {
    tensors[0].heads = tensors[1].heads = 0;
    FuseOk(MakeFusedArgs(&args, fusions, &slots));
    std::vector<rotary_fusion> tile(2, MakeFusion());
    tile[0].on_tile = tile[1].on_tile = [](void*, const rotary_tile*) {
      FAIL("a tile of nothing");
    };
    FuseOk(MakeFusedArgs(&args, tile));
  }
  SUBCASE("no tokens") {
    args.tokens = 0;
    fusions[1].cache = nullptr;
    FuseOk(MakeFusedArgs(&args, fusions));
    args.batch = 0;
    args.tokens = kTokens;
    FuseOk(MakeFusedArgs(&args, fusions));
  }
  SUBCASE("no heads, and rows that are nowhere") {
    const Rows rows = MakeRows(embedding.get(), {1});
    args.embedding = nullptr;
    args.positions = nullptr;
    args.rows = rows.get();
    tensors[0].heads = tensors[1].heads = 0;
    for (const int64_t where : {INT64_MAX, -INT64_MAX}) {
      args.first_row = where;
      args.row_batch_stride = args.row_token_stride = where;
      args.row_head_stride = where;
      FuseOk(MakeFusedArgs(&args, fusions, &slots));
    }
  }
  SUBCASE("no slots") {
    const OwnSlots none = SlotsAt(kBatch, std::vector<int64_t>(kCount, -1), 0);
    const std::vector<float> input(kCount * 64, 1.0f);
    tensors[1].input = input.data();
    args.tensors = &tensors[1];
    args.num_tensors = 1;
    fusions[0] = fusions[1];
    FuseOk(MakeFusedArgs(&args, fusions, &none));
  }
  SUBCASE("no tensors") {
    args.num_tensors = 0;
    args.tensors = nullptr;
    rotary_fused_args fused = MakeFusedArgs(&args, fusions);
    fused.fusions = nullptr;
    FuseOk(fused);
  }
  SUBCASE("no tokens of a range") {
    fusions[0].first_token = kTokens;
    fusions[1].num_tokens = 0;
    fusions[1].cache = nullptr;
    FuseOk(MakeFusedArgs(&args, fusions));
  }
}

}  // namespace
}  // namespace rotary_test
