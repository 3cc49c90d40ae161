// Tiles: every head reaches the function exactly once, with the very bits that
// the same fusion stores in a tensor or a cache.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr size_t kMostBytes = 16384;

// Of so many elements.
size_t BytesOf(rotary_dtype dtype, int64_t elements) {
  const auto count = static_cast<size_t>(elements);
  switch (dtype) {
    case ROTARY_F32:
      return 4 * count;
    case ROTARY_F16:
    case ROTARY_BF16:
      return 2 * count;
    case ROTARY_Q8_0:
      return count / 32 * 34;
    default:
      return count;
  }
}

// One tensor of a pass, with memory for [batch][tokens][heads].
struct Part {
  int64_t heads;
  int64_t head_dim;
  rotary_dtype dtype;
  rotary_tensor tensor;
  rotary_fusion fusion;
  std::vector<uint32_t> input;
  std::vector<uint8_t> stored;
  std::vector<float> stored_scales;
  std::vector<uint8_t> taken;
  std::vector<float> taken_scales;
  std::vector<int> times;  // that each head was taken
};

struct Pass {
  int64_t batch;
  int64_t tokens;
  std::vector<Part> parts;
  std::mutex mutex;
  bool good;  // all that was taken is in range
};

bool InRange(int64_t first, int64_t count, int64_t size) {
  return first >= 0 && count >= 1 && first + count <= size;
}

// A rotary_tile_function.
void Take(void* user, const rotary_tile* tile) {
  Pass* pass = static_cast<Pass*>(user);
  const std::lock_guard<std::mutex> lock(pass->mutex);
  const auto parts = static_cast<int64_t>(pass->parts.size());
  pass->good &= tile->struct_size == sizeof(*tile) &&
                InRange(tile->tensor, 1, parts) &&
                InRange(tile->batch, 1, pass->batch) &&
                InRange(tile->token, tile->tokens, pass->tokens);
  if (!pass->good) return;
  Part& part = pass->parts[static_cast<size_t>(tile->tensor)];
  const size_t head_bytes = BytesOf(part.dtype, part.head_dim);
  const bool scales = part.dtype == ROTARY_I8;
  pass->good &= InRange(tile->head, tile->heads, part.heads) &&
                tile->head_dim == part.head_dim &&
                static_cast<size_t>(tile->tokens * tile->heads) * head_bytes <=
                    kMostBytes &&
                (tile->scales != nullptr) == scales;
  if (!pass->good) return;
  for (int64_t i = 0; i < tile->tokens * tile->heads; ++i) {
    const int64_t token =
        tile->batch * pass->tokens + tile->token + i / tile->heads;
    const auto at =
        static_cast<size_t>(token * part.heads + tile->head + i % tile->heads);
    ++part.times[at];
    std::memcpy(&part.taken[at * head_bytes],
                static_cast<const uint8_t*>(tile->data) +
                    static_cast<size_t>(i) * head_bytes,
                head_bytes);
    if (scales) part.taken_scales[at] = tile->scales[i];
  }
}

// A part with random numbers of any dtype.
Part MakePart(const Pass& pass, int64_t heads, int64_t head_dim,
              rotary_dtype dtype, Random* random) {
  Part part = {};
  part.heads = heads;
  part.head_dim = head_dim;
  part.dtype = dtype;
  const int64_t count = pass.batch * pass.tokens * heads;
  const rotary_dtype from = random->Choose(Dtypes());
  part.input.resize(static_cast<size_t>(count * head_dim));
  // Without a bit of its exponent a number is less than 2.
  const uint32_t two = Nearest(from, 2.0);
  for (int64_t i = 0; i < count * head_dim; ++i) {
    StoreBits(from, part.input.data(), i,
              static_cast<uint32_t>(random->Bits()) & ~two);
  }
  rotary_tensor_init(&part.tensor, sizeof(part.tensor));
  part.tensor.heads = heads;
  part.tensor.head_dim = head_dim;
  part.tensor.input_dtype = from;
  part.tensor.input_pairing = ROTARY_INTERLEAVED;
  part.fusion = MakeFusion();
  part.stored.assign(BytesOf(dtype, count * head_dim), 0xA5);
  part.taken.assign(part.stored.size(), 0x5A);
  part.stored_scales.assign(static_cast<size_t>(count), 1);
  part.taken_scales.assign(static_cast<size_t>(count), 2);
  return part;
}

