// An output must not overlap a caller's own cos and sin, nor their positions;
// right beside them it may be.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "tests/config/valid_call.h"

namespace rotary_test {
namespace {

constexpr int64_t kDim = 8;
constexpr int64_t kBatch = 2, kTokens = 3, kHeads = 2;

// Bytes of the shared memory.
struct Bytes {
  int64_t low;
  int64_t high;
};

// One memory with everything in it.
struct SharedCall {
  SharedCall() : memory(8192, 0) {
    rotary_cos_sin_init(&cos_sin, sizeof(cos_sin));
    cos_sin.cos = At(8192);
    cos_sin.sin = At(16384);
    cos_sin.rotary_dim = kDim;
    cos_sin.width = ROTARY_WIDTH_HALVES;
    rotary_positions_init(&positions, sizeof(positions));
    positions.data = At(24576);
    positions.dtype = ROTARY_I64;
    rotary_tensor tensor;
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.heads = kHeads;
    tensor.head_dim = kDim;
    tensor.input = At(0);
    tensor.input_pairing = ROTARY_INTERLEAVED;
    tensors = {tensor};
  }

  char* At(int64_t byte) {
    return reinterpret_cast<char*>(memory.data()) + byte;
  }

  rotary_apply_args Args() const {
    rotary_apply_args args = MakeApplyArgs(kBatch, kTokens, tensors);
    args.cos_sin = &cos_sin;
    args.positions = by_position ? &positions : nullptr;
    args.num_threads = 1;
    return args;
  }

  // Moves the output (of f32, or of `dtype`) of the last tensor over `taken`,
  // element by element.
  void CheckAround(const Bytes& taken, rotary_dtype dtype = ROTARY_F32) {
    const int64_t size = dtype == ROTARY_F32 ? 4 : 2;
    const int64_t bytes = kBatch * kTokens * kHeads * kDim * size;
    const auto index = static_cast<int32_t>(tensors.size()) - 1;
    const std::string name = "tensors[" + std::to_string(index) + "].";
    rotary_tensor& tensor = tensors.back();
    tensor.output_dtype = dtype;
    for (int64_t at = taken.low - bytes - 2 * size; at <= taken.high + 2 * size;
         at += size) {
      CAPTURE(at - taken.low);
      const bool overlaps = at < taken.high && at + bytes > taken.low;
      tensor.output = At(at);
      CheckOne(overlaps, {name + "output"}, index);
      if (dtype != ROTARY_F32) continue;
      // In place.
      const void* const was = tensor.input;
      tensor.input = At(at);
      tensor.output = nullptr;
      CheckOne(overlaps, {name + "input"}, index);
      tensor.input = was;
    }
    tensor.output = nullptr;
  }

  void CheckOne(bool overlaps, Wrong expected, int32_t index) {
    const std::vector<uint32_t> before = memory;
    const rotary_apply_args args = Args();
    std::vector<uint64_t> space(2048);
    rotary_prepared* prepared = nullptr;
    const auto apply = [&](rotary_error* error) {
      return rotary_apply(&args, error);
    };
    const auto prepare = [&](rotary_error* error) {
      return rotary_prepare(&args, space.data(), 16384, &prepared, error);
    };
    if (overlaps) {
      expected.status = ROTARY_ERROR_OVERLAP;
      expected.tensor = index;
      CheckRefused(apply, expected);
      CheckRefused(prepare, expected);
      CHECK(memory == before);
    } else {
      rotary_error error;
      RequireOk(prepare(&error), error);
      RequireOk(apply(&error), error);
      memory = before;
    }
  }

