// Dimensions of size 0 and 1: their strides are never used, whatever they are,
// and of tensors without heads nothing is, which may be NULL.  What an address
// is made of is seen by UndefinedBehaviorSanitizer.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fused/fused_calls.h"
#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kRotaryDim = 20;
constexpr int64_t kRotaryOffset = 4;
constexpr int64_t kHeadDim = 40;
constexpr int64_t kMostElements = 2 * 2 * 2 * kHeadDim;
constexpr int64_t kStrides[] = {INT64_MAX, INT64_MAX - 1, -INT64_MAX,
                                int64_t{1} << 62, int64_t{3} << 60};
constexpr rotary_dtype kDtypes[] = {ROTARY_F32, ROTARY_F16, ROTARY_BF16};
constexpr rotary_pairing kPairings[] = {ROTARY_HALF, ROTARY_INTERLEAVED};

using Elements = std::vector<uint32_t>;  // room for any dtype

// 1.0 in any dtype, or the half of it that is not zero.
Elements Ones(rotary_dtype dtype) {
  Elements elements(kMostElements);
  for (int64_t i = 0; i < kMostElements; ++i) {
    StoreBits(dtype, elements.data(), i, Nearest(dtype, 1));
  }
  return elements;
}

// The stride of a dimension that has none.
int64_t Unused(int64_t size, int64_t stride) {
  return size < 2 ? stride : ROTARY_DENSE;
}

rotary_tensor MakeTensor(int64_t batch, int64_t tokens, int64_t heads,
                         int64_t stride) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = heads;
  tensor.head_dim = kHeadDim;
  tensor.rotary_offset = kRotaryOffset;
  tensor.input_batch_stride = Unused(batch, stride);
  tensor.input_token_stride = Unused(tokens, stride);
  tensor.input_head_stride = Unused(heads, stride);
  tensor.output_batch_stride = Unused(batch, stride);
  tensor.output_token_stride = Unused(tokens, stride);
  tensor.output_head_stride = Unused(heads, stride);
  return tensor;
}

template <typename Each>
void ForEachFormat(const Each& each) {
  for (const rotary_dtype input : kDtypes) {
    for (const rotary_dtype output : kDtypes) {
      for (const rotary_pairing from : kPairings) {
        for (const rotary_pairing to : kPairings) each(input, output, from, to);
      }
    }
  }
}

TEST_CASE("unused dimensions: plain calls") {
  const Embedding embedding = MakeEmbedding(kRotaryDim);
  // The second token of each is not rotated: it is copied whole.
  const std::vector<int64_t> ids = {5, ROTARY_NO_POSITION_I64, 7,
                                    ROTARY_NO_POSITION_I64};
  const rotary_positions positions = MakePositions(ids);
  const Rows rows = MakeRows(embedding.get(), ids);
  ForEachFormat([&](rotary_dtype input, rotary_dtype output,
                    rotary_pairing from, rotary_pairing to) {
    const Elements x = Ones(input);
    for (int i = 0; i < 8; ++i) {
      const int64_t batch = 1 + (i & 1);
      const int64_t tokens = 1 + (i >> 1 & 1);
      const int64_t heads = 1 + (i >> 2 & 1);
      CAPTURE(i);
      const auto run = [&](const char* target, int64_t stride, bool in_place) {
        Elements y = in_place ? x : Elements(x.size());
        Elements none = x;
        // Before, between and behind tensors without heads.
        std::vector<rotary_tensor> tensors = {
            MakeTensor(batch, tokens, 0, stride),
            MakeTensor(batch, tokens, heads, stride),
            MakeTensor(batch, tokens, 0, stride),
            MakeTensor(batch, tokens, 0, stride)};
        tensors[1].input = in_place ? y.data() : x.data();
        tensors[1].output = in_place ? nullptr : y.data();
        for (rotary_tensor& tensor : tensors) {
          tensor.input_dtype = input;
          tensor.input_pairing = from;
          if (in_place && input != output) continue;
          tensor.output_dtype = output;
          tensor.output_pairing = to;
        }
        if (in_place) tensors[1].output = y.data();
        rotary_apply_args args = MakeApplyArgs(batch, tokens, tensors);
        args.target = target;
        if (in_place) {
          args.rows = rows.get();
        } else {
          args.embedding = embedding.get();
          args.positions = &positions;
        }
        ApplyOk(args);
        return y;
      };
      ForEachTarget([&](const char* target) {
        for (const bool in_place : {false, true}) {
          CAPTURE(in_place);
          const Elements dense = run(target, ROTARY_DENSE, in_place);
          CHECK(dense != (in_place ? x : Elements(x.size())));
          for (const int64_t stride : kStrides) {
            CAPTURE(stride);
            CHECK(run(target, stride, in_place) == dense);
          }
        }
      });
    }
  });
}

TEST_CASE("unused dimensions: fused passes") {
  const Embedding embedding = MakeEmbedding(kRotaryDim);
  const std::vector<int64_t> ids = {5, ROTARY_NO_POSITION_I64};
  const rotary_positions positions = MakePositions(ids);
  rotary_norm norm;
  rotary_norm_init(&norm, sizeof(norm));
  const Elements x = Ones(ROTARY_F32);
  for (const bool has_norm : {false, true}) {
    for (const bool has_source : {false, true}) {
      for (const bool has_cache : {false, true}) {
        for (const int64_t tokens : {1, 2}) {
          CAPTURE(has_norm);
          CAPTURE(has_source);
          CAPTURE(has_cache);
          CAPTURE(tokens);
          const OwnSlots slots =
              SlotsAt(1, {ids.begin(), ids.begin() + tokens}, 6);
          const auto run = [&](const char* target, int64_t stride) {
            Elements y(8 * kMostElements);
            Elements data(8 * kMostElements, x[0]);
            rotary_cache cache = MakeCache(y.data(), ROTARY_F32);
            rotary_cache source = MakeCache(data.data(), ROTARY_F32);
            cache.head_stride = source.head_stride = stride;
            cache.block_stride = source.block_stride = stride;
            std::vector<rotary_tensor> tensors = {
                MakeTensor(1, tokens, 0, stride),
                MakeTensor(1, tokens, 1, stride)};
            std::vector<rotary_fusion> fusions(2, MakeFusion());
            if (!has_source) tensors[1].input = x.data();
            if (!has_cache) tensors[1].output = y.data();
            for (rotary_tensor& tensor : tensors) {
              tensor.input_pairing = ROTARY_HALF;
            }
            if (has_norm) fusions[0].norm = fusions[1].norm = &norm;
            if (has_source) fusions[1].source = &source;
            if (has_cache) fusions[1].cache = &cache;
            rotary_apply_args args = MakeApplyArgs(1, tokens, tensors);
            args.embedding = embedding.get();
            args.positions = &positions;
            args.target = target;
            rotary_fused_args fused = MakeFusedArgs(&args, fusions, &slots);
            fused.source_slots = slots.get();
            FuseOk(fused);
            return y;
          };
          ForEachTarget([&](const char* target) {
            const Elements dense = run(target, ROTARY_DENSE);
            CHECK(dense != Elements(dense.size()));
            for (const int64_t stride : kStrides) {
              CAPTURE(stride);
              CHECK(run(target, stride) == dense);
            }
          });
        }
      }
    }
  }
}

}  // namespace
}  // namespace rotary_test
