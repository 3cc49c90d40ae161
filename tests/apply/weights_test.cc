// Weights converted from one pairing to the other, against the definition pair
// by pair: every byte of the memory around them, in place and not.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <utility>
#include <vector>

#include "tests/apply/weights_model.h"
#include "tests/support/effort.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

// Rows in memory of just their size, filled with random bytes.
class RowMemory {
 public:
  // A row stride in elements.
  RowMemory(const WeightsShape& shape, int64_t stride, Random* random)
      : stride_(stride == ROTARY_DENSE ? shape.row_bytes()
                                       : stride * shape.element_size) {
    const int64_t steps = std::max(shape.rows() - 1, int64_t{0});
    const int64_t bytes =
        shape.empty() ? 1 : steps * std::abs(stride_) + shape.row_bytes();
    begin_ = shape.empty() || stride_ >= 0 ? 0 : -steps * stride_;
    buffer_ = std::make_unique<GuardedBuffer>(
        static_cast<size_t>(bytes),
        random->Integer(0, 1) == 0 ? Flush::kStart : Flush::kEnd,
        static_cast<size_t>(random->Integer(0, 2)));
    for (int64_t i = 0; i < bytes; ++i) {
      buffer_->As<uint8_t>()[i] = static_cast<uint8_t>(random->Bits());
    }
  }

  void* row0() const { return buffer_->As<uint8_t>() + begin_; }
  int64_t begin() const { return begin_; }
  int64_t stride() const { return stride_; }  // in bytes
  std::vector<uint8_t> Bytes() const {
    const auto* data = buffer_->As<uint8_t>();
    return {data, data + buffer_->bytes()};
  }
  bool CanariesIntact() const { return buffer_->CanariesIntact(); }

 private:
  int64_t stride_;
  int64_t begin_;
  std::unique_ptr<GuardedBuffer> buffer_;
};

void CheckOutOfPlace(const WeightsShape& shape, int64_t input_stride,
                     int64_t output_stride, Random* random) {
  const RowMemory input(shape, input_stride, random);
  const RowMemory output(shape, output_stride, random);
  const std::vector<uint8_t> before = input.Bytes();
  std::vector<uint8_t> expected = output.Bytes();
  WriteExpected(shape, before, input.begin(), input.stride(), output.begin(),
                output.stride(), &expected);
  rotary_error error;
  RequireOk(PermuteWeights(shape, input.row0(), input_stride, output.row0(),
                           output_stride, &error),
            error);
  CHECK(output.Bytes() == expected);
  CHECK(input.Bytes() == before);
  CHECK(output.CanariesIntact());
}

void CheckInPlace(const WeightsShape& shape, int64_t stride, Random* random) {
  const RowMemory memory(shape, stride, random);
  const std::vector<uint8_t> before = memory.Bytes();
  std::vector<uint8_t> expected = before;
  WriteExpected(shape, before, memory.begin(), memory.stride(), memory.begin(),
                memory.stride(), &expected);
  const bool null_output = random->Integer(0, 1) == 0;
  // Without an output its stride is not read.
  const int64_t output_stride = null_output ? random->Integer(-3, 3) : stride;
  rotary_error error;
  RequireOk(PermuteWeights(shape, memory.row0(), stride,
                           null_output ? nullptr : memory.row0(), output_stride,
                           &error),
            error);
  CHECK(memory.Bytes() == expected);
  CHECK(memory.CanariesIntact());

  // And back.
  WeightsShape back = shape;
  std::swap(back.from, back.to);
  RequireOk(PermuteWeights(back, memory.row0(), stride, nullptr, 0, &error),
            error);
  CHECK(memory.Bytes() == before);
}

WeightsShape RandomShape(Random* random) {
  WeightsShape shape;
  shape.element_size = random->Choose<int64_t>({1, 2, 3, 4, 7, 8, 16});
  shape.heads = random->Integer(0, 4);
  const int64_t pairs = random->Integer(0, 20);
  shape.rotary_dim = 2 * pairs;
  shape.rotary_offset = random->Integer(0, 1) * random->Integer(0, 9);
  shape.head_dim = shape.rotary_offset + shape.rotary_dim +
                   random->Integer(0, 1) * random->Integer(0, 9);
  shape.columns = random->Choose<int64_t>({0, 1, 1, 2, 5, 64, 301});
  shape.from =
      random->Choose<rotary_pairing>({ROTARY_HALF, ROTARY_INTERLEAVED});
  shape.to = random->Choose<rotary_pairing>({ROTARY_HALF, ROTARY_INTERLEAVED});
  return shape;
}

