// The same bits come out for every target, number of threads, row source,
// layout and place, of every dtype and pairing.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

Embedding TestEmbedding(int64_t rotary_dim) {
  return MakeEmbedding(rotary_dim, 500000, 1.138629436);
}

// Now and then none.
std::vector<int64_t> SomePositions(int64_t count) {
  std::vector<int64_t> ids = RandomPositions(count, 1);
  for (size_t i = 4; i < ids.size(); i += 9) ids[i] = ROTARY_NO_POSITION_I64;
  return ids;
}

// A call on one tensor, whose bits are known: by the simplest target, with
// rows, in one thread, out of place.
struct Baseline {
  Baseline(const Shape& shape, const Formats& formats_,
           const rotary_embedding* embedding_)
      : embedding(embedding_),
        ids(SomePositions(shape.batch * shape.tokens)),
        positions(MakePositions(ids)),
        rows(MakeRows(embedding, ids)),
        formats(formats_),
        input(formats.from, shape, StridesOf(shape)),
        expected(formats.to, shape, StridesOf(shape)) {
    input.FillRandom(2);
    rotary_apply_args args = WithRows();
    args.target = Targets().back();
    args.num_threads = 1;
    Apply(args, expected);
  }

  rotary_apply_args WithRows() const {
    rotary_apply_args args = MakeApplyArgs(
        input.view().shape.batch, input.view().shape.tokens, no_tensors);
    args.rows = rows.get();
    return args;
  }
  rotary_apply_args OneShot() const {
    rotary_apply_args args = WithRows();
    args.rows = nullptr;
    args.embedding = embedding;
    args.positions = &positions;
    return args;
  }

  void Apply(rotary_apply_args args, const StridedTensor& output) const {
    const rotary_tensor tensor =
        OutOfPlace(input.view(), output.view(), formats);
    args.tensors = &tensor;
    args.num_tensors = 1;
    ApplyOk(args);
  }

  // Whether a call gives the known bits.
  bool Same(const rotary_apply_args& args) const {
    const StridedTensor output(formats.to, input.view().shape,
                               input.view().strides);
    Apply(args, output);
    return SameValues(output.view(), expected.view());
  }

  std::vector<rotary_tensor> no_tensors;
  const rotary_embedding* embedding;
  std::vector<int64_t> ids;
  rotary_positions positions;
  Rows rows;
  Formats formats;
  StridedTensor input;
  StridedTensor expected;
};

// Some formats, of each kind: nothing changes, the dtype, the pairing, both.
const Formats kF32Half = {ROTARY_F32, ROTARY_F32, ROTARY_HALF, ROTARY_HALF};
const std::vector<Formats> kSomeFormats = {
    kF32Half,
    {ROTARY_F32, ROTARY_F32, ROTARY_INTERLEAVED, ROTARY_INTERLEAVED},
    {ROTARY_F16, ROTARY_F16, ROTARY_INTERLEAVED, ROTARY_INTERLEAVED},
    {ROTARY_F32, ROTARY_BF16, ROTARY_HALF, ROTARY_HALF},
    {ROTARY_BF16, ROTARY_BF16, ROTARY_INTERLEAVED, ROTARY_HALF},
    {ROTARY_BF16, ROTARY_F16, ROTARY_HALF, ROTARY_INTERLEAVED}};

}  // namespace

TEST_CASE("bits: targets, threads and row sources") {
  const auto check = [](const Shape& shape, const Formats& formats) {
    CAPTURE(shape.tokens);
    CAPTURE(Describe(formats));
    const Embedding embedding = TestEmbedding(shape.head_dim - 12);
    const Baseline baseline(shape, formats, embedding.get());
    ForEachTarget([&](const char* target) {
      for (const int32_t threads : {1, 0, 2, 3, 7}) {
        CAPTURE(threads);
        for (rotary_apply_args args :
             {baseline.WithRows(), baseline.OneShot()}) {
          args.target = target;
          args.num_threads = threads;
          CHECK(baseline.Same(args));
        }
      }
    });
  };
  for (const Shape& shape :
       {Shape{1, 1, 40, 76}, Shape{2, 33, 3, 44}, Shape{3, 1, 1, 36}}) {
    for (const Formats& formats : AllFormats()) check(shape, formats);
  }
  // Enough work for several threads.
  const Shape large{1, 256, 8, 128};
  for (const Formats& formats : Effort(kSomeFormats, AllFormats())) {
    check(large, formats);
  }
}

