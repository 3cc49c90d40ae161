// Calls on more than the caches hold, which are fetched by software or stored
// past the caches, give the bits of small calls.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/one_processor.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// The last-level cache counts for no more than 16 MB for each processor that
// the process may use, so that 17 MB are a large call with one of them.
Shape LargeShape(const Formats& formats, int64_t head_dim) {
  const bool f32 = formats.from == ROTARY_F32 && formats.to == ROTARY_F32;
  return {1, f32 ? 1110 : 2220, 30 * 128 / head_dim, head_dim};
}

// What of a head is rotated.
struct Part {
  int64_t head_dim;
  int64_t rotary_offset;
  int64_t rotary_dim;
};
constexpr Part kSome = {128, 16, 96};
constexpr int64_t kSmallTokens = 50;

// What is rotated, and the result of small calls.
struct Problem {
  Problem(const Formats& formats_, const Part& part_)
      : formats(formats_),
        part(part_),
        shape(LargeShape(formats, part.head_dim)),
        embedding(MakeEmbedding(part.rotary_dim)),
        ids(RandomPositions(shape.tokens, 1)),
        positions(MakePositions(ids)),
        rows(MakeRows(embedding.get(), ids)),
        values(ReadRows(rows.get())),
        cos_sin(),
        input(formats.from, shape, StridesOf(shape)),
        expected(formats.to, shape, StridesOf(shape)) {
    rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
    cos_sin.cos = values.cos.data();
    cos_sin.sin = values.sin.data();
    cos_sin.rotary_dim = part.rotary_dim;
    cos_sin.width = ROTARY_WIDTH_PAIRS;
    // Without a bit of its exponent a number is less than 2.
    const uint32_t two = Nearest(formats.from, 2.0);
    input.FillBits(2, [two](Random* random) {
      return static_cast<uint32_t>(random->Bits()) & ~two;
    });
    for (int64_t token = 0; token < shape.tokens; token += kSmallTokens) {
      rotary_apply_args args = WithRows();
      args.tokens = std::min(kSmallTokens, shape.tokens - token);
      args.first_row = token;
      Apply(args, OutOfPlace(input.view().Tokens(token, args.tokens),
                             expected.view().Tokens(token, args.tokens),
                             formats, part.rotary_offset));
    }
  }

  rotary_apply_args WithRows() const {
    rotary_apply_args args = MakeApplyArgs(1, shape.tokens, no_tensors);
    args.rows = rows.get();
    args.num_threads = 1;
    return args;
  }
  rotary_apply_args OneShot() const {
    rotary_apply_args args = WithRows();
    args.rows = nullptr;
    args.embedding = embedding.get();
    args.positions = &positions;
    return args;
  }
  rotary_apply_args ByOwnCosSin() const {
    rotary_apply_args args = WithRows();
    args.rows = nullptr;
    args.cos_sin = &cos_sin;
    return args;
  }
  void Apply(rotary_apply_args args, const rotary_tensor& tensor) const {
    args.tensors = &tensor;
    args.num_tensors = 1;
    ApplyOk(args);
  }

  // In place, and out of place with each kind of store.
  void Check(const Strides& strides, int64_t misalignment,
             const std::vector<const char*>& targets) const {
    const StridedTensor x(formats.from, shape, strides, Flush::kEnd,
                          misalignment);
    const StridedTensor y(formats.to, shape, strides, Flush::kStart,
                          misalignment);
    for (const char* target : targets) {
      CAPTURE(target);
      CheckOn(WithRows(), target, x.view(), y);
      // Where rows come from makes no difference to a target.
      if (target != targets.front() && !LongTests()) continue;
      CheckOn(OneShot(), target, x.view(), y);
      CheckOn(ByOwnCosSin(), target, x.view(), y);
    }
  }

  void CheckOn(rotary_apply_args args, const char* target, const View& x,
               const StridedTensor& y) const {
    args.target = target;
    CopyValues(input.view(), x);
    for (const rotary_store store :
         {ROTARY_STORE_AUTO, ROTARY_STORE_KEEP, ROTARY_STORE_STREAM}) {
      CAPTURE(store);
      std::memset(y.memory(), 0,
                  static_cast<size_t>(y.size()) * ElementBytes(formats.to));
      rotary_tensor tensor =
          OutOfPlace(x, y.view(), formats, part.rotary_offset);
      tensor.output_store = store;
      Apply(args, tensor);
      CHECK(SameValues(y.view(), expected.view()));
    }
    if (!formats.same_size()) return;
    Apply(args, InPlace(x, formats, part.rotary_offset));
    CHECK(SameValues(x.As(formats.to), expected.view()));
  }

  std::vector<rotary_tensor> no_tensors;
  Formats formats;
  Part part;
  Shape shape;
  Embedding embedding;
  std::vector<int64_t> ids;
  rotary_positions positions;
  Rows rows;
  RowValues values;
  rotary_cos_sin cos_sin;
  StridedTensor input;
  StridedTensor expected;
};

}  // namespace

TEST_CASE("large calls: the bits of small ones") {
  const OneProcessor one_processor;
  const std::vector<Formats> some = {
      {ROTARY_F32, ROTARY_F32, ROTARY_HALF, ROTARY_HALF},
      {ROTARY_F32, ROTARY_F32, ROTARY_INTERLEAVED, ROTARY_INTERLEAVED},
      {ROTARY_BF16, ROTARY_BF16, ROTARY_HALF, ROTARY_HALF},
      {ROTARY_F16, ROTARY_BF16, ROTARY_INTERLEAVED, ROTARY_HALF},
      {ROTARY_F32, ROTARY_F16, ROTARY_INTERLEAVED, ROTARY_INTERLEAVED}};
  for (const Formats& formats : Effort(some, AllFormats())) {
    CAPTURE(Describe(formats));
    const Problem problem(formats, kSome);
    const Shape& shape = problem.shape;
    const int64_t row = shape.heads * shape.head_dim;
    problem.Check(StridesOf(shape), 0, Targets());
    const std::vector<const char*> best = {Targets().front()};
    problem.Check({0, -row, shape.head_dim}, 0, best);
    if (formats.from != ROTARY_F32 && !LongTests()) continue;
    problem.Check(StridesOf(shape), 1, best);
    problem.Check(StridesOf(shape, Order::kBhsd), 0, best);
    problem.Check({0, row, -shape.head_dim}, 0, best);
  }
}

TEST_CASE("large calls: whole heads of f32") {
  const OneProcessor one_processor;
  for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
    CAPTURE(pairing);
    const Formats formats = {ROTARY_F32, ROTARY_F32, pairing, pairing};
    for (const Part& part :
         {Part{128, 0, 128}, Part{256, 0, 256}, Part{80, 0, 80}}) {
      CAPTURE(part.head_dim);
      const Problem problem(formats, part);
      problem.Check(StridesOf(problem.shape), 0, Targets());
      const std::vector<const char*> best = {Targets().front()};
      problem.Check(StridesOf(problem.shape, Order::kBhsd), 1, best);
    }
  }
}

}  // namespace rotary_test