// Of an output, whose rows do not coincide.
int64_t RandomStride(int64_t columns, Random* random) {
  if (random->Integer(0, 2) == 0) return ROTARY_DENSE;
  const int64_t stride = columns + random->Integer(0, 3);
  return random->Integer(0, 1) == 0 ? stride : -stride;
}

TEST_CASE("weights: every byte of any layout") {
  Random random(5);
  for (int i = 0; i < Effort(3000, 100000); ++i) {
    CAPTURE(i);
    const WeightsShape shape = RandomShape(&random);
    const int64_t input_stride = random.Integer(0, 9) == 0
                                     ? random.Integer(-2, 2)
                                     : RandomStride(shape.columns, &random);
    CheckOutOfPlace(shape, input_stride, RandomStride(shape.columns, &random),
                    &random);
    CheckInPlace(shape, RandomStride(shape.columns, &random), &random);
  }
}

// Longer than what is moved at a time, and just as long.
TEST_CASE("weights: long rows") {
  Random random(6);
  for (const int64_t bytes : {4095, 4096, 4097, 8192, 12288, 20001}) {
    CAPTURE(bytes);
    for (const rotary_pairing from : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
      for (const rotary_pairing to : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
        const WeightsShape shape = {1, 2, 14, 1, 12, bytes, from, to};
        CheckInPlace(shape, ROTARY_DENSE, &random);
        CheckInPlace(shape, -bytes - 3, &random);
        CheckOutOfPlace(shape, ROTARY_DENSE, bytes + 1, &random);
      }
    }
  }
}

// Each has cycles of its own.
TEST_CASE("weights: every number of pairs") {
  std::vector<int64_t> dims = {1022, 1024, 4096, 65536, 65538};
  for (int64_t dim = 0; dim <= 300; dim += 2) dims.push_back(dim);
  for (const int64_t dim : dims) {
    CAPTURE(dim);
    for (const bool to_half : {true, false}) {
      const rotary_pairing half = ROTARY_HALF, interleaved = ROTARY_INTERLEAVED;
      const WeightsShape shape = {4,
                                  1,
                                  dim,
                                  0,
                                  dim,
                                  1,
                                  to_half ? interleaved : half,
                                  to_half ? half : interleaved};
      std::vector<int32_t> rows;
      for (int32_t i = 0; i < dim; ++i) rows.push_back(i);
      const std::vector<int64_t> sources = SourceRows(shape);
      rotary_error error;
      RequireOk(PermuteWeights(shape, rows.data(), ROTARY_DENSE, nullptr,
                               ROTARY_DENSE, &error),
                error);
      CHECK(
          std::equal(rows.begin(), rows.end(), sources.begin(), sources.end()));
    }
  }
}

TEST_CASE("weights: of Llama, to the pairing of HF and back") {
  // As the converters write it: w.view(heads, dim / 2, 2, columns)
  // .transpose(1, 2).
  constexpr int64_t kHeads = 3, kDim = 8, kColumns = 5;
  std::vector<float> meta, hf;
  for (int i = 0; i < kHeads * kDim * kColumns; ++i) {
    meta.push_back(static_cast<float>(i));
  }
  for (int64_t h = 0; h < kHeads; ++h) {
    for (int64_t which = 0; which < 2; ++which) {
      for (int64_t i = 0; i < kDim / 2; ++i) {
        for (int64_t c = 0; c < kColumns; ++c) {
          const int64_t row = (h * (kDim / 2) + i) * 2 + which;
          hf.push_back(meta[static_cast<size_t>(row * kColumns + c)]);
        }
      }
    }
  }
  WeightsShape shape = {
      4, kHeads, kDim, 0, kDim, kColumns, ROTARY_INTERLEAVED, ROTARY_HALF};
  std::vector<float> output(meta.size());
  rotary_error error;
  RequireOk(PermuteWeights(shape, meta.data(), ROTARY_DENSE, output.data(),
                           ROTARY_DENSE, &error),
            error);
  CHECK(output == hf);
  std::swap(shape.from, shape.to);
  RequireOk(PermuteWeights(shape, hf.data(), ROTARY_DENSE, output.data(),
                           ROTARY_DENSE, &error),
            error);
  CHECK(output == meta);
}

}  // namespace
}  // namespace rotary_test
