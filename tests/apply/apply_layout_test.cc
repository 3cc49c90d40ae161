// Layouts are strides: dense orders with gaps, broadcasts, negative strides,
// dimensions of size 1, strides of rows.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/apply/layout_fixture.h"
#include "tests/support/objects.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {

TEST_CASE("layout: BSHD, BHSD and SBHD, with gaps, in each direction") {
  const LayoutFixture fixture;
  const Shape shape{kBatch, kTokens, 5, kRotaryDim + 3};
  const std::vector<Formats> all = AllFormats();
  size_t next = 0;
  for (const Order from : {Order::kBshd, Order::kBhsd, Order::kSbhd}) {
    for (const Order to : {Order::kBshd, Order::kBhsd, Order::kSbhd}) {
      for (const int64_t gap : {0, 5, 0, 1, 2, 7, 0, 3}) {
        // Each format meets two of the 72 layouts.
        const Formats& formats = all[next++ * 5 % all.size()];
        CAPTURE(Describe(formats));
        CAPTURE(static_cast<int>(from));
        CAPTURE(static_cast<int>(to));
        CAPTURE(gap);
        StridedTensor input(formats.from, shape,
                            StridesOf(shape, from, gap, 2 * gap, gap));
        StridedTensor output(formats.to, shape,
                             StridesOf(shape, to, gap, 3 * gap, 2));
        const auto rotation = fixture.Rotation(formats, 2);
        input.FillRandom(1);
        const Snapshot before(input);
        fixture.Run(
            kBatch, kTokens,
            {OutOfPlace(input.view(), output.view(), formats, 2)},
            [&] { output.FillRandom(2); },
            [&] {
              CHECK_EQ(CompareRotated(before.view(), output.view(), rotation),
                       "");
              CHECK(before.SameBits(input));
              CHECK(output.GapsIntact());
            });
        if (!formats.same_size()) continue;
        fixture.Run(
            kBatch, kTokens, {InPlace(input.view(), formats, 2)},
            [&] { input.FillRandom(1); },
            [&] {
              CHECK_EQ(CompareRotated(before.view(),
                                      input.view().As(formats.to), rotation),
                       "");
              CHECK(input.GapsIntact());
            });
      }
    }
  }
}

TEST_CASE("layout: ROTARY_DENSE is [batch][tokens][heads][head_dim]") {
  const LayoutFixture fixture;
  const Shape shape{kBatch, kTokens, 5, kRotaryDim + 3};
  // Elements are counted, not bytes.
  StridedTensor input(ROTARY_BF16, shape, StridesOf(shape));
  StridedTensor output(shape, StridesOf(shape));
  input.FillRandom(3);
  rotary_tensor tensor = OutOfPlace(input.view(), output.view(), ROTARY_HALF);
  rotary_tensor defaults;
  rotary_tensor_init(&defaults, sizeof(defaults));
  for (int64_t rotary_tensor::*const stride :
       {&rotary_tensor::input_batch_stride, &rotary_tensor::input_token_stride,
        &rotary_tensor::input_head_stride, &rotary_tensor::output_batch_stride,
        &rotary_tensor::output_token_stride,
        &rotary_tensor::output_head_stride}) {
    CHECK_EQ(defaults.*stride, ROTARY_DENSE);
    tensor.*stride = ROTARY_DENSE;
  }
  fixture.Run(
      kBatch, kTokens, {tensor}, [&] { output.FillRandom(2); },
      [&] {
        CHECK_EQ(CompareRotated(input.view(), output.view(),
                                fixture.Rotation(ROTARY_HALF, 0)),
                 "");
      });
}

