// Tensors, tables, positions, rows and caches whose elements are more than 2^31
// and 2^32 elements apart, in address ranges of which nothing else can be
// touched, give the bits of dense ones.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/element.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/sparse_memory.h"

namespace rotary_test {
namespace {

constexpr int64_t kSize[3] = {2, 3, 2};  // sequences, tokens, heads
constexpr int64_t kTokens = kSize[0] * kSize[1];
constexpr int64_t kHeadDim = 32;
constexpr int64_t kDense[3] = {kSize[1] * kSize[2] * kHeadDim,
                               kSize[2] * kHeadDim, kHeadDim};
constexpr int64_t kElements = kSize[0] * kDense[0];
constexpr int64_t kHuge[] = {(int64_t{1} << 31) + 24, (int64_t{1} << 32) + 40,
                             -(int64_t{1} << 31) - 8, -(int64_t{1} << 32) - 72};

// A stride by which the last of `count` elements, forwards or backwards, is
// more than 2^32 elements away, and one of those between more than 2^31.
std::vector<int64_t> HugeStrides(int64_t count) {
  const int64_t stride = (int64_t{1} << 32) / (count - 1) + 24;
  return {stride, -stride};
}

const std::vector<int64_t>& Ids() {
  static const std::vector<int64_t> ids = {
      0, 2147483647, -2147483647, 1, 77777, ROTARY_NO_POSITION_I64};
  return ids;
}

std::vector<uint8_t> RandomElements(rotary_dtype dtype, int64_t count,
                                    uint64_t seed) {
  Random random(seed);
  std::vector<uint8_t> bytes(static_cast<size_t>(count) * ElementBytes(dtype));
  for (int64_t i = 0; i < count; ++i) {
    StoreBits(dtype, bytes.data(), i, Nearest(dtype, random.Float()));
  }
  return bytes;
}

// An array of kSize with one huge stride.
class HugeArray {
 public:
  HugeArray(rotary_dtype dtype, int axis, int64_t stride)
      : bytes_(ElementBytes(dtype)),
        origin_(stride < 0 ? -stride * (kSize[axis] - 1) : 0),
        memory_(bytes_ *
                static_cast<size_t>(std::abs(stride) * (kSize[axis] - 1) +
                                    kElements)) {
    for (int a = 0; a < 3; ++a) strides[a] = a == axis ? stride : kDense[a];
    ForEachHead([&](size_t offset, size_t) { memory_.Open(offset, Head()); });
  }

  void* data() const {
    return memory_.As<void>(static_cast<size_t>(origin_) * bytes_);
  }
  void Fill(const std::vector<uint8_t>& dense) const {
    ForEachHead([&](size_t offset, size_t from) {
      std::memcpy(memory_.As<void>(offset), dense.data() + from, Head());
    });
  }
  std::vector<uint8_t> Dense() const {
    std::vector<uint8_t> dense(static_cast<size_t>(kElements) * bytes_);
    ForEachHead([&](size_t offset, size_t to) {
      std::memcpy(dense.data() + to, memory_.As<void>(offset), Head());
    });
    return dense;
  }

  int64_t strides[3];

 private:
  size_t Head() const { return kHeadDim * bytes_; }

  template <typename Each>
  void ForEachHead(const Each& each) const {
    for (int64_t b = 0; b < kSize[0]; ++b) {
      for (int64_t t = 0; t < kSize[1]; ++t) {
        for (int64_t h = 0; h < kSize[2]; ++h) {
          const int64_t at =
              origin_ + b * strides[0] + t * strides[1] + h * strides[2];
          each(static_cast<size_t>(at) * bytes_,
               static_cast<size_t>(b * kDense[0] + t * kDense[1] +
                                   h * kDense[2]) *
                   bytes_);
        }
      }
    }
  }

