// Tensors that share memory or a call: packed QKV, tails of wide heads, tensors
// of different kinds in one call.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/apply/layout_fixture.h"
#include "tests/support/objects.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {

TEST_CASE("layout: packed QKV, the values untouched") {
  const LayoutFixture fixture;
  constexpr int64_t kQ = 4;
  constexpr int64_t kK = 2;
  const Shape shape{kBatch, kTokens, kQ + 2 * kK, kRotaryDim};
  for (const Order order : {Order::kBshd, Order::kBhsd, Order::kSbhd}) {
    CAPTURE(static_cast<int>(order));
    StridedTensor packed(shape, StridesOf(shape, order));
    const View q = packed.view().Heads(0, kQ);
    const View k = packed.view().Heads(kQ, kK);
    packed.FillRandom(4);
    const Snapshot before(packed);
    const auto rotation = fixture.Rotation(ROTARY_HALF, 0);
    fixture.Run(
        kBatch, kTokens, {InPlace(q, ROTARY_HALF), InPlace(k, ROTARY_HALF)},
        [&] { packed.FillRandom(4); },
        [&] {
          const View& was = before.view();
          CHECK_EQ(CompareRotated(was.Heads(0, kQ), q, rotation), "");
          CHECK_EQ(CompareRotated(was.Heads(kQ, kK), k, rotation), "");
          CHECK_EQ(CompareCopied(was.Heads(kQ + kK, kK),
                                 packed.view().Heads(kQ + kK, kK)),
                   "");
        });
  }
}

TEST_CASE("layout: [tokens][heads][q k v], as GPT-NeoX packs them") {
  const LayoutFixture fixture;
  constexpr int64_t kDim = kRotaryDim + 4;
  const Shape shape{kBatch, kTokens, 5, 3 * kDim};
  StridedTensor packed(shape, StridesOf(shape));
  packed.FillRandom(5);
  const Snapshot before(packed);
  const View q = packed.view().Columns(0, kDim);
  const View k = packed.view().Columns(kDim, kDim);
  const auto rotation = fixture.Rotation(ROTARY_HALF, 0);
  fixture.Run(
      kBatch, kTokens, {InPlace(q, ROTARY_HALF), InPlace(k, ROTARY_HALF)},
      [&] { packed.FillRandom(5); },
      [&] {
        const View& was = before.view();
        CHECK_EQ(CompareRotated(was.Columns(0, kDim), q, rotation), "");
        CHECK_EQ(CompareRotated(was.Columns(kDim, kDim), k, rotation), "");
        CHECK_EQ(CompareCopied(was.Columns(2 * kDim, kDim),
                               packed.view().Columns(2 * kDim, kDim)),
                 "");
      });
}

TEST_CASE("layout: rotary tails of wide heads (MLA)") {
  const LayoutFixture fixture(64);
  const Shape q_shape{kBatch, kTokens, 6, 192};
  const Shape k_shape{kBatch, kTokens, 1, 576};
  const Shape tail_shape{kBatch, kTokens, 6, 64};
  StridedTensor q(q_shape, StridesOf(q_shape));
  StridedTensor k(k_shape, StridesOf(k_shape));
  StridedTensor tail(tail_shape, StridesOf(tail_shape));
  q.FillRandom(6);
  k.FillRandom(7);
  const Snapshot q_before(q);
  const Snapshot k_before(k);
  const auto reset = [&] {
    q.FillRandom(6);
    k.FillRandom(7);
  };

  SUBCASE("by rotary_offset") {
    fixture.Run(
        kBatch, kTokens,
        {InPlace(q.view(), ROTARY_INTERLEAVED, 128),
         InPlace(k.view(), ROTARY_INTERLEAVED, 512)},
        reset, [&] {
          CHECK_EQ(CompareRotated(q_before.view(), q.view(),
                                  fixture.Rotation(ROTARY_INTERLEAVED, 128)),
                   "");
          CHECK_EQ(CompareRotated(k_before.view(), k.view(),
                                  fixture.Rotation(ROTARY_INTERLEAVED, 512)),
                   "");
        });
  }
  SUBCASE("as tensors of their own, q's into a dense array") {
    const auto rotation = fixture.Rotation(ROTARY_INTERLEAVED, 0);
    fixture.Run(
        kBatch, kTokens,
        {OutOfPlace(q.view().Columns(128, 64), tail.view(), ROTARY_INTERLEAVED),
         InPlace(k.view().Columns(512, 64), ROTARY_INTERLEAVED)},
        reset, [&] {
          CHECK_EQ(CompareRotated(q_before.view().Columns(128, 64), tail.view(),
                                  rotation),
                   "");
          CHECK_EQ(CompareRotated(k_before.view().Columns(512, 64),
                                  k.view().Columns(512, 64), rotation),
                   "");
          CHECK(q_before.SameBits(q));
          CHECK_EQ(CompareCopied(k_before.view().Columns(0, 512),
                                 k.view().Columns(0, 512)),
                   "");
        });
  }
}

