// Prepared calls: every number of slices, in any order and from any thread,
// does what rotary_apply does, and each slice its own part.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <thread>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/apply/prepared_call.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

constexpr int64_t kRotaryDim = 44;

const Formats kF32Half = {ROTARY_F32, ROTARY_F32, ROTARY_HALF, ROTARY_HALF};
const Formats kF32Interleaved = {ROTARY_F32, ROTARY_F32, ROTARY_INTERLEAVED,
                                 ROTARY_INTERLEAVED};

// Queries in place and keys out of place, of other strides and formats.
class Problem {
 public:
  Problem(int64_t batch, int64_t tokens, int64_t heads,
          const Formats& q_formats = kF32Half,
          const Formats& k_formats = kF32Interleaved)
      : batch_(batch),
        tokens_(tokens),
        q_shape_{batch, tokens, heads, kRotaryDim + 5},
        k_shape_{batch, tokens, 3, kRotaryDim},
        embedding_(MakeEmbedding(kRotaryDim)),
        q_(q_formats.from, q_shape_, StridesOf(q_shape_, Order::kBshd, 1)),
        k_(k_formats.from, k_shape_, StridesOf(k_shape_, Order::kBhsd)),
        k_output_(k_formats.to, k_shape_, StridesOf(k_shape_)),
        q_expected_(q_formats.to, q_shape_, StridesOf(q_shape_)),
        k_expected_(k_formats.to, k_shape_, StridesOf(k_shape_)) {
    Random random(1);
    for (int64_t i = 0; i < batch * tokens; ++i) {
      ids_.push_back(i % 7 == 3 ? ROTARY_NO_POSITION_I64
                                : random.Integer(-1000000, 1000000));
    }
    positions_ = MakePositions(ids_);
    rows_ = MakeRows(embedding_.get(), ids_);
    Reset();
    tensors_ = {OutOfPlace(q_.view(), q_expected_.view(), q_formats, 5),
                OutOfPlace(k_.view(), k_expected_.view(), k_formats)};
    rotary_apply_args args = Args(true);
    args.num_threads = 1;
    ApplyOk(args);
    tensors_ = {InPlace(q_.view(), q_formats, 5),
                OutOfPlace(k_.view(), k_output_.view(), k_formats)};
  }

  rotary_apply_args Args(bool from_rows) const {
    rotary_apply_args args = MakeApplyArgs(batch_, tokens_, tensors_);
    if (from_rows) {
      args.rows = rows_.get();
    } else {
      args.embedding = embedding_.get();
      args.positions = &positions_;
    }
    return args;
  }

  void Reset() {
    q_.FillRandom(2);
    k_.FillRandom(3);
    k_output_.FillRandom(4);
  }

  bool Done() const {
    return SameValues(q_.view().As(q_expected_.view().dtype),
                      q_expected_.view()) &&
           SameValues(k_output_.view(), k_expected_.view()) &&
           q_.GapsIntact() && k_output_.GapsIntact();
  }

  const StridedTensor& q() const { return q_; }
  const View& q_expected() const { return q_expected_.view(); }

 private:
  int64_t batch_;
  int64_t tokens_;
  Shape q_shape_;
  Shape k_shape_;
  Embedding embedding_;
  std::vector<int64_t> ids_;
  rotary_positions positions_;
  Rows rows_;
  StridedTensor q_;
  StridedTensor k_;
  StridedTensor k_output_;
  StridedTensor q_expected_;
  StridedTensor k_expected_;
  std::vector<rotary_tensor> tensors_;
};

}  // namespace

TEST_CASE("slices: any number of them, in any order") {
  struct Size {
    int64_t batch, tokens, heads;
  };
  // Some have fewer heads than slices, and the last ones none.
  const auto check = [](const Size& size, const Formats& q_formats,
                        const Formats& k_formats) {
    CAPTURE(Describe(q_formats));
    CAPTURE(Describe(k_formats));
    Problem problem(size.batch, size.tokens, size.heads, q_formats, k_formats);
    for (const bool from_rows : {true, false}) {
      ForEachTarget([&](const char* target) {
        const PreparedCall prepared(problem.Args(from_rows), target);
        const int64_t useful = rotary_prepared_slices(prepared.get());
        CHECK_GE(useful, 1);
        for (const int64_t count :
             {int64_t{1}, int64_t{2}, int64_t{3}, int64_t{7}, useful,
              useful + 1, int64_t{64}, int64_t{1000}}) {
          CAPTURE(count);
          CAPTURE(from_rows);
          problem.Reset();
          CHECK(prepared.RunShuffled(count));
          CHECK(problem.Done());
        }
        CHECK(prepared.GuardsIntact());
      });
    }
  };
  for (const Size& size :
       {Size{1, 1, 40}, Size{2, 23, 3}, Size{5, 1, 2}, Size{1, 130, 4},
        Size{1, 1, 1}, Size{0, 3, 2}, Size{2, 0, 2}}) {
    check(size, kF32Half, kF32Interleaved);
  }
  // Every format once as that of the keys, those of one size as the queries'.
  const std::vector<Formats> all = AllFormats();
  const std::vector<Formats> in_place = InPlaceFormats();
  for (size_t i = 0; i < all.size(); ++i) {
    const Formats& q_formats = in_place[i % in_place.size()];
    check({1, 1, 9}, q_formats, all[i]);
    check({2, 11, 2}, q_formats, all[i]);
  }
}

