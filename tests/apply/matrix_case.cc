// The drawing, running and comparing of matrix_case.h.
#include "tests/apply/matrix_case.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "tests/support/reference.h"

namespace rotary_test {
namespace {

constexpr double kGain = 1.138629436;
constexpr int64_t kMaxBatch = 2;
constexpr int64_t kMaxTokens = 3;
// The first is never used: a call's rows begin at the second.
const std::vector<int64_t> kPositions = {
    7, 77, 0, ROTARY_NO_POSITION_I64, -5, 70001, -2147483647, 2147483647};
static_assert(kMaxBatch * kMaxTokens < 8);

// Sets the elements that are not rotated to any bits, every second a NaN or
// infinite.
void FillRest(const Case& c, int64_t rotary_dim, const View& view) {
  const uint32_t infinity = Nearest(view.dtype, 1e300);
  Random random(c.seed + 1);
  for (int64_t b = 0; b < c.batch; ++b) {
    for (int64_t t = 0; t < c.tokens; ++t) {
      for (int64_t h = 0; h < c.heads; ++h) {
        for (int64_t i = 0; i < view.shape.head_dim; ++i) {
          if (i == c.rotary_offset) i += rotary_dim;
          if (i >= view.shape.head_dim) break;
          const auto any = static_cast<uint32_t>(random.Bits());
          StoreBits(view.dtype, view.Head(b, t, h), i,
                    (any & 1) != 0 ? any | infinity : any);
        }
      }
    }
  }
}

}  // namespace

std::vector<Place> PlacesOf(const Formats& formats) {
  if (formats.same()) {
    return {Place::kNullOutput, Place::kSamePointer, Place::kOutOfPlace};
  }
  if (formats.same_size()) return {Place::kSamePointer, Place::kOutOfPlace};
  return {Place::kOutOfPlace};
}

Source::Source(int64_t dim)
    : rotary_dim(dim), embedding(MakeEmbedding(dim, 10000, kGain)) {
  for (const rotary_mode mode :
       {ROTARY_FORWARD, ROTARY_INVERSE, ROTARY_SHIFT}) {
    rows.push_back(MakeRows(embedding.get(), kPositions, mode));
    values.push_back(ReadRows(rows.back().get()));
  }
}

std::string Describe(const Case& c) {
  std::ostringstream text;
  text << Describe(c.formats) << ", place " << static_cast<int>(c.place)
       << ", extra " << c.extra << ", rotary_offset " << c.rotary_offset
       << ", batch " << c.batch << ", tokens " << c.tokens << ", heads "
       << c.heads << ", head_gap " << c.head_gap << ", token_gap "
       << c.token_gap << ", flush " << static_cast<int>(c.flush)
       << ", misalignments " << c.input_misalignment << " and "
       << c.output_misalignment << ", mode " << c.mode << ", transpose "
       << c.transpose << ", from_rows " << c.from_rows << ", store " << c.store;
  return text.str();
}

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

StridedTensor MakeInput(const Case& c, const Source& source) {
  const Shape shape{c.batch, c.tokens, c.heads, source.rotary_dim + c.extra};
  return StridedTensor(c.formats.from, shape,
                       StridesOf(shape, Order::kBshd, c.head_gap, c.token_gap),
                       c.flush, c.input_misalignment);
}

void RunOn(const Case& c, const Source& source, const char* target,
           const StridedTensor& input) {
  const View& view = input.view();
  const StridedTensor output(c.formats.to, view.shape, view.strides, c.flush,
                             c.output_misalignment);
  const bool out_of_place = c.place == Place::kOutOfPlace;
  std::vector<rotary_tensor> tensors = {
      out_of_place ? OutOfPlace(view, output.view(), c.formats, c.rotary_offset)
                   : InPlace(view, c.formats, c.rotary_offset)};
  if (c.place == Place::kNullOutput) tensors[0].output = nullptr;
  tensors[0].output_store = c.store;

  // The positions are those of the rows from the second on.
  const auto mode = static_cast<size_t>(c.mode);
  const std::vector<int64_t> ids(kPositions.begin() + 1, kPositions.end());
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
  TensorRotation rotation{c.formats.input_pairing,
                          c.rotary_offset,
                          source.rotary_dim,
                          source.values[mode].cos.data(),
                          source.values[mode].sin.data(),
                          c.tokens,
                          1};
  rotation.transpose = c.transpose;
  rotation.first_row = 1;
  rotation.output_pairing = c.formats.output_pairing;
  rotation.positions = kPositions.data();

  const Snapshot before(input);
  ApplyOk(args);
  CHECK_EQ(CompareRotated(before.view(),
                          out_of_place ? output.view() : view.As(c.formats.to),
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
  StridedTensor input = MakeInput(c, source);
  input.FillRandom(c.seed);
  FillRest(c, source.rotary_dim, input.view());
  RunOn(c, source, target, input);
}

}  // namespace rotary_test