// Runs the pass to memory: numbers to a tensor, or to a cache in which each
// token has the slot of its number, bytes to one.
void Store(Pass* pass, rotary_apply_args apply) {
  std::vector<rotary_tensor> tensors;
  std::vector<rotary_fusion> fusions;
  std::vector<rotary_cache> caches(pass->parts.size());
  std::vector<int64_t> ids;
  for (int64_t i = 0; i < pass->batch * pass->tokens; ++i) ids.push_back(i);
  for (size_t i = 0; i < pass->parts.size(); ++i) {
    Part& part = pass->parts[i];
    tensors.push_back(part.tensor);
    tensors[i].input = part.input.data();
    fusions.push_back(part.fusion);
    if (part.dtype <= ROTARY_BF16) {
      tensors[i].output = part.stored.data();
      tensors[i].output_dtype = part.dtype;
      continue;
    }
    caches[i] = MakeCache(part.stored.data(), part.dtype);
    caches[i].pairing = part.tensor.output_pairing;
    if (part.dtype == ROTARY_I8) {
      caches[i].scale_kind = ROTARY_SCALES_MADE;
      caches[i].scales = part.stored_scales.data();
    }
    fusions[i].cache = &caches[i];
  }
  const OwnSlots slots =
      SlotsAt(pass->batch, ids, static_cast<int64_t>(ids.size()));
  apply.tensors = tensors.data();
  apply.num_tensors = static_cast<int64_t>(tensors.size());
  apply.num_threads = 1;
  FuseOk(MakeFusedArgs(&apply, fusions, &slots));
}

// The same by tiles, compared with that.
void TakeAndCompare(Pass* pass, rotary_apply_args apply) {
  std::vector<rotary_tensor> tensors;
  std::vector<rotary_fusion> fusions;
  for (Part& part : pass->parts) {
    part.times.assign(part.taken_scales.size(), 0);
    tensors.push_back(part.tensor);
    tensors.back().input = part.input.data();
    tensors.back().output_dtype = part.dtype;
    fusions.push_back(part.fusion);
    fusions.back().on_tile = Take;
    fusions.back().user = pass;
  }
  apply.tensors = tensors.data();
  apply.num_tensors = static_cast<int64_t>(tensors.size());
  pass->good = true;
  FuseOk(MakeFusedArgs(&apply, fusions));
  REQUIRE(pass->good);
  for (size_t i = 0; i < pass->parts.size(); ++i) {
    const Part& part = pass->parts[i];
    CAPTURE(i);
    CAPTURE(part.dtype);
    CAPTURE(part.heads);
    CAPTURE(part.head_dim);
    REQUIRE(part.times == std::vector<int>(part.times.size(), 1));
    CHECK(std::memcmp(part.taken.data(), part.stored.data(),
                      part.taken.size()) == 0);
    if (part.dtype == ROTARY_I8) {
      CHECK(part.taken_scales == part.stored_scales);
    }
  }
}

const std::vector<rotary_dtype>& AllDtypes() {
  static const std::vector<rotary_dtype> all = {
      ROTARY_F32,     ROTARY_F16,     ROTARY_BF16, ROTARY_I8,
      ROTARY_F8_E4M3, ROTARY_F8_E5M2, ROTARY_Q8_0};
  return all;
}