  size_t bytes_;
  int64_t origin_;
  mutable SparseMemory memory_;
};

void SetStrides(const int64_t strides[3], int64_t* batch, int64_t* token,
                int64_t* head) {
  *batch = strides[0], *token = strides[1], *head = strides[2];
}

rotary_tensor DenseTensor(rotary_dtype dtype, rotary_pairing pairing,
                          void* input, void* output) {
  rotary_tensor tensor;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.heads = kSize[2];
  tensor.head_dim = kHeadDim;
  tensor.input = input;
  tensor.input_dtype = dtype;
  tensor.input_pairing = pairing;
  tensor.output = output;
  return tensor;
}

void Apply(const rotary_tensor& tensor, const rotary_embedding* embedding,
           const rotary_positions* positions, int32_t num_threads) {
  const std::vector<rotary_tensor> tensors = {tensor};
  rotary_apply_args args = MakeApplyArgs(kSize[0], kSize[1], tensors);
  args.embedding = embedding;
  args.positions = positions;
  args.num_threads = num_threads;
  ApplyOk(args);
}

TEST_CASE("huge strides: tensors") {
  const Embedding embedding = MakeEmbedding(kHeadDim);
  const rotary_positions positions = MakePositions(Ids());
  for (const rotary_dtype dtype : Dtypes()) {
    for (const rotary_pairing pairing : {ROTARY_HALF, ROTARY_INTERLEAVED}) {
      std::vector<uint8_t> dense = RandomElements(dtype, kElements, 1);
      std::vector<uint8_t> expected(dense.size());
      Apply(DenseTensor(dtype, pairing, dense.data(), expected.data()),
            embedding.get(), &positions, 1);
      for (int axis = 0; axis < 3; ++axis) {
        for (const int64_t stride : kHuge) {
          CAPTURE(dtype);
          CAPTURE(pairing);
          CAPTURE(axis);
          CAPTURE(stride);
          const HugeArray huge(dtype, axis, stride);
          std::vector<uint8_t> written(dense.size());

          huge.Fill(dense);
          rotary_tensor from =
              DenseTensor(dtype, pairing, huge.data(), written.data());
          SetStrides(huge.strides, &from.input_batch_stride,
                     &from.input_token_stride, &from.input_head_stride);
          Apply(from, embedding.get(), &positions, 2);
          CHECK(written == expected);

          from.output = nullptr;  // in place
          Apply(from, embedding.get(), &positions, 2);
          CHECK(huge.Dense() == expected);

          huge.Fill(std::vector<uint8_t>(dense.size()));
          rotary_tensor to =
              DenseTensor(dtype, pairing, dense.data(), huge.data());
          SetStrides(huge.strides, &to.output_batch_stride,
                     &to.output_token_stride, &to.output_head_stride);
          Apply(to, embedding.get(), &positions, 2);
          CHECK(huge.Dense() == expected);
        }
      }
    }
  }
}

TEST_CASE("huge strides: positions") {
  const Embedding embedding = MakeEmbedding(kHeadDim);
  const rotary_positions dense_positions = MakePositions(Ids());
  std::vector<uint8_t> input = RandomElements(ROTARY_F32, kElements, 2);
  std::vector<uint8_t> expected(input.size());
  const rotary_tensor tensor =
      DenseTensor(ROTARY_F32, ROTARY_HALF, input.data(), expected.data());
  Apply(tensor, embedding.get(), &dense_positions, 1);
  for (const int64_t huge : HugeStrides(kTokens)) {
    CAPTURE(huge);
    const int64_t reach = std::abs(huge);
    SparseMemory memory(static_cast<size_t>(kTokens * reach) * sizeof(int64_t));
    const int64_t origin = huge < 0 ? (kTokens - 1) * reach : 0;
    for (int64_t i = 0; i < kTokens; ++i) {
      const auto at = static_cast<size_t>(origin + i * huge) * sizeof(int64_t);
      memory.Open(at, sizeof(int64_t));
      *memory.As<int64_t>(at) = Ids()[static_cast<size_t>(i)];
    }
    rotary_positions positions = dense_positions;
    positions.data =
        memory.As<void>(static_cast<size_t>(origin) * sizeof(int64_t));
    positions.token_stride = huge;
    positions.batch_stride = kSize[1] * huge;
    std::vector<uint8_t> written(input.size());
    rotary_tensor to = tensor;
    to.output = written.data();
    Apply(to, embedding.get(), &positions, 2);
    CHECK(written == expected);
  }
}

TEST_CASE("huge strides: the caller's cos and sin") {
  const std::vector<int64_t> ids = {3, 1, 0, 2, 2, 1};
  const Rows rows =
      MakeRows(MakeEmbedding(kHeadDim).get(), {0, 5, 70000, 2147483647});
  const RowValues values = ReadRows(rows.get());
  const rotary_positions positions = MakePositions(ids);
  std::vector<uint8_t> input = RandomElements(ROTARY_F32, kElements, 3);
  std::vector<uint8_t> expected(input.size());
  const auto apply = [&](const rotary_cos_sin& cos_sin,
                         std::vector<uint8_t>* output) {
    const std::vector<rotary_tensor> tensors = {
        DenseTensor(ROTARY_F32, ROTARY_HALF, input.data(), output->data())};
    rotary_apply_args args = MakeApplyArgs(kSize[0], kSize[1], tensors);
    args.cos_sin = &cos_sin;
    args.positions = &positions;
    ApplyOk(args);
  };
  rotary_cos_sin dense;
  rotary_cos_sin_init(&dense, sizeof(dense));
  dense.cos = values.cos.data();
  dense.sin = values.sin.data();
  dense.rotary_dim = kHeadDim;
  dense.rows = 4;
  dense.width = ROTARY_WIDTH_PAIRS;
  apply(dense, &expected);

  const int64_t pairs = values.pairs;
  // Rows far from each other, then elements, with rows between them.
  for (const bool elements : {false, true}) {
    const int64_t count = elements ? pairs : 4;
    for (const int64_t huge : HugeStrides(count)) {
      CAPTURE(elements);
      CAPTURE(huge);
      const int64_t origin = huge < 0 ? -huge * (count - 1) : 0;
      const int64_t row_stride = elements ? 2 : huge;
      const int64_t element_stride = elements ? huge : 2;
      SparseMemory memory(
          static_cast<size_t>(std::abs(huge) * count + 2 * pairs) *
          sizeof(float));
      for (int64_t r = 0; r < 4; ++r) {
        for (int64_t e = 0; e < pairs; ++e) {
          const auto at = static_cast<size_t>(origin + r * row_stride +
                                              e * element_stride) *
                          sizeof(float);
          memory.Open(at, 2 * sizeof(float));
          *memory.As<float>(at) = values.Cos(r)[e];
          *memory.As<float>(at + sizeof(float)) = values.Sin(r)[e];
        }
      }
      rotary_cos_sin far = dense;
      far.cos = memory.As<float>(static_cast<size_t>(origin) * sizeof(float));
      far.sin = static_cast<const float*>(far.cos) + 1;
      far.row_stride = row_stride;
      far.element_stride = element_stride;
      std::vector<uint8_t> written(input.size());
      apply(far, &written);
      CHECK(written == expected);
    }
  }
}

}  // namespace
}  // namespace rotary_test