  bool by_position = false;
  std::vector<uint32_t> memory;
  rotary_cos_sin cos_sin;
  rotary_positions positions;
  std::vector<rotary_tensor> tensors;
};

// The bytes that cos_sin.cos takes in [rows] of the strides, from a byte on.
Bytes TakenBy(const rotary_cos_sin& from, int64_t at, int64_t batch,
              int64_t rows) {
  const int64_t size = from.dtype == ROTARY_F32 ? 4 : 2;
  const int64_t elements =
      from.width == ROTARY_WIDTH_PAIRS ? from.rotary_dim / 2 : from.rotary_dim;
  const auto stride = [](int64_t given, int64_t dense) {
    return given == ROTARY_DENSE ? dense : given;
  };
  const int64_t row = stride(from.row_stride, elements);
  Bytes bytes = {0, size};
  for (const auto& [count, step] :
       {std::pair<int64_t, int64_t>{elements, stride(from.element_stride, 1)},
        {kHeads, from.head_stride},
        {rows, row},
        {batch, stride(from.batch_stride, rows * row)}}) {
    const int64_t reach = (count - 1) * step * size;
    (reach < 0 ? bytes.low : bytes.high) += reach;
  }
  return {at + bytes.low, at + bytes.high};
}

struct Layout {
  int64_t batch, row, head, element;
};
const std::vector<Layout> kLayouts = {
    {ROTARY_DENSE, ROTARY_DENSE, 0, ROTARY_DENSE},
    {ROTARY_DENSE, 20, 0, 1},  // gaps
    {100, 30, 0, 2},           // every other element
    {-50, 16, 8, 1},           // rows of heads; sequences backwards
    {ROTARY_DENSE, 0, 0, 1},
    {0, 0, 0, 1},  // one row
    {1, 2, 0, 6},  // transposed
    {ROTARY_DENSE, -9, -70, -1}};

TEST_CASE("an output must not touch cos or sin") {
  for (const bool by_position : {false, true}) {
    CAPTURE(by_position);
    for (const Layout& layout : kLayouts) {
      CAPTURE(layout.row);
      for (const rotary_dtype dtype : {ROTARY_F32, ROTARY_BF16}) {
        CAPTURE(dtype);
        SharedCall call;
        call.by_position = by_position;
        call.cos_sin.dtype = dtype;
        call.cos_sin.rows = 5;  // of which the first is used
        call.cos_sin.batch_stride = layout.batch;
        call.cos_sin.row_stride = layout.row;
        call.cos_sin.head_stride = layout.head;
        call.cos_sin.element_stride = layout.element;
        for (const int64_t at : {8192, 16384}) {
          call.CheckAround(TakenBy(call.cos_sin, at, by_position ? 1 : kBatch,
                                   by_position ? 5 : kTokens),
                           dtype);
        }
      }
    }
  }
}

TEST_CASE("an output must not touch the positions of cos and sin") {
  SharedCall call;
  call.by_position = true;
  call.cos_sin.rows = 1;
  call.CheckAround({24576, 24576 + 6 * 8});
  call.CheckAround({24576, 24576 + 6 * 8}, ROTARY_F16);
  call.positions.kind = ROTARY_POSITION_STARTS;
  call.cos_sin.rows = 3;
  call.CheckAround({24576, 24576 + 2 * 8});
  call.positions.dtype = ROTARY_U32;
  call.positions.batch_stride = -3;
  call.CheckAround({24576 - 3 * 4, 24576 + 4});
  // Between two of them, further apart than an output is long.
  call.positions.batch_stride = 200;
  call.tensors[0].output = call.At(24576 + 4);
  call.CheckOne(false, {}, 0);
  call.tensors[0].output = call.At(24576 + 800 - 384);
  call.CheckOne(false, {}, 0);
  call.tensors[0].output = call.At(24576 + 800 - 380);
  call.CheckOne(true, {"tensors[0].output"}, 0);
  // Nothing is read.
  call.positions.data = nullptr;
  call.tensors[0].output = call.At(24576);
  call.CheckOne(false, {}, 0);
}

TEST_CASE("an output must not touch cu_seqlens of cos and sin") {
  // [1][6] tokens: the bytes of an output are as many.
  for (const rotary_dtype dtype : {ROTARY_I32, ROTARY_I64}) {
    CAPTURE(dtype);
    SharedCall call;
    call.by_position = true;
    call.cos_sin.rows = 1;
    call.positions.kind = ROTARY_POSITION_PACKED;
    call.positions.cu_seqlens = call.At(20480);
    call.positions.cu_seqlens_dtype = dtype;
    call.positions.num_sequences = 4;
    rotary_apply_args args = call.Args();
    args.batch = 1;
    args.tokens = kBatch * kTokens;
    const int64_t end = 20480 + 5 * (dtype == ROTARY_I32 ? 4 : 8);
    const int64_t bytes = args.tokens * kHeads * kDim * 4;
    Wrong expected = {"tensors[0].output"};
    expected.status = ROTARY_ERROR_OVERLAP;
    expected.tensor = 0;
    for (const int64_t at :
         {20480 - bytes - 4, 20480 - bytes, 20480 - bytes + 4, int64_t{20480},
          end - 4, end, end + 4}) {
      CAPTURE(at);
      call.tensors[0].output = call.At(at);
      const std::vector<uint32_t> before = call.memory;
      if (at + bytes <= 20480 || at >= end) {
        ApplyOk(args);
        continue;
      }
      CheckRefused(
          [&](rotary_error* error) { return rotary_apply(&args, error); },
          expected);
      CHECK(call.memory == before);
    }
  }
}

TEST_CASE("of many tensors the one that touches cos or sin is found") {
  for (const size_t count : {size_t{2}, size_t{8}, size_t{9}, size_t{20}}) {
    CAPTURE(count);
    SharedCall call;
    for (size_t i = 1; i < count; ++i) {
      call.tensors.push_back(call.tensors[0]);
      call.tensors.back().heads = 1;
      call.tensors.back().input = call.At(200 * static_cast<int64_t>(i + 1));
    }
    call.tensors.back().heads = kHeads;
    for (const int64_t at : {8192, 16384}) {
      call.CheckAround(TakenBy(call.cos_sin, at, kBatch, kTokens));
    }
  }
}

// Nothing of an output is written, so nothing of it overlaps.
TEST_CASE("tensors without heads touch nothing") {
  SharedCall call;
  call.tensors[0].heads = 0;
  call.tensors[0].output = call.At(8192);
  call.CheckOne(false, {}, 0);
  // Beside one that has some, elsewhere.
  call.tensors.push_back(call.tensors[0]);
  call.tensors[1].heads = kHeads;
  call.tensors[1].output = nullptr;
  call.CheckOne(false, {}, 1);
}

}  // namespace
}  // namespace rotary_test