TEST_CASE("layout: tensors of different kinds in one call") {
  const LayoutFixture fixture;
  struct Kind {
    Order order;
    int64_t heads, head_dim, rotary_offset;
    rotary_pairing pairing;
    bool in_place;
  };
  const std::vector<Kind> kinds = {
      {Order::kBshd, 5, kRotaryDim, 0, ROTARY_HALF, true},
      {Order::kBhsd, 1, kRotaryDim + 9, 9, ROTARY_INTERLEAVED, false},
      {Order::kSbhd, 3, kRotaryDim + 2, 1, ROTARY_HALF, false},
      {Order::kBshd, 0, kRotaryDim, 0, ROTARY_HALF, true},
      {Order::kBshd, 2, kRotaryDim + 3, 2, ROTARY_HALF, true},
      {Order::kBhsd, 2, kRotaryDim + 64, 7, ROTARY_INTERLEAVED, true}};
  struct Size {
    int64_t batch, tokens;
  };
  for (const Size& size : {Size{3, 4}, Size{1, 1}, Size{12, 1}}) {
    CAPTURE(size.batch);
    ForEachTarget([&](const char* target) {
      std::vector<std::unique_ptr<StridedTensor>> inputs;
      std::vector<std::unique_ptr<StridedTensor>> outputs;
      std::vector<Snapshot> before;
      std::vector<rotary_tensor> tensors;
      for (const Kind& kind : kinds) {
        const Shape shape{size.batch, size.tokens, kind.heads, kind.head_dim};
        const Strides strides = StridesOf(shape, kind.order, 1);
        inputs.push_back(std::make_unique<StridedTensor>(shape, strides));
        outputs.push_back(std::make_unique<StridedTensor>(shape, strides));
        inputs.back()->FillRandom(13 + inputs.size());
        before.emplace_back(*inputs.back());
        const View& in = inputs.back()->view();
        tensors.push_back(kind.in_place
                              ? InPlace(in, kind.pairing, kind.rotary_offset)
                              : OutOfPlace(in, outputs.back()->view(),
                                           kind.pairing, kind.rotary_offset));
      }
      rotary_apply_args args = MakeApplyArgs(size.batch, size.tokens, tensors);
      args.rows = fixture.rows.get();
      args.target = target;
      ApplyOk(args);
      for (size_t i = 0; i < kinds.size(); ++i) {
        CAPTURE(i);
        const StridedTensor& out = kinds[i].in_place ? *inputs[i] : *outputs[i];
        const auto rotation = fixture.Rotation(
            kinds[i].pairing, kinds[i].rotary_offset, size.tokens);
        CHECK_EQ(CompareRotated(before[i].view(), out.view(), rotation), "");
        CHECK(out.GapsIntact());
      }
    });
  }
}

TEST_CASE("layout: a call of very many tensors") {
  const LayoutFixture fixture;
  const Shape shape{kBatch, kTokens, 75, kRotaryDim};
  StridedTensor heads(shape, StridesOf(shape));
  StridedTensor output(shape, StridesOf(shape));
  heads.FillRandom(14);
  // Every head is a tensor of its own, but every third is left out.
  const auto pairing = [](int64_t head) {
    return head % 4 == 0 ? ROTARY_HALF : ROTARY_INTERLEAVED;
  };
  std::vector<rotary_tensor> tensors;
  for (int64_t h = 0; h < shape.heads; ++h) {
    if (h % 3 == 2) continue;
    tensors.push_back(OutOfPlace(heads.view().Heads(h, 1),
                                 output.view().Heads(h, 1), pairing(h)));
  }
  output.FillRandom(15);
  const Snapshot before(output);
  fixture.Run(
      kBatch, kTokens, tensors, [&] { output.FillRandom(15); },
      [&] {
        for (int64_t h = 0; h < shape.heads; ++h) {
          CAPTURE(h);
          const View got = output.view().Heads(h, 1);
          CHECK_EQ(h % 3 == 2 ? CompareCopied(before.view().Heads(h, 1), got)
                              : CompareRotated(heads.view().Heads(h, 1), got,
                                               fixture.Rotation(pairing(h), 0)),
                   "");
        }
      });
}

TEST_CASE("layout: tensors of different alignments, all streamed") {
  const LayoutFixture fixture(64);
  const Shape shape{kBatch, kTokens, 2, 64};
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    std::vector<std::unique_ptr<StridedTensor>> inputs;
    std::vector<std::unique_ptr<StridedTensor>> outputs;
    std::vector<rotary_tensor> tensors;
    for (const int64_t misalignment : {0, 1, 0, 4, 8}) {
      inputs.push_back(
          std::make_unique<StridedTensor>(shape, StridesOf(shape)));
      outputs.push_back(std::make_unique<StridedTensor>(
          shape, StridesOf(shape), Flush::kStart, misalignment));
      inputs.back()->FillRandom(16 + inputs.size());
      tensors.push_back(
          OutOfPlace(inputs.back()->view(), outputs.back()->view(), pairing));
      tensors.back().output_store = ROTARY_STORE_STREAM;
    }
    fixture.Run(
        kBatch, kTokens, tensors,
        [&] {
          for (const auto& output : outputs) output->FillRandom(0);
        },
        [&] {
          for (size_t i = 0; i < tensors.size(); ++i) {
            CAPTURE(i);
            CHECK_EQ(CompareRotated(inputs[i]->view(), outputs[i]->view(),
                                    fixture.Rotation(pairing, 0)),
                     "");
          }
        });
  }
}

}  // namespace rotary_test
