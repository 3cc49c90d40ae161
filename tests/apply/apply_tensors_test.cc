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
  for (const Formats& formats : InPlaceFormats()) {
    for (const Order order : {Order::kBshd, Order::kBhsd, Order::kSbhd}) {
      CAPTURE(Describe(formats));
      CAPTURE(static_cast<int>(order));
      StridedTensor packed(formats.from, shape, StridesOf(shape, order));
      const View q = packed.view().Heads(0, kQ);
      const View k = packed.view().Heads(kQ, kK);
      packed.FillRandom(4);
      const Snapshot before(packed);
      const auto rotation = fixture.Rotation(formats, 0);
      fixture.Run(
          kBatch, kTokens, {InPlace(q, formats), InPlace(k, formats)},
          [&] { packed.FillRandom(4); },
          [&] {
            const View& was = before.view();
            CHECK_EQ(
                CompareRotated(was.Heads(0, kQ), q.As(formats.to), rotation),
                "");
            CHECK_EQ(
                CompareRotated(was.Heads(kQ, kK), k.As(formats.to), rotation),
                "");
            CHECK_EQ(CompareCopied(was.Heads(kQ + kK, kK),
                                   packed.view().Heads(kQ + kK, kK)),
                     "");
          });
    }
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
  StridedTensor q(ROTARY_BF16, q_shape, StridesOf(q_shape));
  StridedTensor k(ROTARY_F16, k_shape, StridesOf(k_shape));
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
  SUBCASE("from one pairing to the other, in place") {
    Formats to_half = {ROTARY_BF16, ROTARY_BF16, ROTARY_INTERLEAVED,
                       ROTARY_HALF};
    const rotary_tensor q_tensor = InPlace(q.view(), to_half, 128);
    to_half.from = to_half.to = ROTARY_F16;
    fixture.Run(kBatch, kTokens, {q_tensor, InPlace(k.view(), to_half, 512)},
                reset, [&] {
                  CHECK_EQ(CompareRotated(q_before.view(), q.view(),
                                          fixture.Rotation(to_half, 128)),
                           "");
                  CHECK_EQ(CompareRotated(k_before.view(), k.view(),
                                          fixture.Rotation(to_half, 512)),
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
    Formats formats;
    bool in_place;
  };
  constexpr rotary_pairing kHalf = ROTARY_HALF;
  constexpr rotary_pairing kPairs = ROTARY_INTERLEAVED;
  const std::vector<Kind> kinds = {
      {Order::kBshd, 5, 20, 0, {ROTARY_F32, ROTARY_F32, kHalf, kHalf}, true},
      {Order::kBhsd, 1, 29, 9, {ROTARY_F32, ROTARY_F32, kPairs, kPairs}, false},
      {Order::kSbhd, 3, 22, 1, {ROTARY_BF16, ROTARY_BF16, kHalf, kHalf}, false},
      {Order::kBshd, 0, 20, 0, {ROTARY_F32, ROTARY_F32, kHalf, kHalf}, true},
      {Order::kBshd, 2, 23, 2, {ROTARY_F16, ROTARY_BF16, kHalf, kPairs}, true},
      {Order::kBshd, 2, 84, 7, {ROTARY_BF16, ROTARY_BF16, kHalf, kHalf}, true},
      {Order::kBhsd, 7, 84, 7, {ROTARY_BF16, ROTARY_BF16, kPairs, kHalf}, true},
      {Order::kBshd,
       3,
       21,
       1,
       {ROTARY_BF16, ROTARY_BF16, kPairs, kHalf},
       false},
      {Order::kBhsd, 2, 20, 0, {ROTARY_F32, ROTARY_F16, kPairs, kHalf}, false}};
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
        inputs.push_back(
            std::make_unique<StridedTensor>(kind.formats.from, shape, strides));
        outputs.push_back(
            std::make_unique<StridedTensor>(kind.formats.to, shape, strides));
        inputs.back()->FillRandom(13 + inputs.size());
        before.emplace_back(*inputs.back());
        const View& in = inputs.back()->view();
        tensors.push_back(kind.in_place
                              ? InPlace(in, kind.formats, kind.rotary_offset)
                              : OutOfPlace(in, outputs.back()->view(),
                                           kind.formats, kind.rotary_offset));
      }
      rotary_apply_args args = MakeApplyArgs(size.batch, size.tokens, tensors);
      args.rows = fixture.rows.get();
      args.target = target;
      ApplyOk(args);
      for (size_t i = 0; i < kinds.size(); ++i) {
        CAPTURE(i);
        const StridedTensor& out = kinds[i].in_place ? *inputs[i] : *outputs[i];
        const auto rotation = fixture.Rotation(
            kinds[i].formats, kinds[i].rotary_offset, size.tokens);
        CHECK_EQ(CompareRotated(before[i].view(),
                                out.view().As(kinds[i].formats.to), rotation),
                 "");
        CHECK(out.GapsIntact());
      }
    });
  }
}

