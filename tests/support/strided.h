// Tensors of any dtype and layout in guarded memory: random values in their
// elements, canaries in the gaps between them.  Used by the tests of apply.
#ifndef TESTS_SUPPORT_STRIDED_H_
#define TESTS_SUPPORT_STRIDED_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/support/element.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"

namespace rotary_test {

struct Shape {
  int64_t batch;
  int64_t tokens;
  int64_t heads;
  int64_t head_dim;
};

// In elements, as in rotary_tensor, but never ROTARY_DENSE.
struct Strides {
  int64_t batch;
  int64_t token;
  int64_t head;
};

// The order of the dimensions: batch, sequence (tokens), heads, dim.
enum class Order { kBshd, kBhsd, kSbhd };

// Strides of an array of this order, whose heads, tokens and sequences are each
// followed by so many elements of gap.
Strides StridesOf(const Shape& shape, Order order = Order::kBshd,
                  int64_t head_gap = 0, int64_t token_gap = 0,
                  int64_t batch_gap = 0);

// A tensor somewhere in memory that it does not own.
struct View {
  rotary_dtype dtype;
  void* data;  // element [0][0][0][0]
  Shape shape;
  Strides strides;

  // Where element 0 of a head is.
  void* Head(int64_t b, int64_t t, int64_t h) const {
    return At(b * strides.batch + t * strides.token + h * strides.head);
  }
  float* Floats(int64_t b, int64_t t, int64_t h) const;  // of f32
  uint32_t Bits(int64_t b, int64_t t, int64_t h, int64_t element) const {
    return LoadBits(dtype, Head(b, t, h), element);
  }
  void* At(int64_t element) const {
    return static_cast<char*>(data) +
           element * static_cast<int64_t>(ElementBytes(dtype));
  }

  // Some of the tokens, of the heads, of the elements of each head.
  View Tokens(int64_t first, int64_t count) const;
  View Heads(int64_t first, int64_t count) const;
  View Columns(int64_t first, int64_t count) const;
  // The same elements, taken for ones of another dtype of their size.
  View As(rotary_dtype other) const;
};

// A tensor in a buffer of exactly its size, `misalignment` elements away from
// one of the guard pages.  Every element, and every gap, starts as a canary: a
// NaN that tells its place.
class StridedTensor {
 public:
  StridedTensor(rotary_dtype dtype, const Shape& shape, const Strides& strides,
                Flush flush = Flush::kEnd, int64_t misalignment = 0);
  // Of f32.
  StridedTensor(const Shape& shape, const Strides& strides,
                Flush flush = Flush::kEnd, int64_t misalignment = 0)
      : StridedTensor(ROTARY_F32, shape, strides, flush, misalignment) {}

  const View& view() const { return view_; }

  // Sets every element of the tensor, and no gap: to numbers, rounded to the
  // dtype, or to bits that draw(&random) gives.
  void FillRandom(uint64_t seed);
  template <typename Draw>
  void FillBits(uint64_t seed, const Draw& draw) {
    Random random(seed);
    for (int64_t i = 0; i < size(); ++i) {
      if (is_gap_[static_cast<size_t>(i)]) continue;
      StoreBits(view_.dtype, memory(), i, draw(&random));
    }
  }

  // Whether every gap holds what it held at first.
  bool GapsIntact() const;

  // All the memory, gaps included: [size].
  void* memory() const { return buffer_.data(); }
  int64_t size() const { return static_cast<int64_t>(is_gap_.size()); }

 private:
  static int64_t LowestOffset(const Shape& shape, const Strides& strides);
  static int64_t Extent(const Shape& shape, const Strides& strides);

  GuardedBuffer buffer_;
  View view_;
  std::vector<bool> is_gap_;
};

// What a tensor's memory held at some time, to be viewed as the tensor.
class Snapshot {
 public:
  explicit Snapshot(const StridedTensor& tensor);
  const View& view() const { return view_; }
  // Whether the tensor's memory holds the same bits now.
  bool SameBits(const StridedTensor& tensor) const;

 private:
  std::vector<uint8_t> memory_;
  View view_;
};

// Whether two views of one shape and dtype hold the same bits, any NaN counted
// as equal to any NaN.
bool SameValues(const View& a, const View& b);

// The elements of one view to those of another of its shape and dtype.
void CopyValues(const View& from, const View& to);

// A rotary_tensor that is rotated in place, or from input to output, of their
// dtypes.
rotary_tensor InPlace(const View& view, rotary_pairing pairing,
                      int64_t rotary_offset = 0);
rotary_tensor OutOfPlace(const View& input, const View& output,
                         rotary_pairing pairing, int64_t rotary_offset = 0,
                         rotary_pairing output_pairing = 0);

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_STRIDED_H_
