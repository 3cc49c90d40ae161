// A change of pairing or dtype in place gives what it gives out of place, bit
// for bit, whatever of a token is copied at a time on the way.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// What is copied: so many bytes at a time at most, whole heads of it.
constexpr int64_t kTileBytes = 16384;

// Those that change something.
std::vector<Formats> Changes() {
  std::vector<Formats> changes;
  for (const Formats& formats : InPlaceFormats()) {
    if (!formats.same()) changes.push_back(formats);
  }
  return changes;
}

struct Width {
  int64_t head_dim;
  int64_t rotary_dim;
  int64_t rotary_offset;
};

// Rows, and positions for calls without, of which some are none.
struct Source {
  Source(const Width& width_, int64_t count)
      : width(width_),
        embedding(MakeEmbedding(width.rotary_dim, 500000, 1.138629436)),
        ids(RandomPositions(count, 3)) {
    for (size_t i = 1; i < ids.size(); i += 5) ids[i] = ROTARY_NO_POSITION_I64;
    positions = MakePositions(ids);
    rows = MakeRows(embedding.get(), ids);
  }

  rotary_apply_args Args(const Shape& shape, bool from_rows,
                         const std::vector<rotary_tensor>& tensors) const {
    rotary_apply_args args = MakeApplyArgs(shape.batch, shape.tokens, tensors);
    if (from_rows) {
      args.rows = rows.get();
    } else {
      args.embedding = embedding.get();
      args.positions = &positions;
    }
    return args;
  }

  Width width;
  Embedding embedding;
  std::vector<int64_t> ids;
  rotary_positions positions;
  Rows rows;
};

// A call in place against one with rows out of place, which the matrix tests
// compare with the reference; `gap` elements behind each head.
void Check(const Source& source, int64_t tokens, int64_t heads, int64_t gap,
           const Formats& formats, bool from_rows, int32_t threads,
           const char* target) {
  CAPTURE(Describe(formats));
  CAPTURE(source.width.head_dim);
  CAPTURE(source.width.rotary_dim);
  CAPTURE(heads);
  CAPTURE(from_rows);
  CAPTURE(threads);
  const Shape shape{1, tokens, heads, source.width.head_dim};
  const Strides strides = StridesOf(shape, Order::kBshd, gap);
  StridedTensor tensor(formats.from, shape, strides, Flush::kStart, gap);
  const StridedTensor output(formats.to, shape, strides);
  tensor.FillRandom(static_cast<uint64_t>(heads));
  const int64_t offset = source.width.rotary_offset;
  const std::vector<rotary_tensor> elsewhere = {
      OutOfPlace(tensor.view(), output.view(), formats, offset)};
  ApplyOk(source.Args(shape, true, elsewhere));
  const std::vector<rotary_tensor> in_place = {
      InPlace(tensor.view(), formats, offset)};
  rotary_apply_args args = source.Args(shape, from_rows, in_place);
  args.num_threads = threads;
  args.target = target;
  ApplyOk(args);
  CHECK(SameValues(tensor.view().As(formats.to), output.view()));
  CHECK(tensor.GapsIntact());
}

}  // namespace

TEST_CASE("in place: as many heads as are copied at a time, and others") {
  constexpr int64_t kTokens = 2;
  const std::vector<Width> some = {
      {128, 128, 0}, {192, 64, 128}, {67, 30, 5}, {2048, 2048, 0}};
  const std::vector<Width> all = {
      {128, 128, 0},  {192, 64, 128}, {67, 30, 5},       {2048, 2048, 0},
      {576, 64, 511}, {1000, 998, 1}, {4096, 128, 3001}, {32, 2, 30}};
  for (const Width& width : Effort(some, all)) {
    const Source source(width, kTokens);
    for (const Formats& formats : Changes()) {
      const int64_t copied =
          formats.from == formats.to ? width.rotary_dim : width.head_dim;
      const int64_t fit = kTileBytes / copied /
                          static_cast<int64_t>(ElementBytes(formats.from));
      ForEachTarget([&](const char* target) {
        Check(source, kTokens, fit + 1, 1, formats, true, 1, target);
      });
      for (const int64_t heads : {int64_t{1}, fit - 1, fit, 2 * fit + 1}) {
        if (heads == 0) continue;
        Check(source, kTokens, heads, heads % 3, formats, false, 1, nullptr);
        Check(source, kTokens, heads, 0, formats, true, 2, nullptr);
      }
    }
  }
}