TEST_CASE("layout: inputs with strides of 0 are broadcast") {
  const LayoutFixture fixture;
  const Shape shape{kBatch, kTokens, 5, kRotaryDim + 1};
  for (const Strides& strides :
       {Strides{kTokens * 100, 100, 0}, Strides{0, 500, 100},
        Strides{500, 0, 100}, Strides{0, 0, 0}}) {
    for (const Formats& formats : AllFormats()) {
      CAPTURE(Describe(formats));
      CAPTURE(strides.batch);
      CAPTURE(strides.token);
      StridedTensor input(formats.from, shape, strides);
      StridedTensor output(formats.to, shape, StridesOf(shape));
      input.FillRandom(8);
      const Snapshot before(input);
      fixture.Run(
          kBatch, kTokens, {OutOfPlace(input.view(), output.view(), formats)},
          [&] { output.FillRandom(2); },
          [&] {
            CHECK_EQ(CompareRotated(before.view(), output.view(),
                                    fixture.Rotation(formats, 0)),
                     "");
            CHECK(before.SameBits(input));
          });
    }
  }
}

TEST_CASE("layout: negative strides") {
  const LayoutFixture fixture;
  const Shape shape{kBatch, kTokens, 5, kRotaryDim};
  for (int signs = 1; signs < 8; ++signs) {
    Strides strides = StridesOf(shape, Order::kBshd, 2);
    if ((signs & 1) != 0) strides.head = -strides.head;
    if ((signs & 2) != 0) strides.token = -strides.token;
    if ((signs & 4) != 0) strides.batch = -strides.batch;
    for (const Formats& formats : AllFormats()) {
      CAPTURE(signs);
      CAPTURE(Describe(formats));
      StridedTensor input(formats.from, shape, strides);
      StridedTensor output(formats.to, shape, StridesOf(shape));
      const auto rotation = fixture.Rotation(formats, 0);
      input.FillRandom(9);
      const Snapshot before(input);
      fixture.Run(
          kBatch, kTokens, {OutOfPlace(input.view(), output.view(), formats)},
          [&] { output.FillRandom(2); },
          [&] {
            CHECK_EQ(CompareRotated(before.view(), output.view(), rotation),
                     "");
            CHECK(before.SameBits(input));
          });
      if (!formats.same_size()) continue;
      fixture.Run(
          kBatch, kTokens, {InPlace(input.view(), formats)},
          [&] { input.FillRandom(9); },
          [&] {
            CHECK_EQ(CompareRotated(before.view(), input.view().As(formats.to),
                                    rotation),
                     "");
            CHECK(input.GapsIntact());
          });
    }
  }
}

TEST_CASE("layout: the stride of a dimension of size 1 is never used") {
  const LayoutFixture fixture;
  constexpr int64_t kAbsurd = INT64_MAX - 1;
  // Decoding: many sequences of one token, and one head of each.
  const Shape decode{kBatch * kTokens, 1, 1, kRotaryDim};
  StridedTensor many(decode, {100, 0, 0});
  // One sequence.
  const Shape prefill{1, kTokens, 5, kRotaryDim};
  StridedTensor one(prefill, StridesOf(prefill));
  many.FillRandom(10);
  one.FillRandom(11);
  const Snapshot many_before(many);
  const Snapshot one_before(one);

  rotary_tensor tensor = InPlace(many.view(), ROTARY_HALF);
  tensor.input_token_stride = kAbsurd;
  tensor.input_head_stride = -kAbsurd;
  fixture.Run(
      kBatch * kTokens, 1, {tensor}, [&] { many.FillRandom(10); },
      [&] {
        CHECK_EQ(CompareRotated(many_before.view(), many.view(),
                                fixture.Rotation(ROTARY_HALF, 0, 1)),
                 "");
        CHECK(many.GapsIntact());
      });
  tensor = InPlace(one.view(), ROTARY_HALF);
  tensor.input_batch_stride = kAbsurd;
  fixture.Run(
      1, kTokens, {tensor}, [&] { one.FillRandom(11); },
      [&] {
        CHECK_EQ(CompareRotated(one_before.view(), one.view(),
                                fixture.Rotation(ROTARY_HALF, 0)),
                 "");
      });
}