TEST_CASE("slices: from threads of the caller") {
  const Formats both = {ROTARY_BF16, ROTARY_F16, ROTARY_HALF,
                        ROTARY_INTERLEAVED};
  Problem problem(2, 61, 6, both, kF32Interleaved);
  for (const bool from_rows : {true, false}) {
    const PreparedCall prepared(problem.Args(from_rows), nullptr);
    for (const int64_t num_slices : {4, 13}) {
      CAPTURE(num_slices);
      for (int repeat = 0; repeat < 5; ++repeat) {
        problem.Reset();
        // One status for each slice, so that threads share nothing.
        std::vector<rotary_status> statuses(static_cast<size_t>(num_slices),
                                            -1);
        const auto run = [&](int64_t first) {
          for (int64_t s = first; s < num_slices; s += 4) {
            statuses[static_cast<size_t>(s)] = prepared.Run(s, num_slices);
          }
        };
        std::vector<std::thread> threads;
        for (int64_t i = 0; i < 4; ++i) threads.emplace_back(run, i);
        for (std::thread& thread : threads) thread.join();
        CHECK(std::all_of(statuses.begin(), statuses.end(),
                          [](rotary_status s) { return s == ROTARY_OK; }));
        CHECK(problem.Done());
      }
    }
  }
}

TEST_CASE("slices: a prepared call runs again") {
  Problem problem(1, 37, 3);
  const PreparedCall prepared(problem.Args(true), nullptr);
  for (int repeat = 0; repeat < 3; ++repeat) {
    problem.Reset();
    CHECK(prepared.RunShuffled(5));
    CHECK(problem.Done());
  }
}

TEST_CASE("slices: out of place, a slice that runs twice changes nothing") {
  const Shape shape{2, 9, 3, kRotaryDim};
  StridedTensor input(shape, StridesOf(shape));
  const StridedTensor output(shape, StridesOf(shape));
  input.FillRandom(5);
  const Embedding embedding = MakeEmbedding(kRotaryDim);
  rotary_positions positions;
  rotary_positions_init(&positions, sizeof(positions));
  positions.kind = ROTARY_POSITION_STARTS;
  positions.dtype = ROTARY_I64;
  const std::vector<rotary_tensor> tensors = {
      OutOfPlace(input.view(), output.view(), ROTARY_HALF)};
  rotary_apply_args args = MakeApplyArgs(shape.batch, shape.tokens, tensors);
  args.embedding = embedding.get();
  args.positions = &positions;
  const PreparedCall prepared(args, nullptr);
  CHECK(prepared.RunShuffled(4));
  const Snapshot once(output);
  CHECK(prepared.RunShuffled(4));
  CHECK(once.SameBits(output));
}

TEST_CASE("slices: the largest number of slices") {
  // They cannot all be run, but every one that is leaves elements rotated or
  // as they were, and the numbers do not overflow.
  Problem problem(2, 23, 3);
  const PreparedCall prepared(problem.Args(true), nullptr);
  const Snapshot before(problem.q());
  for (const int64_t slice :
       {int64_t{0}, INT64_MAX / 3, INT64_MAX / 2, INT64_MAX - 1}) {
    CHECK_EQ(prepared.Run(slice, INT64_MAX), ROTARY_OK);
  }
  bool whole = true;
  const View& q = problem.q().view();
  for (int64_t b = 0; b < q.shape.batch; ++b) {
    for (int64_t t = 0; t < q.shape.tokens; ++t) {
      for (int64_t h = 0; h < q.shape.heads; ++h) {
        for (int64_t i = 0; i < q.shape.head_dim; ++i) {
          const uint32_t got = q.Bits(b, t, h, i);
          whole = whole && (got == before.view().Bits(b, t, h, i) ||
                            got == problem.q_expected().Bits(b, t, h, i));
        }
      }
    }
  }
  CHECK(whole);
  CHECK(problem.q().GapsIntact());
}

}  // namespace rotary_test
