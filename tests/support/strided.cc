// Strides, gaps and snapshots of strided.h.
#include "tests/support/strided.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

namespace rotary_test {
namespace {

// A quiet NaN; no two in a row are the same.
uint32_t CanaryBits(rotary_dtype dtype, int64_t index) {
  const auto any = static_cast<uint32_t>(index);
  return dtype == ROTARY_F32   ? 0x7fc00000u | (any & 0xfffffu)
         : dtype == ROTARY_F16 ? 0x7e00u | (any & 0xffu)
                               : 0x7fc0u | (any & 0x3fu);
}

int64_t Lowest(int64_t size, int64_t stride) {
  return size > 1 && stride < 0 ? (size - 1) * stride : 0;
}

int64_t Highest(int64_t size, int64_t stride) {
  return size > 1 && stride > 0 ? (size - 1) * stride : 0;
}

bool IsEmpty(const Shape& shape) {
  return shape.batch == 0 || shape.tokens == 0 || shape.heads == 0;
}

// Calls visit(b, t, h) for each head.
template <typename Visit>
void ForEachHead(const Shape& shape, const Visit& visit) {
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t t = 0; t < shape.tokens; ++t) {
      for (int64_t h = 0; h < shape.heads; ++h) visit(b, t, h);
    }
  }
}

void SetInput(const View& input, rotary_pairing pairing, int64_t rotary_offset,
              rotary_tensor* tensor) {
  rotary_tensor_init(tensor, sizeof(*tensor));
  tensor->heads = input.shape.heads;
  tensor->head_dim = input.shape.head_dim;
  tensor->rotary_offset = rotary_offset;
  tensor->input_batch_stride = input.strides.batch;
  tensor->input_token_stride = input.strides.token;
  tensor->input_head_stride = input.strides.head;
  tensor->input = input.data;
  tensor->input_dtype = input.dtype;
  tensor->input_pairing = pairing;
}

}  // namespace

Strides StridesOf(const Shape& shape, Order order, int64_t head_gap,
                  int64_t token_gap, int64_t batch_gap) {
  Strides strides{};
  const int64_t head = shape.head_dim + head_gap;
  switch (order) {
    case Order::kBshd:
      strides.head = head;
      strides.token = shape.heads * strides.head + token_gap;
      strides.batch = shape.tokens * strides.token + batch_gap;
      break;
    case Order::kBhsd:
      strides.token = shape.head_dim + token_gap;
      strides.head = shape.tokens * strides.token + head_gap;
      strides.batch = shape.heads * strides.head + batch_gap;
      break;
    case Order::kSbhd:
      strides.head = head;
      strides.batch = shape.heads * strides.head + batch_gap;
      strides.token = shape.batch * strides.batch + token_gap;
      break;
  }
  return strides;
}

float* View::Floats(int64_t b, int64_t t, int64_t h) const {
  REQUIRE(dtype == ROTARY_F32);
  return static_cast<float*>(Head(b, t, h));
}

View View::Tokens(int64_t first, int64_t count) const {
  View part = *this;
  part.data = At(first * strides.token);
  part.shape.tokens = count;
  return part;
}

View View::Heads(int64_t first, int64_t count) const {
  View part = *this;
  part.data = At(first * strides.head);
  part.shape.heads = count;
  return part;
}

View View::Columns(int64_t first, int64_t count) const {
  View part = *this;
  part.data = At(first);
  part.shape.head_dim = count;
  return part;
}

View View::As(rotary_dtype other) const {
  REQUIRE(ElementBytes(other) == ElementBytes(dtype));
  View same = *this;
  same.dtype = other;
  return same;
}

int64_t StridedTensor::LowestOffset(const Shape& shape,
                                    const Strides& strides) {
  return Lowest(shape.batch, strides.batch) +
         Lowest(shape.tokens, strides.token) +
         Lowest(shape.heads, strides.head);
}

int64_t StridedTensor::Extent(const Shape& shape, const Strides& strides) {
  if (IsEmpty(shape)) return 0;
  return Highest(shape.batch, strides.batch) +
         Highest(shape.tokens, strides.token) +
         Highest(shape.heads, strides.head) - LowestOffset(shape, strides) +
         shape.head_dim;
}

