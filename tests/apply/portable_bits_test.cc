// The same bits on every platform: on each target of each processor the results
// of some calls of every kind have the hash that is written here.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/fused/backward_case.h"
#include "tests/fused/fused_case.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// FNV-1a, of bytes in the order of their significance.
class Hash {
 public:
  void Add(const std::vector<uint8_t>& bytes) {
    for (const uint8_t byte : bytes) Add(byte, 1);
  }
  void Add(const std::vector<float>& values) {
    for (const float value : values) Add(BitsFromFloat(value), sizeof(value));
  }
  void Add(uint64_t bits, size_t bytes) {
    for (size_t i = 0; i < bytes; ++i) {
      value_ = (value_ ^ (bits >> 8 * i & 0xff)) * 0x100000001b3u;
    }
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325u;
};

std::vector<int64_t> SomePositions() {
  std::vector<int64_t> positions = {
      0, 1, -1, 2147483647, -2147483647, ROTARY_NO_POSITION_I64};
  Random random(11);
  for (int i = 0; i < 60; ++i) {
    positions.push_back(random.Integer(-(1 << 20), 1 << 20));
  }
  return positions;
}

TEST_CASE("portable bits: rows") {
  const std::vector<int64_t> ids = SomePositions();
  const rotary_positions positions = MakePositions(ids);
  ForEachTarget([&](const char* target) {
    Hash hash;
    for (const int64_t rotary_dim : {2, 10, 64, 128, 254}) {
      for (const rotary_arithmetic arithmetic :
           {ROTARY_EXACT, ROTARY_COMPATIBLE_HF, ROTARY_COMPATIBLE_GGML}) {
        rotary_embedding_config config;
        rotary_embedding_config_init(&config, sizeof(config));
        config.rotary_dim = rotary_dim;
        config.base = 500000;
        config.gain = 1.138629436;
        config.arithmetic = arithmetic;
        const Embedding embedding = EmbeddingOf(config);
        Rows rows = MakeRows(embedding.get(), ids);
        rotary_rows_args args = MakeRowsArgs(embedding.get(), &positions,
                                             static_cast<int64_t>(ids.size()));
        args.target = target;
        SetRowsOk(rows.get(), args);
        const RowValues values = ReadRows(rows.get());
        hash.Add(values.cos);
        hash.Add(values.sin);
      }
    }
    CHECK(hash.value() == 0x77f7e7ad45bfd203u);
  });
}

TEST_CASE("portable bits: plain calls") {
  const std::vector<int64_t> ids = SomePositions();
  const rotary_positions positions = MakePositions(ids);
  const auto tokens = static_cast<int64_t>(ids.size());
  ForEachTarget([&](const char* target) {
    Hash hash;
    for (const Formats& formats : AllFormats()) {
      for (const int64_t rotary_dim : {2, 6, 34, 64, 128}) {
        const Embedding embedding = MakeEmbedding(rotary_dim);
        const Shape shape{1, tokens, 3, rotary_dim + 5};
        StridedTensor input(formats.from, shape, StridesOf(shape));
        const StridedTensor output(formats.to, shape, StridesOf(shape));
        input.FillRandom(static_cast<uint64_t>(rotary_dim));
        const std::vector<rotary_tensor> tensors = {
            OutOfPlace(input.view(), output.view(), formats, 3)};
        rotary_apply_args args = MakeApplyArgs(1, tokens, tensors);
        args.embedding = embedding.get();
        args.positions = &positions;
        args.target = target;
        ApplyOk(args);
        for (int64_t t = 0; t < tokens; ++t) {
          for (int64_t h = 0; h < shape.heads; ++h) {
            for (int64_t i = 0; i < shape.head_dim; ++i) {
              hash.Add(output.view().Bits(0, t, h, i), sizeof(uint32_t));
            }
          }
        }
      }
    }
    CHECK(hash.value() == 0xbe0d760e01e0dbfdu);
  });
}

TEST_CASE("portable bits: fused passes") {
  ForEachTarget([&](const char* target) {
    Hash forward, backward;
    for (uint64_t seed = 1; seed <= 40; ++seed) {
      FusedCase fused(seed);
      fused.Run(target, 1, seed % 2 == 0);
      forward.Add(fused.Result());
      BackwardCase gradients(seed);
      gradients.Run(target, 1, RowSource::kEmbedding);
      backward.Add(gradients.Result());
    }
    CHECK(forward.value() == 0xe08ddab17fbbee69u);
    CHECK(backward.value() == 0xa679f9bc083290c7u);
  });
}

}  // namespace
}  // namespace rotary_test
