// Which memory of a call may overlap where elements differ in size: bytes
// count, not elements.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/config/shared_memory.h"
#include "tests/config/tensor_elements.h"
#include "tests/config/valid_call.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

// Bytes behind SharedMemory::At(0).
char* ByteAt(SharedMemory* shared, int64_t byte) {
  return reinterpret_cast<char*>(shared->At(0)) + byte;
}

int64_t Size(rotary_dtype dtype) {
  return static_cast<int64_t>(ElementBytes(dtype));
}

TEST_CASE("elements of one size change in place, of different sizes do not") {
  for (const rotary_dtype from : Dtypes()) {
    for (const rotary_dtype to : Dtypes()) {
      for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
        CAPTURE(from);
        CAPTURE(to);
        SharedMemory shared;
        rotary_tensor* const tensor = shared.AddDense(0, 2);
        tensor->input_dtype = from;
        tensor->output = shared.At(0);
        tensor->output_dtype = to;
        tensor->output_pairing = pairing;
        if (Size(from) == Size(to)) {
          shared.CheckAccepted();
        } else {
          shared.CheckRefusedBecause(0, "output");
        }
      }
    }
  }
}

TEST_CASE("an output of another size must not touch its input's bytes") {
  struct Sides {
    rotary_dtype from, to;
  };
  for (const Sides& sides :
       {Sides{ROTARY_F32, ROTARY_BF16}, Sides{ROTARY_F16, ROTARY_F32},
        Sides{ROTARY_BF16, ROTARY_F16}}) {
    const int64_t elements = kBatch * kTokens * 2 * kDim;
    const int64_t input = elements * Size(sides.from);
    const int64_t output = elements * Size(sides.to);
    int accepted = 0;
    for (int64_t at = -output - 8; at <= input + 8; at += Size(sides.to)) {
      CAPTURE(at);
      SharedMemory shared;
      rotary_tensor* const tensor = shared.AddDense(0, 2);
      tensor->input_dtype = sides.from;
      tensor->output = ByteAt(&shared, at);
      tensor->output_dtype = sides.to;
      const bool apart = at <= -output || at >= input;
      const bool in_place = at == 0 && Size(sides.from) == Size(sides.to);
      if (apart || in_place) {
        shared.CheckAccepted();
        ++accepted;
      } else {
        shared.CheckRefusedBecause(0, "output");
      }
    }
    CHECK_GE(accepted, 6);
  }
}

TEST_CASE("tensors of different dtypes lie one behind the other") {
  const int64_t q_bytes = kBatch * kTokens * 2 * kDim * Size(ROTARY_BF16);
  for (const int64_t at :
       {q_bytes, q_bytes - 4, -q_bytes * 2, 4 - q_bytes * 2}) {
    CAPTURE(at);
    SharedMemory shared;
    shared.AddDense(0, 2)->input_dtype = ROTARY_BF16;
    shared.AddDense(0, 2)->input = ByteAt(&shared, at);
    if (at == q_bytes || at == -q_bytes * 2) {
      shared.CheckAccepted();
    } else {
      shared.CheckRefusedBecause(1, "input");
    }
  }
}

TEST_CASE("tensors of different dtypes share the rows of one array") {
  // A row of 128 bytes: 2 heads of f32, then 2 of f16, then gap.
  constexpr int64_t kRow = 128;
  constexpr int64_t kKeys = 2 * kDim * 4;
  const auto add = [](SharedMemory* shared, int64_t at, rotary_dtype dtype,
                      int64_t row) {
    const int64_t stride = row / Size(dtype);
    rotary_tensor* const tensor =
        shared->Add(0, 2, kTokens * stride, stride, kDim);
    tensor->input = ByteAt(shared, at);
    tensor->input_dtype = dtype;
    return tensor;
  };
  SharedMemory rows;
  add(&rows, 0, ROTARY_F32, kRow);
  add(&rows, kKeys, ROTARY_F16, kRow);
  rows.CheckAccepted();
  // The keys change their pairing and dtype on the way.
  rows.tensors[1].output = ByteAt(&rows, kKeys);
  rows.tensors[1].output_batch_stride = rows.tensors[1].input_batch_stride;
  rows.tensors[1].output_token_stride = rows.tensors[1].input_token_stride;
  rows.tensors[1].output_head_stride = kDim;
  rows.tensors[1].output_dtype = ROTARY_BF16;
  rows.tensors[1].output_pairing = ROTARY_HALF;
  rows.CheckAccepted();
  // One element too early.
  SharedMemory early;
  add(&early, 0, ROTARY_F32, kRow);
  add(&early, kKeys - 2, ROTARY_F16, kRow);
  early.CheckRefusedBecause(1, "input");
  // The same strides, counted in elements, are half as many bytes.
  SharedMemory half;
  add(&half, 0, ROTARY_F32, kRow);
  add(&half, kKeys, ROTARY_F16, kRow / 2);
  half.CheckRefusedBecause(1, "input");
  // f32 read from the rows in which f16 is written, beside it.
  SharedMemory beside;
  rotary_tensor* const wide = add(&beside, 0, ROTARY_F32, kRow);
  wide->output = ByteAt(&beside, kKeys);
  wide->output_dtype = ROTARY_F16;
  wide->output_head_stride = kDim;
  wide->output_token_stride = kRow / 2;
  wide->output_batch_stride = kTokens * kRow / 2;
  beside.CheckAccepted();
  wide->output = ByteAt(&beside, kKeys - 2);
  beside.CheckRefusedBecause(0, "output");
}

TEST_CASE("16-bit elements of an output must not coincide") {
  for (const rotary_dtype dtype : {ROTARY_F16, ROTARY_BF16}) {
    for (const int64_t stride : {kDim, kDim - 1, kDim / 2, -kDim, 1 - kDim}) {
      CAPTURE(stride);
      SharedMemory shared;
      rotary_tensor* const tensor = shared.AddDense(0, 2);
      tensor->output = shared.At(1000);
      tensor->output_dtype = dtype;
      tensor->output_head_stride = stride;
      tensor->output_token_stride = 2 * kDim;
      tensor->output_batch_stride = 100;
      if (stride == kDim || stride == -kDim) {
        shared.CheckAccepted();
      } else {
        shared.CheckRefusedBecause(0, "output_head_stride");
      }
    }
  }
}

TEST_CASE("a 16-bit output ends where positions or rows begin") {
  Wrong expected = {"tensors[0].output"};
  expected.status = ROTARY_ERROR_OVERLAP;
  expected.tensor = 0;
  // Positions in the memory of the first output, behind what it takes: half of
  // it, as bf16.
  ValidCall call;
  call.tensors[0].output_dtype = ROTARY_BF16;
  const size_t half = call.first_output.size() / 2;
  REQUIRE_GE(half * sizeof(float), 6 * sizeof(int64_t));
  char* const behind = reinterpret_cast<char*>(call.first_output.data() + half);
  for (size_t i = 0; i < 6; ++i) {
    std::memcpy(behind + 8 * i, &call.ids[i], sizeof(int64_t));
  }
  call.positions.data = behind;
  CheckApplyAccepted(call);
  call.tensors[0].output =
      reinterpret_cast<char*>(call.first_output.data()) + 2;
  CheckApplyRefused(call, expected);

  call.UseRows();
  char* const rows = reinterpret_cast<char*>(call.rows.get());
  const size_t bytes = rotary_rows_bytes(call.rows.get());
  for (const size_t at : {size_t{0}, size_t{2}, bytes - 2}) {
    call.tensors[0].output = rows + at;
    CheckApplyRefused(call, expected);
  }
}

}  // namespace
}  // namespace rotary_test
