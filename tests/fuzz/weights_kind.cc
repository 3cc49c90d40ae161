// Weights whose rows change places, against the definition byte by byte.
#include <algorithm>
#include <cstring>

#include "tests/apply/weights_model.h"
#include "tests/config/fuzzed_call.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/drawn_tensor.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/models.h"

namespace rotary_test {
namespace {

constexpr int64_t kMemory = 6144;
constexpr int64_t kRow0 = kMemory / 2;

WeightsShape DrawShape(Input* input) {
  constexpr int64_t kSizes[] = {1, 2, 3, 4, 8};
  WeightsShape shape;
  shape.element_size = input->Of(kSizes);
  shape.heads = input->Integer(0, 3);
  shape.rotary_dim = 2 * input->Integer(0, 6);
  shape.rotary_offset = input->Integer(0, 3);
  shape.head_dim =
      shape.rotary_offset + shape.rotary_dim + input->Integer(0, 3);
  shape.columns = input->Integer(0, 4);
  shape.from = input->Of(kPairings);
  shape.to = input->Of(kPairings);
  return shape;
}

int64_t DrawStride(Input* input, int64_t columns) {
  if (input->Flag()) return ROTARY_DENSE;
  const int64_t stride = columns + input->Integer(0, 1);
  return input->Flag() ? stride : -stride;
}

void Corrupt(Input* input, WeightsShape* shape, int64_t* input_stride,
             int64_t* output_stride) {
  int64_t* const fields[] = {&shape->element_size, &shape->heads,
                             &shape->head_dim,     &shape->rotary_offset,
                             &shape->rotary_dim,   &shape->columns,
                             input_stride,         output_stride};
  const int64_t field = input->Integer(0, 9);
  const int64_t value = Value64(input);
  if (field == 8) shape->from = Value32(input);
  if (field == 9) shape->to = Value32(input);
  if (field > 7) return;
  // Neither so large that it is valid and leaves memory.
  const bool is_small = value > -100 && value < 100;
  if (is_small && field < 6) {
    *fields[field] = std::min<int64_t>(value, 1);
  } else {
    *fields[field] = is_small ? value / 4 : value;
  }
}

// The rows one by one; nothing of an empty shape.
void WriteTo(const WeightsShape& shape, const uint8_t* from, int64_t from_step,
             uint8_t* to, int64_t to_step) {
  for (int64_t row = 0; row < shape.rows(); ++row) {
    const int64_t h = row / shape.head_dim;
    const int64_t e = row % shape.head_dim - shape.rotary_offset;
    int64_t source = row;
    if (e >= 0 && e < shape.rotary_dim) {
      const bool half = shape.to == ROTARY_HALF;
      const int64_t pairs = shape.rotary_dim / 2;
      const int64_t which = half ? e / pairs : e % 2;
      const int64_t pair = half ? e % pairs : e / 2;
      source = h * shape.head_dim + shape.rotary_offset +
               PlaceOf(shape.from, shape.rotary_dim, pair, which);
    }
    std::memcpy(to + row * to_step, from + source * from_step,
                static_cast<size_t>(shape.row_bytes()));
  }
}

}  // namespace

bool FuzzWeights(Input* input) {
  Arena& arena = Arena::Get();
  WeightsShape shape = DrawShape(input);
  int64_t input_stride = DrawStride(input, shape.columns);
  int64_t output_stride = DrawStride(input, shape.columns);
  uint8_t* const from = arena.Take(kMemory, 1) + kRow0;
  uint8_t* to = arena.Take(kMemory, 1) + kRow0;
  FillBytes(input, from - kRow0, kMemory);
  FillBytes(input, to - kRow0, kMemory);
  const bool in_place = input->Once(3);
  if (in_place) to = nullptr;
  if (input->Once(8)) to = from + input->Integer(-200, 200);
  if (input->Once(4)) Corrupt(input, &shape, &input_stride, &output_stride);
  arena.Seal();
  Told told;
  const rotary_status status = PermuteWeights(shape, from, input_stride, to,
                                              output_stride, told.error());
  told.CheckStatus(status);
  if (status == ROTARY_OK && !shape.empty()) {
    const auto step = [&](int64_t stride) {
      if (shape.rows() == 1) return int64_t{0};
      return (stride == ROTARY_DENSE ? shape.columns : stride) *
             shape.element_size;
    };
    uint8_t* const expected = arena.Kept(to == nullptr ? from : to);
    arena.KeepSealed();
    WriteTo(shape, arena.Sealed(from), step(input_stride), expected,
            step(to == nullptr ? input_stride : output_stride));
    Check(arena.IsAsKept(), "rows are at other places");
  } else {
    Check(arena.IsAsSealed(), "a call that fails wrote");
  }
  return status == ROTARY_OK;
}

}  // namespace rotary_test
