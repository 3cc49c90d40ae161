// A norm and the rotation of whole heads have the bits of the norm alone, to
// f32, and of the rotation of that.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/effort.h"
#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

struct NormCase {
  rotary_dtype input;
  rotary_dtype output;
  rotary_dtype weight;
  rotary_pairing pairing;
  int64_t heads;
  int64_t head_dim;
  int32_t plus_one;
  int32_t transpose;
};

constexpr int64_t kTokens = 5;

// Elements of random bits, below 2.
std::vector<uint32_t> Elements(rotary_dtype dtype, int64_t count,
                               Random* random) {
  std::vector<uint32_t> memory(static_cast<size_t>(count));
  const uint32_t two = Nearest(dtype, 2.0);
  for (int64_t i = 0; i < count; ++i) {
    StoreBits(dtype, memory.data(), i,
              static_cast<uint32_t>(random->Bits()) & ~two);
  }
  return memory;
}

void CheckCase(const NormCase& c) {
  CAPTURE(c.input);
  CAPTURE(c.output);
  CAPTURE(c.weight);
  CAPTURE(c.pairing);
  CAPTURE(c.heads);
  CAPTURE(c.head_dim);
  CAPTURE(c.plus_one);
  CAPTURE(c.transpose);
  Random random(static_cast<uint64_t>(c.head_dim * 7 + c.heads));
  const int64_t count = kTokens * c.heads * c.head_dim;
  const std::vector<uint32_t> x = Elements(c.input, count, &random);
  const std::vector<uint32_t> weights = Elements(c.weight, c.head_dim, &random);
  const Embedding embedding = MakeEmbedding(c.head_dim, 10000, 1.5);
  const Rows rows =
      MakeRows(embedding.get(), {3, 100000, ROTARY_NO_POSITION_I64, 0, -77});
  rotary_norm norm;
  rotary_norm_init(&norm, sizeof(norm));
  norm.weight = weights.data();
  norm.weight_dtype = c.weight;
  norm.weight_plus_one = c.plus_one;
  const auto run = [&](const void* input, rotary_dtype from, void* output,
                       rotary_dtype to, bool norms, bool rotates,
                       const char* target) {
    rotary_tensor tensor;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = c.heads;
    tensor.head_dim = c.head_dim;
    tensor.input = input;
    tensor.input_dtype = from;
    tensor.input_pairing = c.pairing;
    tensor.output = output;
    tensor.output_dtype = to;
    const std::vector<rotary_tensor> tensors = {tensor};
    rotary_apply_args apply = MakeApplyArgs(1, kTokens, tensors);
    apply.rows = rows.get();
    apply.transpose = c.transpose;
    apply.target = target;
    apply.num_threads = 1;
    std::vector<rotary_fusion> fusions = {MakeFusion(rotates ? 1 : 0)};
    if (norms) fusions[0].norm = &norm;
    FuseOk(MakeFusedArgs(&apply, fusions));
  };
  std::vector<uint32_t> normed(x.size());
  std::vector<uint32_t> expected(x.size());
  run(x.data(), c.input, normed.data(), ROTARY_F32, true, false, nullptr);
  run(normed.data(), ROTARY_F32, expected.data(), c.output, false, true,
      nullptr);
  ForEachTarget([&](const char* target) {
    std::vector<uint32_t> got(x.size());
    run(x.data(), c.input, got.data(), c.output, true, true, target);
    CHECK(got == expected);
    if (ElementBytes(c.input) != ElementBytes(c.output)) return;
    std::vector<uint32_t> in_place = x;
    run(in_place.data(), c.input, in_place.data(), c.output, true, true,
        target);
    in_place.resize(x.size());
    for (int64_t i = 0; i < count; ++i) {
      REQUIRE(LoadBits(c.output, in_place.data(), i) ==
              LoadBits(c.output, expected.data(), i));
    }
  });
}

TEST_CASE("fused norm: rotated in one") {
  const std::vector<rotary_dtype> dtypes = {ROTARY_F32, ROTARY_F16,
                                            ROTARY_BF16};
  const std::vector<int64_t> some = {6, 40, 128};
  const std::vector<int64_t> all = {2,  4,  6,  8,  16,  30,  32, 40,
                                    62, 64, 66, 80, 128, 510, 512};
  Random random(1);
  for (const rotary_dtype input : dtypes) {
    for (const rotary_dtype output : dtypes) {
      for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
        for (const int64_t head_dim : Effort(some, all)) {
          CheckCase({input, output, random.Choose(dtypes), pairing,
                     random.Integer(1, 5), head_dim,
                     static_cast<int32_t>(random.Integer(0, 1)),
                     static_cast<int32_t>(random.Integer(0, 1))});
        }
      }
    }
  }
}

}  // namespace
}  // namespace rotary_test
