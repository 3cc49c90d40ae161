// The same bits come out for every target, number of threads, row source,
// layout and place.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

Embedding TestEmbedding(int64_t rotary_dim) {
  return MakeEmbedding(rotary_dim, 500000, 1.138629436);
}

// A call on one tensor, whose bits are known: by the simplest target, with
// rows, in one thread, out of place.
struct Baseline {
  Baseline(const Shape& shape, rotary_pairing pairing_,
           const rotary_embedding* embedding_)
      : embedding(embedding_),
        ids(RandomPositions(shape.batch * shape.tokens, 1)),
        positions(MakePositions(ids)),
        rows(MakeRows(embedding, ids)),
        pairing(pairing_),
        input(shape, StridesOf(shape)),
        expected(shape, StridesOf(shape)) {
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
        OutOfPlace(input.view(), output.view(), pairing);
    args.tensors = &tensor;
    args.num_tensors = 1;
    ApplyOk(args);
  }

  // Whether a call gives the known bits.
  bool Same(const rotary_apply_args& args) const {
    const StridedTensor output(input.view().shape, input.view().strides);
    Apply(args, output);
    return SameValues(output.view(), expected.view());
  }

  std::vector<rotary_tensor> no_tensors;
  const rotary_embedding* embedding;
  std::vector<int64_t> ids;
  rotary_positions positions;
  Rows rows;
  rotary_pairing pairing;
  StridedTensor input;
  StridedTensor expected;
};

}  // namespace

TEST_CASE("bits: targets, threads and row sources") {
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    // The last is enough work for several threads.
    const std::vector<Shape> shapes = {
        {1, 1, 40, 76}, {2, 33, 3, 44}, {3, 1, 1, 36}, {1, 256, 8, 128}};
    for (const Shape& shape : shapes) {
      CAPTURE(shape.tokens);
      const Embedding embedding = TestEmbedding(shape.head_dim - 12);
      const Baseline baseline(shape, pairing, embedding.get());
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
    }
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
  for (const Width& width :
       {Width{38, few}, Width{2, {71, 127, 128, 129, 255, 256, 257, 300}},
        Width{4098, {2, 3, 9}}}) {
    const Embedding embedding = TestEmbedding(width.head_dim);
    for (const int64_t tokens : width.tokens) {
      CAPTURE(width.head_dim);
      CAPTURE(tokens);
      const Shape shape{1 + tokens % 2, tokens, 2, width.head_dim};
      const Baseline baseline(shape, ROTARY_HALF, embedding.get());
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
  for (const rotary_mode mode :
       {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
    for (const int32_t transpose : {0, 1}) {
      CAPTURE(mode);
      CAPTURE(transpose);
      Baseline baseline(shape, ROTARY_HALF, embedding.get());
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

TEST_CASE("bits: layouts and places") {
  const Shape shape{2, 19, 5, 70};
  const Embedding embedding = TestEmbedding(50);
  const Baseline baseline(shape, ROTARY_INTERLEAVED, embedding.get());
  ForEachTarget([&](const char* target) {
    for (const Order order : {Order::kBshd, Order::kBhsd, Order::kSbhd}) {
      for (const int64_t gap : {0, 1, 26}) {
        CAPTURE(static_cast<int>(order));
        CAPTURE(gap);
        StridedTensor tensor(shape, StridesOf(shape, order, gap), Flush::kEnd,
                             gap % 4);
        StridedTensor output(shape, StridesOf(shape, order, 0, gap));
        CopyValues(baseline.input.view(), tensor.view());
        for (const rotary_tensor& one :
             {OutOfPlace(tensor.view(), output.view(), baseline.pairing),
              InPlace(tensor.view(), baseline.pairing)}) {
          rotary_apply_args args = baseline.WithRows();
          args.tensors = &one;
          args.num_tensors = 1;
          args.target = target;
          ApplyOk(args);
        }
        CHECK(SameValues(output.view(), baseline.expected.view()));
        CHECK(SameValues(tensor.view(), baseline.expected.view()));
      }
    }
  });
}

}  // namespace rotary_test
