// What a fused pass must give, by the reference of the tests.
#include <cmath>

#include "tests/fused/fused_reference.h"
#include "tests/fused/stored.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/drawn_fused.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

StoredHead HeadOf(const View& view, int64_t b, int64_t t, int64_t h) {
  StoredHead head = {};
  head.dtype = view.dtype;
  for (int64_t e = 0; e < view.shape.head_dim; ++e) {
    head.numbers.push_back(ValueOf(view.dtype, view.Bits(b, t, h, e)));
  }
  return head;
}

// A dense head of a tile.
StoredHead TileHead(rotary_dtype dtype, int64_t head_dim, const uint8_t* data,
                    const float* scale) {
  StoredHead head = {};
  head.dtype = dtype;
  for (int64_t e = 0; e < head_dim; ++e) {
    if (dtype == ROTARY_Q8_0) {
      const uint8_t* const block = data + e / 32 * 34;
      if (e % 32 == 0) {
        head.scales.push_back(
            ValueOf(ROTARY_F16, LoadBits(ROTARY_F16, block, 0)));
      }
      head.numbers.push_back(ByteValue(ROTARY_I8, block[2 + e % 32]));
    } else if (dtype <= ROTARY_BF16) {
      head.numbers.push_back(ValueOf(dtype, LoadBits(dtype, data, e)));
    } else {
      head.numbers.push_back(ByteValue(dtype, data[e]));
    }
  }
  head.made = dtype == ROTARY_Q8_0 || dtype == ROTARY_I8;
  head.scales_dtype = dtype == ROTARY_Q8_0 ? ROTARY_F16 : ROTARY_F32;
  if (dtype == ROTARY_I8) head.scales.push_back(static_cast<double>(*scale));
  return head;
}

}  // namespace

StoredHead DrawnFused::Got(const SharedFused& shared, int64_t b, int64_t t,
                           int64_t h) const {
  const int64_t token = steps_.Token(shared, b, t);
  if (to_ == To::kCache) {
    return cache_layout_.Head(static_cast<const uint8_t*>(cache_.data),
                              static_cast<const uint8_t*>(cache_.scales),
                              shared.slots[token], h);
  }
  if (to_ != To::kTiles) return HeadOf(output_, b, t, h);
  const int64_t at = token * steps_.shape.heads + h;
  return TileHead(tensor.output_dtype, steps_.shape.head_dim,
                  tiles_ + at * tile_bytes_, tile_scales_ + at);
}

// As it was before the pass.
StoredHead DrawnFused::Given(const Arena& arena, const SharedFused& shared,
                             int64_t b, int64_t t, int64_t h) const {
  if (!has_source_) {
    View before = input_;
    before.data = const_cast<uint8_t*>(arena.Sealed(input_.data));
    return HeadOf(before, b, t, h);
  }
  return source_layout_.Head(arena.Sealed(source_.data),
                             arena.Sealed(source_.scales),
                             shared.sources[steps_.Token(shared, b, t)], h);
}

void DrawnFused::CheckToken(const Arena& arena, const SharedFused& shared,
                            int64_t b, int64_t t) const {
  const int64_t token = steps_.Token(shared, b, t);
  const rotary_pairing from = tensor.input_pairing;
  rotary_pairing to =
      to_ == To::kCache ? cache_.pairing : tensor.output_pairing;
  if (to == 0) to = from;
  FusedSteps steps =
      steps_.Steps(shared, token, tensor.rotary_offset, from, to);
  if (has_source_) steps.undone_hadamard = steps.hadamard;
  std::vector<double> x;
  for (int64_t h = 0; h < steps_.shape.heads; ++h) {
    const StoredHead head = Given(arena, shared, b, t, h);
    for (size_t e = 0; e < head.numbers.size(); ++e) {
      const double scale = head.scales.empty() ? 1.0
                           : head.scales.size() == head.numbers.size()
                               ? head.scales[e]
                           : head.dtype == ROTARY_Q8_0 ? head.scales[e / 32]
                                                       : head.scales[0];
      // Heads are kept as f32.
      x.push_back(
          static_cast<double>(static_cast<float>(head.numbers[e] * scale)));
    }
  }
  const std::vector<Bounded> expected = FusedHeads(steps, x);
  for (int64_t h = 0; h < steps_.shape.heads; ++h) {
    CheckEmpty(CompareStored(
        Got(shared, b, t, h),
        &expected[static_cast<size_t>(h * steps_.shape.head_dim)]));
  }
}

void DrawnFused::CheckResult(const Arena& arena,
                             const SharedFused& shared) const {
  if (!shared.is_plain || shared.model->heads != 1) return;
  for (int64_t b = 0; b < steps_.shape.batch; ++b) {
    for (int64_t t = 0; t < steps_.shape.tokens; ++t) {
      const int64_t token = steps_.Token(shared, b, t);
      if (IsLeftOut(shared, token)) continue;
      // What is not turned may be copied as it was.
      const bool turns =
          steps_.fusion.rotates == 1 && shared.HasPosition(token);
      if (has_source_ && !turns) continue;
      CheckToken(arena, shared, b, t);
    }
  }
}

}  // namespace rotary_test
