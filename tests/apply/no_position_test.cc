// Tokens that have no position: whatever their elements are, they are copied,
// converted, and moved to the output's pairing, but not turned.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kRotaryDim = 38;
constexpr int64_t kOffset = 3;
constexpr Shape kShape{1, 6, 3, 45};
const std::vector<int64_t> kIds = {
    5, ROTARY_NO_POSITION_I64, ROTARY_NO_POSITION_I64, 0,
    9, ROTARY_NO_POSITION_I64};

struct Problem {
  Problem()
      : embedding(MakeEmbedding(kRotaryDim, 10000, 1.138629436)),
        positions(MakePositions(kIds)),
        rows(MakeRows(embedding.get(), kIds)),
        values(ReadRows(rows.get())) {}

  void Apply(const std::vector<rotary_tensor>& tensors, bool from_rows,
             const char* target) const {
    rotary_apply_args args = MakeApplyArgs(1, kShape.tokens, tensors);
    args.target = target;
    if (from_rows) {
      args.rows = rows.get();
    } else {
      args.embedding = embedding.get();
      args.positions = &positions;
    }
    ApplyOk(args);
  }

  TensorRotation Rotation(const Formats& formats) const {
    TensorRotation rotation{
        formats.input_pairing, kOffset, kRotaryDim, values.cos.data(),
        values.sin.data(),     0,       1};
    rotation.output_pairing = formats.output_pairing;
    rotation.positions = kIds.data();
    return rotation;
  }

  Embedding embedding;
  rotary_positions positions;
  Rows rows;
  RowValues values;
};

// Signaling NaNs, zeros of each sign, the least subnormal, any bits.
void FillAny(StridedTensor* tensor) {
  const rotary_dtype dtype = tensor->view().dtype;
  const uint32_t infinity = Nearest(dtype, 1e300);
  const uint32_t sign = Nearest(dtype, -0.0);
  tensor->FillBits(5, [&](Random* random) {
    return random->Choose<uint32_t>(
        {infinity + 1, sign | (infinity + 5), Nearest(dtype, -1.0), sign, 0u,
         1u, sign | infinity, static_cast<uint32_t>(random->Bits())});
  });
}

}  // namespace

TEST_CASE("no position: copied, converted and moved, not turned") {
  const Problem problem;
  for (const Formats& formats : AllFormats()) {
    CAPTURE(Describe(formats));
    StridedTensor input(formats.from, kShape,
                        StridesOf(kShape, Order::kBshd, 2));
    StridedTensor output(formats.to, kShape, StridesOf(kShape));
    const TensorRotation rotation = problem.Rotation(formats);
    ForEachTarget([&](const char* target) {
      for (const bool from_rows : {true, false}) {
        CAPTURE(from_rows);
        FillAny(&input);
        output.FillRandom(1);
        const Snapshot before(input);
        problem.Apply(
            {OutOfPlace(input.view(), output.view(), formats, kOffset)},
            from_rows, target);
        CHECK_EQ(CompareRotated(before.view(), output.view(), rotation), "");
        CHECK(before.SameBits(input));
        if (!formats.same_size()) continue;
        problem.Apply({InPlace(input.view(), formats, kOffset)}, from_rows,
                      target);
        CHECK_EQ(CompareRotated(before.view(), input.view().As(formats.to),
                                rotation),
                 "");
        CHECK(input.GapsIntact());
        if (!formats.same()) continue;
        // Left alone, bit by bit.
        for (const int64_t t : {1, 2, 5}) {
          CHECK_EQ(CompareCopied(before.view().Tokens(t, 1),
                                 input.view().Tokens(t, 1)),
                   "");
        }
      }
    });
  }
}

TEST_CASE("no position: the gain is left out, also of an inverse") {
  // With a gain of 2 any factor would show.
  const Embedding embedding = MakeEmbedding(kRotaryDim, 10000, 2.0);
  const std::vector<int64_t> none(6, ROTARY_NO_POSITION_I64);
  const rotary_positions positions = MakePositions(none);
  for (const Formats& formats : AllFormats()) {
    CAPTURE(Describe(formats));
    StridedTensor input(formats.from, kShape, StridesOf(kShape));
    const StridedTensor output(formats.to, kShape, StridesOf(kShape));
    input.FillRandom(3);
    const std::vector<rotary_tensor> tensors = {
        OutOfPlace(input.view(), output.view(), formats, kOffset)};
    TensorRotation rotation{
        formats.input_pairing, kOffset, kRotaryDim, nullptr, nullptr, 0, 1};
    rotation.output_pairing = formats.output_pairing;
    rotation.positions = none.data();
    for (const rotary_mode mode :
         {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
      rotary_apply_args args = MakeApplyArgs(1, kShape.tokens, tensors);
      args.embedding = embedding.get();
      args.positions = &positions;
      args.mode = mode;
      args.transpose = 1;
      ApplyOk(args);
      CHECK_EQ(CompareRotated(input.view(), output.view(), rotation), "");
    }
  }
}

}  // namespace rotary_test