StridedTensor::StridedTensor(rotary_dtype dtype, const Shape& shape,
                             const Strides& strides, Flush flush,
                             int64_t misalignment)
    : buffer_(static_cast<size_t>(Extent(shape, strides)) * ElementBytes(dtype),
              flush, static_cast<size_t>(misalignment) * ElementBytes(dtype)),
      view_{dtype, memory(), shape, strides},
      is_gap_(static_cast<size_t>(Extent(shape, strides)), true) {
  for (int64_t i = 0; i < size(); ++i) {
    StoreBits(dtype, memory(), i, CanaryBits(dtype, i));
  }
  if (IsEmpty(shape)) return;
  const int64_t first = -LowestOffset(shape, strides);
  view_.data = view_.At(first);
  ForEachHead(shape, [&](int64_t b, int64_t t, int64_t h) {
    const auto begin = is_gap_.begin() + first + b * strides.batch +
                       t * strides.token + h * strides.head;
    std::fill(begin, begin + shape.head_dim, false);
  });
}

void StridedTensor::FillRandom(uint64_t seed) {
  FillBits(seed, [this](Random* random) {
    return Narrowed(view_.dtype, random->Float());
  });
}

bool StridedTensor::GapsIntact() const {
  for (int64_t i = 0; i < size(); ++i) {
    if (is_gap_[static_cast<size_t>(i)] &&
        LoadBits(view_.dtype, memory(), i) != CanaryBits(view_.dtype, i)) {
      return false;
    }
  }
  return buffer_.CanariesIntact();
}

Snapshot::Snapshot(const StridedTensor& tensor)
    : memory_(static_cast<size_t>(tensor.size()) *
              ElementBytes(tensor.view().dtype)),
      view_(tensor.view()) {
  if (memory_.empty()) return;
  std::memcpy(memory_.data(), tensor.memory(), memory_.size());
  view_.data = memory_.data() + (static_cast<uint8_t*>(tensor.view().data) -
                                 static_cast<uint8_t*>(tensor.memory()));
}

bool Snapshot::SameBits(const StridedTensor& tensor) const {
  return memory_.empty() ||
         std::memcmp(memory_.data(), tensor.memory(), memory_.size()) == 0;
}

bool SameValues(const View& a, const View& b) {
  bool same = a.dtype == b.dtype && a.shape.batch == b.shape.batch &&
              a.shape.tokens == b.shape.tokens &&
              a.shape.heads == b.shape.heads &&
              a.shape.head_dim == b.shape.head_dim;
  if (!same) return false;
  const size_t bytes =
      static_cast<size_t>(a.shape.head_dim) * ElementBytes(a.dtype);
  ForEachHead(a.shape, [&](int64_t batch, int64_t t, int64_t h) {
    const void* const head_a = a.Head(batch, t, h);
    const void* const head_b = b.Head(batch, t, h);
    if (std::memcmp(head_a, head_b, bytes) == 0) return;
    for (int64_t i = 0; i < a.shape.head_dim; ++i) {
      same = same && SameElement(a.dtype, LoadBits(a.dtype, head_a, i),
                                 LoadBits(b.dtype, head_b, i));
    }
  });
  return same;
}

void CopyValues(const View& from, const View& to) {
  REQUIRE(from.dtype == to.dtype);
  ForEachHead(from.shape, [&](int64_t b, int64_t t, int64_t h) {
    std::memcpy(
        to.Head(b, t, h), from.Head(b, t, h),
        static_cast<size_t>(from.shape.head_dim) * ElementBytes(from.dtype));
  });
}

rotary_tensor InPlace(const View& view, rotary_pairing pairing,
                      int64_t rotary_offset) {
  rotary_tensor tensor;
  SetInput(view, pairing, rotary_offset, &tensor);
  return tensor;
}

rotary_tensor OutOfPlace(const View& input, const View& output,
                         rotary_pairing pairing, int64_t rotary_offset,
                         rotary_pairing output_pairing) {
  rotary_tensor tensor;
  SetInput(input, pairing, rotary_offset, &tensor);
  tensor.output = output.data;
  tensor.output_batch_stride = output.strides.batch;
  tensor.output_token_stride = output.strides.token;
  tensor.output_head_stride = output.strides.head;
  tensor.output_dtype = output.dtype;
  tensor.output_pairing = output_pairing;
  return tensor;
}

}  // namespace rotary_test