TEST_CASE("bits: every number of tokens, with rows and without") {
  // Blocks of rows that a call makes for itself end in the middle of these.
  std::vector<int64_t> few;
  for (int64_t tokens = 1; tokens <= 70; ++tokens) few.push_back(tokens);
  struct Width {
    int64_t head_dim;
    std::vector<int64_t> tokens;
  };
  size_t next = 0;
  for (const Width& width :
       {Width{38, few}, Width{2, {71, 127, 128, 129, 255, 256, 257, 300}},
        Width{4098, {2, 3, 9}}}) {
    const Embedding embedding = TestEmbedding(width.head_dim);
    for (const int64_t tokens : width.tokens) {
      CAPTURE(width.head_dim);
      CAPTURE(tokens);
      const Shape shape{1 + tokens % 2, tokens, 2, width.head_dim};
      const Formats& formats = kSomeFormats[next++ % kSomeFormats.size()];
      CAPTURE(Describe(formats));
      const Baseline baseline(shape, formats, embedding.get());
      ForEachTarget([&](const char* target) {
        for (const int32_t threads : {1, 2}) {
          CAPTURE(threads);
          rotary_apply_args args = baseline.OneShot();
          args.target = target;
          args.num_threads = threads;
          CHECK(baseline.Same(args));
        }
      });
    }
  }
}

TEST_CASE("bits: modes and transpose, with rows and without") {
  const Shape shape{2, 21, 3, 64};
  const Embedding embedding = TestEmbedding(40);
  for (const Formats& formats : kSomeFormats) {
    for (const rotary_mode mode :
         {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
      for (const int32_t transpose : {0, 1}) {
        CAPTURE(Describe(formats));
        CAPTURE(mode);
        CAPTURE(transpose);
        Baseline baseline(shape, formats, embedding.get());
        baseline.rows = MakeRows(embedding.get(), baseline.ids, mode);
        rotary_apply_args with_rows = baseline.WithRows();
        with_rows.target = Targets().back();
        with_rows.transpose = transpose;
        baseline.Apply(with_rows, baseline.expected);
        ForEachTarget([&](const char* target) {
          rotary_apply_args args = baseline.OneShot();
          args.mode = mode;
          args.transpose = transpose;
          args.target = target;
          CHECK(baseline.Same(args));
        });
      }
    }
  }
}

TEST_CASE("bits: layouts and places") {
  const Shape shape{2, 19, 5, 70};
  const Embedding embedding = TestEmbedding(50);
  for (const Formats& formats : AllFormats()) {
    CAPTURE(Describe(formats));
    const Baseline baseline(shape, formats, embedding.get());
    ForEachTarget([&](const char* target) {
      for (const Order order : {Order::kBshd, Order::kBhsd, Order::kSbhd}) {
        for (const int64_t gap : {0, 1, 26}) {
          CAPTURE(static_cast<int>(order));
          CAPTURE(gap);
          const StridedTensor tensor(formats.from, shape,
                                     StridesOf(shape, order, gap), Flush::kEnd,
                                     gap % 4);
          const StridedTensor output(formats.to, shape,
                                     StridesOf(shape, order, 0, gap));
          CopyValues(baseline.input.view(), tensor.view());
          const auto run = [&](const rotary_tensor& one) {
            rotary_apply_args args = baseline.WithRows();
            args.tensors = &one;
            args.num_tensors = 1;
            args.target = target;
            ApplyOk(args);
          };
          run(OutOfPlace(tensor.view(), output.view(), formats));
          CHECK(SameValues(output.view(), baseline.expected.view()));
          if (!formats.same_size()) continue;
          run(InPlace(tensor.view(), formats));
          CHECK(SameValues(tensor.view().As(formats.to),
                           baseline.expected.view()));
        }
      }
    });
  }
}

}  // namespace rotary_test
