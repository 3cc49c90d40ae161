// Every target x pairing x rotary_dim x place, with drawn offsets, sizes, gaps,
// alignments, modes and stores, against the reference within its bound.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <sstream>
#include <string>
#include <vector>

#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/strided.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

// A gain, and positions of every size: 0 has a sine of 0.
constexpr double kGain = 1.138629436;
constexpr int64_t kMaxBatch = 2;
constexpr int64_t kMaxTokens = 3;
const std::vector<int64_t> kPositions = {
    0, 1, 77, -5, 300, 70001, 16777217, 2147483647, -2147483647, 2};

// Where the output goes.
enum class Place { kNullOutput, kSamePointer, kOutOfPlace };

// All even sizes around the vectors of every target, and those of models.
std::vector<int64_t> RotaryDims() {
  std::vector<int64_t> dims;
  for (int64_t dim = 2; dim <= 70; dim += 2) dims.push_back(dim);
  for (const int64_t dim : {80, 96, 112, 128, 160, 192, 256, 576, 4098}) {
    dims.push_back(dim);
  }
  return dims;
}

// What is not drawn: the embedding, and rows of each mode.
struct Source {
  explicit Source(int64_t dim)
      : rotary_dim(dim), embedding(MakeEmbedding(dim, 10000, kGain)) {
    for (const rotary_mode mode :
         {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
      rows.push_back(MakeRows(embedding.get(), kPositions, mode));
      values.push_back(ReadRows(rows.back().get()));
    }
  }

  int64_t rotary_dim;
  Embedding embedding;
  std::vector<Rows> rows;  // by mode
  std::vector<RowValues> values;
};

struct Case {
  rotary_pairing pairing;
  Place place;
  int64_t extra;  // head_dim - rotary_dim
  int64_t rotary_offset = 0;
  int64_t batch = 1;
  int64_t tokens = 2;
  int64_t heads = 3;
  int64_t head_gap = 0;
  int64_t token_gap = 0;
  Flush flush = Flush::kEnd;
  int64_t input_misalignment = 0;
  int64_t output_misalignment = 0;
  rotary_mode mode = ROTARY_FORWARD;
  bool transpose = false;
  bool from_rows = true;
  rotary_store store = ROTARY_STORE_AUTO;
  uint64_t seed = 1;
};

std::string Describe(const Case& c) {
  std::ostringstream text;
  text << "pairing " << c.pairing << ", place " << static_cast<int>(c.place)
       << ", extra " << c.extra << ", rotary_offset " << c.rotary_offset
       << ", batch " << c.batch << ", tokens " << c.tokens << ", heads "
       << c.heads << ", head_gap " << c.head_gap << ", token_gap "
       << c.token_gap << ", flush " << static_cast<int>(c.flush)
       << ", misalignments " << c.input_misalignment << " and "
       << c.output_misalignment << ", mode " << c.mode << ", transpose "
       << c.transpose << ", from_rows " << c.from_rows << ", store " << c.store;
  return text.str();
}

// The rest of a Case, drawn.
void Draw(Random* random, Case* c) {
  c->rotary_offset =
      random->Choose<int64_t>({0, std::min<int64_t>(1, c->extra), c->extra / 2,
                               (c->extra / 2) | (c->extra & 1), c->extra});
  c->batch = random->Integer(1, kMaxBatch);
  c->tokens = random->Integer(1, kMaxTokens);
  c->heads = random->Choose<int64_t>({1, 2, 3, 5, 8});
  c->head_gap = random->Choose<int64_t>({0, 0, 1, 16});
  c->token_gap = random->Choose<int64_t>({0, 0, 3, 32});
  c->flush = random->Choose<Flush>({Flush::kStart, Flush::kEnd});
  c->input_misalignment = random->Integer(0, 3);
  c->output_misalignment = random->Integer(0, 3);
  c->mode = random->Choose<rotary_mode>(
      {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT});
  c->transpose = random->Integer(0, 2) == 0;
  c->from_rows = random->Integer(0, 2) != 0;
  c->store = random->Choose<rotary_store>(
      {ROTARY_STORE_AUTO, ROTARY_STORE_KEEP, ROTARY_STORE_STREAM});
  c->seed = random->Bits();
}

// Sets the elements that are not rotated to any bits, every second a NaN.
void FillRest(const Case& c, int64_t rotary_dim, const View& view) {
  Random random(c.seed + 1);
  for (int64_t b = 0; b < c.batch; ++b) {
    for (int64_t t = 0; t < c.tokens; ++t) {
      for (int64_t h = 0; h < c.heads; ++h) {
        for (int64_t i = 0; i < view.shape.head_dim; ++i) {
          if (i == c.rotary_offset) i += rotary_dim;
          if (i >= view.shape.head_dim) break;
          const auto any = static_cast<uint32_t>(random.Bits());
          const uint32_t bits = (any & 1) != 0 ? any | 0x7f800000u : any;
          std::memcpy(view.Head(b, t, h) + i, &bits, sizeof(bits));
        }
      }
    }
  }
}

// Runs a case on input, whose elements are set, and compares.
void Run(const Case& c, const Source& source, const char* target,
         const StridedTensor& input) {
  const View& view = input.view();
  const StridedTensor output(view.shape, view.strides, c.flush,
                             c.output_misalignment);
  const bool out_of_place = c.place == Place::kOutOfPlace;
  std::vector<rotary_tensor> tensors = {
      c.place == Place::kNullOutput
          ? InPlace(view, c.pairing, c.rotary_offset)
          : OutOfPlace(view, out_of_place ? output.view() : view, c.pairing,
                       c.rotary_offset)};
  tensors[0].output_store = c.store;

  // Rows from the second on; the positions are the same ones.
  const auto mode = static_cast<size_t>(c.mode);
  const std::vector<int64_t> ids(kPositions.begin() + 1,
                                 kPositions.begin() + 1 + c.batch * c.tokens);
  const rotary_positions positions = MakePositions(ids);
  rotary_apply_args args = MakeApplyArgs(c.batch, c.tokens, tensors);
  args.target = target;
  args.transpose = c.transpose ? 1 : 0;
  args.num_threads = 1;
  if (c.from_rows) {
    args.rows = source.rows[mode].get();
    args.first_row = 1;
  } else {
    args.embedding = source.embedding.get();
    args.positions = &positions;
    args.mode = c.mode;
  }
  const TensorRotation rotation{c.pairing,
                                c.rotary_offset,
                                source.rotary_dim,
                                source.values[mode].cos.data(),
                                source.values[mode].sin.data(),
                                c.tokens,
                                1,
                                c.transpose,
                                1};

  const Snapshot before(input);
  ApplyOk(args);
  CHECK_EQ(CompareRotated(before.view(), out_of_place ? output.view() : view,
                          rotation),
           "");
  CHECK(input.GapsIntact());
  if (out_of_place) {
    CHECK(output.GapsIntact());
    CHECK(before.SameBits(input));
  }
}

void RunRandom(const Case& c, const Source& source, const char* target) {
  CAPTURE(Describe(c));
  const Shape shape{c.batch, c.tokens, c.heads, source.rotary_dim + c.extra};
  StridedTensor input(shape,
                      StridesOf(shape, Order::kBshd, c.head_gap, c.token_gap),
                      c.flush, c.input_misalignment);
  input.FillRandom(c.seed);
  FillRest(c, source.rotary_dim, input.view());
  Run(c, source, target, input);
}

}  // namespace

