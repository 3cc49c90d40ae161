// Every target x dtypes x pairings x rotary_dim x place, with drawn offsets,
// sizes, gaps, alignments, modes and stores, against the reference within its
// bound.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <limits>
#include <vector>

#include "tests/apply/formats.h"
#include "tests/apply/matrix_case.h"
#include "tests/support/effort.h"
#include "tests/support/random.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// All even sizes around the vectors of every target, and those of models.
std::vector<int64_t> RotaryDims() {
  std::vector<int64_t> dims;
  for (int64_t dim = 2; dim <= 70; dim += 2) dims.push_back(dim);
  for (const int64_t dim : {80, 96, 112, 128, 160, 192, 256, 576, 4098}) {
    dims.push_back(dim);
  }
  return dims;
}

// In place a change of pairing is limited.
bool IsLegal(const Case& c, int64_t rotary_dim) {
  return c.place == Place::kOutOfPlace || c.formats.same_pairing() ||
         rotary_dim + c.extra <= 4096;
}

// Cases of one rotary_dim: the last rotated element touches the last guard
// page, then the first one the first; and so many that are drawn.
void RunDrawn(const Formats& formats, int64_t extra, int draws,
              const Source& source, const char* target, Random* random) {
  for (const Place place : PlacesOf(formats)) {
    Case c{formats, place, extra};
    if (!IsLegal(c, source.rotary_dim)) continue;
    c.rotary_offset = extra;
    RunRandom(c, source, target);
    c.rotary_offset = 0;
    c.flush = Flush::kStart;
    RunRandom(c, source, target);
    for (int i = 0; i < draws; ++i) {
      Draw(random, &c);
      RunRandom(c, source, target);
    }
  }
}

// Bits of numbers that are none, or at an end of their dtype, or of f16.
std::vector<uint32_t> Specials(rotary_dtype dtype) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const uint32_t infinity = Nearest(dtype, kInfinity);
  const uint32_t sign = Nearest(dtype, -0.0);
  // The least normal number is the least power of 2 whose neighbors are as near
  // as those of 0.
  const uint32_t least =
      Nearest(dtype, dtype == ROTARY_F16 ? 0x1p-14 : 0x1p-126);
  std::vector<uint32_t> bits = {infinity,
                                sign | infinity,
                                infinity + 1,
                                sign | (infinity + 1),
                                Nearest(dtype, -kInfinity + kInfinity),
                                0,
                                sign,
                                1,
                                sign | 1,
                                least - 1,
                                sign | (least - 2),
                                least,
                                infinity - 1,
                                sign | (infinity - 1)};
  for (const double value : {1.0, -1.5, 65504.0, -65519.0, 65520.0, -65536.0,
                             0x1p-14, 0x1p-24, -0x1p-25, 0x1.8p-25, 0x1p-133}) {
    bits.push_back(Nearest(dtype, value));
  }
  return bits;
}

}  // namespace

TEST_CASE("apply: every target, rotary_dim and place, of some formats") {
  // f32 that stays so meets every rotary_dim; the others do in turns.
  const std::vector<Formats> f32 = {
      {ROTARY_F32, ROTARY_F32, ROTARY_HALF, ROTARY_HALF},
      {ROTARY_F32, ROTARY_F32, ROTARY_INTERLEAVED, ROTARY_INTERLEAVED}};
  const std::vector<Formats> all = AllFormats();
  const size_t turns = Effort<size_t>(3, all.size());
  size_t next = 0;
  for (const int64_t rotary_dim : RotaryDims()) {
    CAPTURE(rotary_dim);
    const Source source(rotary_dim);
    std::vector<Formats> others;
    while (others.size() < turns) others.push_back(all[next++ % all.size()]);
    ForEachTarget([&](const char* target) {
      Random random(static_cast<uint64_t>(rotary_dim));
      const auto run = [&](const std::vector<Formats>& some, int64_t extra) {
        for (const Formats& formats : some) {
          RunDrawn(formats, extra, Effort(1, 10), source, target, &random);
        }
      };
      for (const int64_t extra : {0, 1, 7, 64}) run(f32, extra);
      for (const int64_t extra : {0, 7}) run(others, extra);
    });
  }
}

TEST_CASE("apply: every target, format and place, of some rotary_dims") {
  for (const int64_t rotary_dim :
       {2, 4, 6, 8, 14, 16, 18, 30, 32, 34, 62, 64, 66, 126, 192}) {
    CAPTURE(rotary_dim);
    const Source source(rotary_dim);
    ForEachTarget([&](const char* target) {
      Random random(static_cast<uint64_t>(rotary_dim) + 1);
      for (const Formats& formats : AllFormats()) {
        RunDrawn(formats, 1 + rotary_dim % 7, Effort(1, 10), source, target,
                 &random);
      }
    });
  }
}

TEST_CASE("apply: streaming stores, aligned and not") {
  const Source source(64);
  ForEachTarget([&](const char* target) {
    for (const Formats& formats : AllFormats()) {
      for (const int64_t extra : {0, 32, 16, 8, 1}) {
        for (const int64_t misalignment : {0, 1, 2, 4, 8, 16, 32}) {
          Case c{formats, Place::kOutOfPlace, extra};
          c.rotary_offset = extra;
          c.flush = Flush::kStart;
          c.output_misalignment = misalignment;
          c.store = ROTARY_STORE_STREAM;
          RunRandom(c, source, target);
        }
      }
    }
  });
}

TEST_CASE("apply: NaN, infinity, subnormals, zeros and overflow") {
  for (const int64_t rotary_dim : {2, 6, 16, 30, 38, 64, 66}) {
    CAPTURE(rotary_dim);
    const Source source(rotary_dim);
    ForEachTarget([&](const char* target) {
      Random random(7);
      for (const Formats& formats : AllFormats()) {
        const std::vector<uint32_t> specials = Specials(formats.from);
        for (const Place place : PlacesOf(formats)) {
          for (int i = 0; i < Effort(2, 30); ++i) {
            Case c{formats, place, 3};
            Draw(&random, &c);
            CAPTURE(Describe(c));
            StridedTensor input = MakeInput(c, source);
            input.FillBits(c.seed,
                           [&](Random* any) { return any->Choose(specials); });
            RunOn(c, source, target, input);
          }
        }
      }
    });
  }
}

}  // namespace rotary_test
