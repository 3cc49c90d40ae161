// Where the rotation of a fused pass comes from: the same bits from each, also
// with rows for each head, without any, and of nothing at all.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kBatch = 2;
constexpr int64_t kTokens = 70;  // more than go through a pass together
constexpr int64_t kCount = kBatch * kTokens;
constexpr int64_t kHeads = 3;
constexpr int64_t kDim = 128;
constexpr int64_t kRotaryDim = 96;
constexpr int64_t kPositions = 300;

std::vector<float> Floats(int64_t count, uint64_t seed) {
  Random random(seed);
  std::vector<float> floats;
  for (int64_t i = 0; i < count; ++i) floats.push_back(random.Float());
  return floats;
}

std::vector<int64_t> Counting(int64_t count) {
  std::vector<int64_t> numbers;
  for (int64_t i = 0; i < count; ++i) numbers.push_back(i);
  return numbers;
}

// What a pass has written.
struct Result {
  std::vector<float> plain;  // only rotated
  std::vector<float> normed;
  std::vector<int8_t> bytes;  // of a cache
  std::vector<float> scales;
  std::vector<uint16_t> values;  // of a cache, not rotated
};
bool operator==(const Result& a, const Result& b) {
  const auto same = [](const auto& x, const auto& y) {
    return std::memcmp(x.data(), y.data(), x.size() * sizeof(x[0])) == 0;
  };
  return same(a.plain, b.plain) && same(a.normed, b.normed) &&
         same(a.bytes, b.bytes) && same(a.scales, b.scales) &&
         same(a.values, b.values);
}

// A pass over four tensors of the same input, each with other steps.
struct Pass {
  Pass()
      : embedding(MakeEmbedding(kRotaryDim, 10000, 1.25)),
        input(Floats(kCount * kHeads * kDim, 1)),
        weight(Floats(kDim, 2)),
        slots(SlotsAt(kBatch, Counting(kCount), kCount)) {
    Random random(3);
    for (int64_t i = 0; i < kCount; ++i) {
      ids.push_back(random.Integer(0, kPositions - 1));
    }
    rotary_norm_init(&norm, sizeof(norm));
    norm.weight = weight.data();
  }

  // source(&args) says where the rotation comes from.
  Result Run(const std::function<void(rotary_apply_args*)>& source,
             const char* target = nullptr) {
    Result result = {std::vector<float>(input.size(), 7),
                     std::vector<float>(input.size(), 7),
                     std::vector<int8_t>(input.size(), 7),
                     std::vector<float>(kCount * kHeads, 7),
                     std::vector<uint16_t>(input.size(), 7)};
    rotary_tensor tensor;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = kHeads;
    tensor.head_dim = kDim;
    tensor.rotary_offset = 16;
    tensor.input = input.data();
    tensor.input_pairing = ROTARY_HALF;
    std::vector<rotary_tensor> tensors(4, tensor);
    tensors[0].output = result.plain.data();
    tensors[0].output_pairing = ROTARY_INTERLEAVED;
    tensors[1].output = result.normed.data();
    std::vector<rotary_fusion> fusions(4, MakeFusion());
    fusions[1].norm = fusions[2].norm = &norm;
    fusions[1].hadamard = 64;
    rotary_cache bytes = MakeCache(result.bytes.data(), ROTARY_I8);
    bytes.scale_kind = ROTARY_SCALES_MADE;
    bytes.scales = result.scales.data();
    fusions[2].cache = &bytes;
    rotary_cache values = MakeCache(result.values.data(), ROTARY_BF16);
    fusions[3].cache = &values;
    fusions[3].rotates = 0;
    rotary_apply_args apply = MakeApplyArgs(kBatch, kTokens, tensors);
    apply.target = target;
    apply.num_threads = 1;
    source(&apply);
    FuseOk(MakeFusedArgs(&apply, fusions, &slots));
    return result;
  }

  Embedding embedding;
  std::vector<float> input;
  std::vector<float> weight;
  OwnSlots slots;
  std::vector<int64_t> ids;
  rotary_norm norm;
};

// A caller's own cos and sin, in f32.
rotary_cos_sin CosSinOf(const RowValues& values) {
  rotary_cos_sin cos_sin;
  rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
  cos_sin.cos = values.cos.data();
  cos_sin.sin = values.sin.data();
  cos_sin.rotary_dim = 2 * values.pairs;
  cos_sin.rows = static_cast<int64_t>(values.cos.size()) / values.pairs;
  cos_sin.width = ROTARY_WIDTH_PAIRS;
  return cos_sin;
}