TEST_CASE("in place: the widest heads, in one call also without rows") {
  // A call without rows makes those of 1152 pairs at a time.
  const std::vector<Width> some = {{4096, 4096, 0}, {4096, 2306, 1000}};
  const std::vector<Width> all = {{4096, 4096, 0},    {4096, 2306, 1000},
                                  {4096, 2306, 1790}, {4096, 2304, 1},
                                  {2820, 2818, 1},    {4095, 4094, 1}};
  for (const Width& width : Effort(some, all)) {
    for (const int64_t tokens : {1, 4}) {
      const Source source(width, tokens);
      for (const Formats& formats : Changes()) {
        ForEachTarget([&](const char* target) {
          for (const bool from_rows : {true, false}) {
            Check(source, tokens, 2, 1, formats, from_rows, 1, target);
          }
        });
        for (const int64_t heads : {1, 3}) {
          Check(source, tokens, heads, 0, formats, false, 3, nullptr);
        }
      }
    }
  }
}

TEST_CASE("in place: many tokens and threads") {
  const Width width{80, 48, 16};
  constexpr int64_t kTokens = 150;
  const Source source(width, kTokens);
  for (const Formats& formats : Changes()) {
    for (const int64_t heads : {1, 9}) {
      for (const bool from_rows : {true, false}) {
        for (const int32_t threads : {1, 2, 5}) {
          Check(source, kTokens, heads, 1, formats, from_rows, threads,
                nullptr);
        }
      }
    }
  }
}

TEST_CASE("in place: beside tensors that are not, in any order") {
  // Neighbors in a call, of one kernel or not, of which only some are copied.
  struct Kind {
    Formats formats;
    bool in_place;
    int64_t heads;
  };
  const Formats pairing = {ROTARY_BF16, ROTARY_BF16, ROTARY_INTERLEAVED,
                           ROTARY_HALF};
  const Formats both = {ROTARY_F16, ROTARY_BF16, ROTARY_HALF,
                        ROTARY_INTERLEAVED};
  const Formats same = {ROTARY_BF16, ROTARY_BF16, ROTARY_HALF, ROTARY_HALF};
  std::vector<Kind> kinds = {{pairing, false, 2}, {pairing, true, 3},
                             {pairing, false, 1}, {same, true, 2},
                             {pairing, true, 0},  {both, true, 4},
                             {both, false, 5},    {same, false, 1}};
  Random random(8);
  // The second has more pairs than rows are made of at a time.
  for (const Width& width : {Width{70, 40, 7}, Width{3100, 3080, 3}}) {
    constexpr int64_t kTokens = 5;
    const Source source(width, kTokens);
    const int64_t offset = width.rotary_offset;
    for (int repeat = 0; repeat < 6; ++repeat) {
      CAPTURE(repeat);
      random.Shuffle(&kinds);
      std::vector<std::unique_ptr<StridedTensor>> memory;
      std::vector<View> got;
      std::vector<View> expected;
      std::vector<rotary_tensor> tensors;
      const auto add = [&](rotary_dtype dtype, const Shape& shape) -> View {
        memory.push_back(
            std::make_unique<StridedTensor>(dtype, shape, StridesOf(shape)));
        memory.back()->FillRandom(memory.size());
        return memory.back()->view();
      };
      for (const Kind& kind : kinds) {
        const Shape shape{1, kTokens, kind.heads, width.head_dim};
        const View input = add(kind.formats.from, shape);
        const View output = add(kind.formats.to, shape);
        expected.push_back(add(kind.formats.to, shape));
        // By itself, out of place.
        const std::vector<rotary_tensor> alone = {
            OutOfPlace(input, expected.back(), kind.formats, offset)};
        ApplyOk(source.Args(shape, true, alone));
        got.push_back(kind.in_place ? input.As(kind.formats.to) : output);
        tensors.push_back(
            kind.in_place ? InPlace(input, kind.formats, offset)
                          : OutOfPlace(input, output, kind.formats, offset));
      }
      ApplyOk(source.Args({1, kTokens, 0, 0}, repeat % 2 == 0, tensors));
      for (size_t i = 0; i < kinds.size(); ++i) {
        CAPTURE(i);
        CHECK(SameValues(got[i], expected[i]));
      }
    }
  }
}

}  // namespace rotary_test