TEST_CASE("layout: a size of 0 is nothing to do") {
  const LayoutFixture fixture;
  const std::vector<int64_t> ids(12, 1);
  const rotary_positions positions = MakePositions(ids);
  const Shape whole{kBatch, kTokens, 2, kRotaryDim};
  StridedTensor tensor(whole, StridesOf(whole));
  tensor.FillRandom(13);
  const Snapshot before(tensor);
  for (const Shape& shape :
       {Shape{0, kTokens, 2, 0}, Shape{kBatch, 0, 2, 0}, Shape{0, 0, 2, 0},
        Shape{kBatch, kTokens, 0, 0}, Shape{0, 0, 0, 0}}) {
    CAPTURE(shape.batch);
    CAPTURE(shape.tokens);
    std::vector<rotary_tensor> tensors = {InPlace(tensor.view(), ROTARY_HALF)};
    tensors[0].heads = shape.heads;
    for (const size_t num_tensors : {size_t{1}, size_t{0}}) {
      tensors.resize(num_tensors);
      for (const int32_t threads : {0, 1, 2}) {
        rotary_apply_args args =
            MakeApplyArgs(shape.batch, shape.tokens, tensors);
        args.num_threads = threads;
        args.rows = fixture.rows.get();
        ApplyOk(args);
        args.rows = nullptr;
        args.embedding = fixture.embedding.get();
        args.positions = &positions;
        ApplyOk(args);
      }
    }
  }
  CHECK(before.SameBits(tensor));
}

TEST_CASE("layout: where there are no tokens heads may be any number") {
  const LayoutFixture fixture;
  // More tensors than are read at a time, with more heads than can be counted.
  std::vector<rotary_tensor> tensors(100);
  for (rotary_tensor& tensor : tensors) {
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = int64_t{1} << 60;
    tensor.head_dim = kRotaryDim;
    tensor.input_pairing = ROTARY_HALF;
    tensor.input_batch_stride = tensor.input_token_stride = kRotaryDim;
    tensor.input_head_stride = kRotaryDim;
  }
  rotary_apply_args args = MakeApplyArgs(kBatch, 0, tensors);
  args.rows = fixture.rows.get();
  ApplyOk(args);
}

TEST_CASE("layout: strides of rows") {
  // Of rows that rotate and, by cos 1 and sin 0, some that do not any more.
  LayoutFixture fixture;
  const std::vector<int64_t> none(2, ROTARY_NO_POSITION_I64);
  const rotary_positions positions = MakePositions(none);
  rotary_rows_args set = MakeRowsArgs(fixture.embedding.get(), &positions, 2);
  set.first_row = 4;
  SetRowsOk(fixture.rows.get(), set);
  fixture.values = ReadRows(fixture.rows.get());
  const Shape shape{kBatch, kTokens, 2, kRotaryDim};
  StridedTensor input(shape, StridesOf(shape));
  input.FillRandom(12);
  struct RowStrides {
    int64_t first, batch, token;
  };
  for (const RowStrides& row :
       {RowStrides{2, 0, 1}, RowStrides{1, 1, 0}, RowStrides{5, 0, 0},
        RowStrides{0, 1, kBatch}, RowStrides{3, kTokens, -1},
        RowStrides{11, -kTokens, -1}}) {
    CAPTURE(row.first);
    CAPTURE(row.batch);
    CAPTURE(row.token);
    ForEachTarget([&](const char* target) {
      StridedTensor output(shape, StridesOf(shape));
      const std::vector<rotary_tensor> tensors = {
          OutOfPlace(input.view(), output.view(), ROTARY_INTERLEAVED)};
      rotary_apply_args args = MakeApplyArgs(kBatch, kTokens, tensors);
      args.rows = fixture.rows.get();
      args.target = target;
      args.first_row = row.first;
      args.row_batch_stride = row.batch;
      args.row_token_stride = row.token;
      ApplyOk(args);
      TensorRotation rotation = fixture.Rotation(ROTARY_INTERLEAVED, 0);
      rotation.first_row = row.first;
      rotation.row_batch_stride = row.batch;
      rotation.row_token_stride = row.token;
      CHECK_EQ(CompareRotated(input.view(), output.view(), rotation), "");
    });
  }
}

}  // namespace rotary_test