TEST_CASE("fused sources: the same bits from each") {
  for (const bool none : {false, true}) {
    CAPTURE(none);
    Pass pass;
    for (size_t i = 0; none && i < pass.ids.size(); i += 5) {
      pass.ids[i] = ROTARY_NO_POSITION_I64;
    }
    const Rows rows = MakeRows(pass.embedding.get(), pass.ids);
    const rotary_positions positions = MakePositions(pass.ids);
    const RowValues by_token = ReadRows(rows.get());
    const RowValues by_position =
        ReadRows(MakeRows(pass.embedding.get(), Counting(kPositions)).get());
    const rotary_cos_sin tokens = CosSinOf(by_token);
    const rotary_cos_sin table = CosSinOf(by_position);
    for (const int32_t transpose : {0, 1}) {
      CAPTURE(transpose);
      const auto kept = [&](rotary_apply_args* args) {
        args->rows = rows.get();
        args->transpose = transpose;
      };
      const Result expected = pass.Run(kept);
      // What is only rotated is what rotary_apply makes.
      std::vector<float> applied(pass.input.size(), 7);
      pass.Run([&](rotary_apply_args* args) {
        kept(args);
        rotary_tensor tensor = args->tensors[0];
        tensor.output = applied.data();
        rotary_apply_args one = *args;
        one.tensors = &tensor;
        one.num_tensors = 1;
        ApplyOk(one);
      });
      CHECK(std::memcmp(applied.data(), expected.plain.data(),
                        applied.size() * sizeof(float)) == 0);
      ForEachTarget([&](const char* target) {
        CHECK(pass.Run(kept, target) == expected);
        CHECK(pass.Run(
                  [&](rotary_apply_args* args) {
                    args->embedding = pass.embedding.get();
                    args->positions = &positions;
                    args->transpose = transpose;
                  },
                  target) == expected);
        CHECK(pass.Run(
                  [&](rotary_apply_args* args) {
                    args->cos_sin = &table;
                    args->positions = &positions;
                    args->transpose = transpose;
                  },
                  target) == expected);
        // These have no tokens without position: cos 1, sin 0 is the same but
        // for the zeros' signs, of which there are none.
        CHECK(pass.Run(
                  [&](rotary_apply_args* args) {
                    args->cos_sin = &tokens;
                    args->transpose = transpose;
                  },
                  target) == expected);
      });
    }
  }
}

TEST_CASE("fused sources: padding of packed positions is left alone") {
  Pass pass;
  // Of a batch of 1: two sequences, and tokens before, between and behind.
  const std::vector<int64_t> starts = {5, 200};
  const std::vector<int64_t> ends = {3, 40, 130};
  rotary_positions packed = MakePositions(starts);
  packed.kind = ROTARY_POSITION_PACKED;
  packed.cu_seqlens = ends.data();
  packed.cu_seqlens_dtype = ROTARY_I64;
  packed.num_sequences = 2;
  for (int64_t t = 0; t < kCount; ++t) {
    pass.ids[static_cast<size_t>(t)] = t < 40 ? 5 + t - 3 : 200 + t - 40;
  }
  pass.ids[0] = pass.ids[1] = pass.ids[2] = 0;
  pass.slots = SlotsAt(1, Counting(kCount), kCount);
  const rotary_positions positions = MakePositions(pass.ids);
  const RowValues table =
      ReadRows(MakeRows(pass.embedding.get(), Counting(kPositions)).get());
  const rotary_cos_sin cos_sin = CosSinOf(table);
  const auto run = [&](const rotary_positions* at, bool own) {
    return pass.Run([&](rotary_apply_args* args) {
      args->batch = 1;
      args->tokens = kCount;
      args->positions = at;
      if (own) {
        args->cos_sin = &cos_sin;
      } else {
        args->embedding = pass.embedding.get();
      }
    });
  };
  Result expected = run(&positions, false);
  const auto blank = [](auto* all) {
    const auto size = static_cast<ptrdiff_t>(all->size()) / kCount;
    std::fill_n(all->begin(), 3 * size, 7);
    std::fill(all->begin() + 130 * size, all->end(), 7);
  };
  blank(&expected.plain);
  blank(&expected.normed);
  blank(&expected.bytes);
  blank(&expected.scales);
  blank(&expected.values);
  CHECK(run(&packed, false) == expected);
  CHECK(run(&packed, true) == expected);
}

}  // namespace
}  // namespace rotary_test