TEST_CASE("layout: a call of very many tensors") {
  const LayoutFixture fixture;
  const Shape shape{kBatch, kTokens, 75, kRotaryDim};
  StridedTensor heads(ROTARY_BF16, shape, StridesOf(shape));
  StridedTensor output(ROTARY_F16, shape, StridesOf(shape));
  heads.FillRandom(14);
  const Snapshot before(heads);
  // Every head is a tensor of its own, but every third is left out; every fifth
  // is rotated in place.
  const auto formats = [](int64_t head) -> Formats {
    const rotary_pairing from =
        head % 4 == 0 ? ROTARY_HALF : ROTARY_INTERLEAVED;
    const rotary_pairing to = head % 7 < 4 ? ROTARY_HALF : ROTARY_INTERLEAVED;
    return {ROTARY_BF16, ROTARY_F16, from, to};
  };
  const auto head_of = [](const View& view, int64_t h) {
    return view.Heads(h, 1).As(ROTARY_F16);
  };
  std::vector<rotary_tensor> tensors;
  for (int64_t h = 0; h < shape.heads; ++h) {
    if (h % 3 == 2) continue;
    const View head = heads.view().Heads(h, 1);
    tensors.push_back(
        h % 5 == 0 ? InPlace(head, formats(h))
                   : OutOfPlace(head, output.view().Heads(h, 1), formats(h)));
  }
  output.FillRandom(15);
  const Snapshot output_before(output);
  fixture.Run(
      kBatch, kTokens, tensors,
      [&] {
        heads.FillRandom(14);
        output.FillRandom(15);
      },
      [&] {
        for (int64_t h = 0; h < shape.heads; ++h) {
          CAPTURE(h);
          const View was = before.view().Heads(h, 1);
          const bool left_out = h % 3 == 2;
          const bool in_place = h % 5 == 0 && !left_out;
          const View in = head_of(heads.view(), h);
          const View out = head_of(output.view(), h);
          const auto rotation = fixture.Rotation(formats(h), 0);
          CHECK_EQ(in_place ? CompareRotated(was, in, rotation)
                            : CompareCopied(was.As(ROTARY_F16), in),
                   "");
          CHECK_EQ(left_out || in_place
                       ? CompareCopied(head_of(output_before.view(), h), out)
                       : CompareRotated(was, out, rotation),
                   "");
        }
      });
}

TEST_CASE("layout: tensors of different alignments, all streamed") {
  const LayoutFixture fixture(64);
  const Shape shape{kBatch, kTokens, 2, 64};
  for (const Formats& formats : AllFormats()) {
    CAPTURE(Describe(formats));
    std::vector<std::unique_ptr<StridedTensor>> inputs;
    std::vector<std::unique_ptr<StridedTensor>> outputs;
    std::vector<rotary_tensor> tensors;
    for (const int64_t misalignment : {0, 1, 0, 4, 8, 16}) {
      inputs.push_back(std::make_unique<StridedTensor>(formats.from, shape,
                                                       StridesOf(shape)));
      outputs.push_back(std::make_unique<StridedTensor>(
          formats.to, shape, StridesOf(shape), Flush::kStart, misalignment));
      inputs.back()->FillRandom(16 + inputs.size());
      tensors.push_back(
          OutOfPlace(inputs.back()->view(), outputs.back()->view(), formats));
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
                                    fixture.Rotation(formats, 0)),
                     "");
          }
        });
  }
}

}  // namespace rotary_test
