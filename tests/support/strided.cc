// Strides, gaps and snapshots of strided.h.
#include "tests/support/strided.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/support/random.h"

namespace rotary_test {
namespace {

// A quiet NaN; no two in a row are the same.
uint32_t CanaryBits(int64_t index) {
  return 0x7fc00000u | (static_cast<uint32_t>(index) & 0xfffffu);
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
  tensor->input_dtype = ROTARY_F32;
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

View View::Heads(int64_t first, int64_t count) const {
  View part = *this;
  part.data += first * strides.head;
  part.shape.heads = count;
  return part;
}

View View::Columns(int64_t first, int64_t count) const {
  View part = *this;
  part.data += first;
  part.shape.head_dim = count;
  return part;
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

StridedTensor::StridedTensor(const Shape& shape, const Strides& strides,
                             Flush flush, int64_t misalignment)
    : buffer_(static_cast<size_t>(Extent(shape, strides)) * sizeof(float),
              flush, static_cast<size_t>(misalignment) * sizeof(float)),
      is_gap_(static_cast<size_t>(Extent(shape, strides)), true) {
  view_ = {memory(), shape, strides};
  for (int64_t i = 0; i < size(); ++i) {
    const uint32_t bits = CanaryBits(i);
    std::memcpy(memory() + i, &bits, sizeof(bits));
  }
  if (IsEmpty(shape)) return;
  view_.data -= LowestOffset(shape, strides);
  ForEachHead(shape, [&](int64_t b, int64_t t, int64_t h) {
    const auto begin = is_gap_.begin() + (view_.Head(b, t, h) - memory());
    std::fill(begin, begin + shape.head_dim, false);
  });
}

void StridedTensor::FillRandom(uint64_t seed) {
  Random random(seed);
  for (int64_t i = 0; i < size(); ++i) {
    if (!is_gap_[static_cast<size_t>(i)]) memory()[i] = random.Float();
  }
}

bool StridedTensor::GapsIntact() const {
  for (int64_t i = 0; i < size(); ++i) {
    if (!is_gap_[static_cast<size_t>(i)]) continue;
    if (BitsFromFloat(memory()[i]) != CanaryBits(i)) return false;
  }
  return buffer_.CanariesIntact();
}

Snapshot::Snapshot(const StridedTensor& tensor)
    : memory_(static_cast<size_t>(tensor.size())), view_(tensor.view()) {
  if (memory_.empty()) return;
  std::memcpy(memory_.data(), tensor.memory(), memory_.size() * sizeof(float));
  view_.data = memory_.data() + (tensor.view().data - tensor.memory());
}

bool Snapshot::SameBits(const StridedTensor& tensor) const {
  for (size_t i = 0; i < memory_.size(); ++i) {
    if (BitsFromFloat(memory_[i]) != BitsFromFloat(tensor.memory()[i])) {
      return false;
    }
  }
  return true;
}

bool SameValues(const View& a, const View& b) {
  bool same =
      a.shape.batch == b.shape.batch && a.shape.tokens == b.shape.tokens &&
      a.shape.heads == b.shape.heads && a.shape.head_dim == b.shape.head_dim;
  if (!same) return false;
  ForEachHead(a.shape, [&](int64_t batch, int64_t t, int64_t h) {
    const float* const head_a = a.Head(batch, t, h);
    const float* const head_b = b.Head(batch, t, h);
    for (int64_t i = 0; i < a.shape.head_dim; ++i) {
      same = same && (BitsFromFloat(head_a[i]) == BitsFromFloat(head_b[i]) ||
                      (std::isnan(head_a[i]) && std::isnan(head_b[i])));
    }
  });
  return same;
}

rotary_tensor InPlace(const View& view, rotary_pairing pairing,
                      int64_t rotary_offset) {
  rotary_tensor tensor;
  SetInput(view, pairing, rotary_offset, &tensor);
  tensor.input = view.data;
  tensor.output = nullptr;
  return tensor;
}

rotary_tensor OutOfPlace(const View& input, const View& output,
                         rotary_pairing pairing, int64_t rotary_offset) {
  rotary_tensor tensor;
  SetInput(input, pairing, rotary_offset, &tensor);
  tensor.input = input.data;
  tensor.output = output.data;
  tensor.output_batch_stride = output.strides.batch;
  tensor.output_token_stride = output.strides.token;
  tensor.output_head_stride = output.strides.head;
  return tensor;
}

}  // namespace rotary_test