TEST_CASE("tiles: the same bits as in memory") {
  struct Size {
    int64_t heads, head_dim;
  };
  const Embedding embedding = MakeEmbedding(64);
  Random random(11);
  const std::vector<Size> sizes = {{1, 64},  {5, 64},   {70, 64},
                                   {3, 192}, {33, 128}, {2, 2048}};
  for (const Size& size : sizes) {
    Pass pass = {2, 4, {}, {}, true};
    std::vector<float> weight;
    for (int64_t i = 0; i < size.heads * size.head_dim; ++i) {
      weight.push_back(random.Float());
    }
    rotary_norm norms[4];  // of a head or of all, first or after
    for (int i = 0; i < 4; ++i) {
      rotary_norm_init(&norms[i], sizeof(norms[i]));
      norms[i].weight = weight.data();
      norms[i].after_rotation = i % 2;
      norms[i].all_heads = i / 2;
    }
    for (const rotary_dtype dtype : AllDtypes()) {
      Part part = MakePart(pass, size.heads, size.head_dim, dtype, &random);
      const int64_t kind = random.Integer(0, 5);
      if (kind <= 3) part.fusion.norm = &norms[kind];
      if (kind == 4) part.fusion.rotates = 0;
      if (random.Integer(0, 1) == 0) {
        part.tensor.output_pairing = ROTARY_HALF;
      }
      if (random.Integer(0, 1) == 0) part.fusion.hadamard = 64;
      if (random.Integer(0, 1) == 0) part.fusion.scale = 0.75;
      pass.parts.push_back(part);
    }
    std::vector<int64_t> ids = RandomPositions(pass.batch * pass.tokens, 12);
    ids[7] = ROTARY_NO_POSITION_I64;
    const rotary_positions positions = MakePositions(ids);
    rotary_apply_args apply;
    rotary_apply_args_init(&apply, sizeof(apply));
    apply.batch = pass.batch;
    apply.tokens = pass.tokens;
    apply.embedding = embedding.get();
    apply.positions = &positions;
    Store(&pass, apply);
    ForEachTarget([&](const char* target) {
      apply.target = target;
      apply.num_threads = 1;
      TakeAndCompare(&pass, apply);
    });
    apply.target = nullptr;
    for (const int32_t num_threads : {0, 3}) {
      apply.num_threads = num_threads;
      TakeAndCompare(&pass, apply);
    }
  }
}

TEST_CASE("tiles: ranges of tokens, and what is in no sequence") {
  const Embedding embedding = MakeEmbedding(64);
  Random random(13);
  Pass pass = {1, 40, {}, {}, true};
  for (int i = 0; i < 2; ++i) {
    pass.parts.push_back(MakePart(pass, 3, 64, ROTARY_BF16, &random));
    pass.parts[static_cast<size_t>(i)].fusion.rotates = i;
  }
  pass.parts[1].fusion.first_token = 10;
  pass.parts[1].fusion.num_tokens = 25;
  const std::vector<int64_t> ends = {2, 20, 33};
  rotary_positions packed;
  rotary_positions_init(&packed, sizeof(packed));
  packed.kind = ROTARY_POSITION_PACKED;
  packed.cu_seqlens = ends.data();
  packed.cu_seqlens_dtype = ROTARY_I64;
  packed.num_sequences = 2;
  std::vector<rotary_tensor> tensors;
  std::vector<rotary_fusion> fusions;
  for (Part& part : pass.parts) {
    part.times.assign(part.taken_scales.size(), 0);
    tensors.push_back(part.tensor);
    tensors.back().input = part.input.data();
    tensors.back().output_dtype = part.dtype;
    fusions.push_back(part.fusion);
    fusions.back().on_tile = Take;
    fusions.back().user = &pass;
  }
  rotary_apply_args apply = MakeApplyArgs(pass.batch, pass.tokens, tensors);
  apply.embedding = embedding.get();
  apply.positions = &packed;
  FuseOk(MakeFusedArgs(&apply, fusions));
  REQUIRE(pass.good);
  for (size_t at = 0; at < pass.parts[0].times.size(); ++at) {
    const size_t token = at / 3;
    const bool packs = token >= 2 && token < 33;
    CHECK(pass.parts[0].times[at] == (packs ? 1 : 0));
    CHECK(pass.parts[1].times[at] == (packs && token >= 10 ? 1 : 0));
  }
}

}  // namespace
}  // namespace rotary_test