TEST_CASE("apply: every target, pairing, rotary_dim and place") {
  const int draws = Effort(2, 40);
  for (const int64_t rotary_dim : RotaryDims()) {
    CAPTURE(rotary_dim);
    const Source source(rotary_dim);
    ForEachTarget([&](const char* target) {
      Random random(static_cast<uint64_t>(rotary_dim));
      for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
        for (const Place place :
             {Place::kNullOutput, Place::kSamePointer, Place::kOutOfPlace}) {
          for (const int64_t extra : {0, 1, 7, 64}) {
            Case c{pairing, place, extra};
            // The last rotated element touches the last guard page, then the
            // first one the first.
            c.rotary_offset = extra;
            RunRandom(c, source, target);
            c.rotary_offset = 0;
            c.flush = Flush::kStart;
            RunRandom(c, source, target);
            for (int i = 0; i < draws; ++i) {
              Draw(&random, &c);
              RunRandom(c, source, target);
            }
          }
        }
      }
    });
  }
}

TEST_CASE("apply: streaming stores, aligned and not") {
  const Source source(64);
  ForEachTarget([&](const char* target) {
    for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
      for (const int64_t extra : {0, 16, 8, 1}) {
        for (int64_t misalignment = 0; misalignment <= 16; ++misalignment) {
          Case c{pairing, Place::kOutOfPlace, extra};
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
  using Limits = std::numeric_limits<float>;
  const std::vector<float> specials = {Limits::quiet_NaN(),
                                       FloatFromBits(0xffc12345u),
                                       FloatFromBits(0x7f800001u),
                                       Limits::infinity(),
                                       -Limits::infinity(),
                                       0.0f,
                                       -0.0f,
                                       Limits::denorm_min(),
                                       -Limits::denorm_min(),
                                       FloatFromBits(0x007fffffu),
                                       FloatFromBits(0x80012345u),
                                       Limits::min(),
                                       Limits::max(),
                                       -Limits::max(),
                                       1.0f,
                                       -1.5f};
  for (const int64_t rotary_dim : {2, 6, 16, 30, 38, 64, 66}) {
    CAPTURE(rotary_dim);
    const Source source(rotary_dim);
    ForEachTarget([&](const char* target) {
      Random random(7);
      for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
        for (const Place place : {Place::kNullOutput, Place::kOutOfPlace}) {
          for (int i = 0; i < Effort(6, 60); ++i) {
            Case c{pairing, place, 3};
            Draw(&random, &c);
            CAPTURE(Describe(c));
            const Shape shape{c.batch, c.tokens, c.heads, rotary_dim + 3};
            StridedTensor input(shape, StridesOf(shape));
            for (int64_t e = 0; e < input.size(); ++e) {
              // By memcpy: a signaling NaN stays one.
              std::memcpy(input.memory() + e, &random.Choose(specials),
                          sizeof(float));
            }
            Run(c, source, target, input);
          }
        }
      }
    });
  }
}

}  // namespace rotary_test
