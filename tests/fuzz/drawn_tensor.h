// A tensor of any shape, dtype, pairing and strides, in place or not, in blocks
// of the arena.  Used by the kinds that rotate.
#ifndef TESTS_FUZZ_DRAWN_TENSOR_H_
#define TESTS_FUZZ_DRAWN_TENSOR_H_

#include <rotary/rotary.h>

#include <cstdint>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/same_results.h"
#include "tests/support/strided.h"

namespace rotary_test {

constexpr rotary_pairing kPairings[] = {ROTARY_HALF, ROTARY_INTERLEAVED};
constexpr rotary_dtype kTensorDtypes[] = {ROTARY_F32, ROTARY_F16, ROTARY_BF16};

// Strides of a tensor: any order of dimensions, with gaps, some backwards; and,
// of one that is only read, some 0.
Strides DrawStrides(Input* input, const Shape& shape, bool is_read);

// A block that just holds a tensor, filled.
View TakeTensor(Input* input, Arena* arena, rotary_dtype dtype,
                const Shape& shape, const Strides& strides,
                bool is_plain = false);

// ROTARY_DENSE where a stride is that, if the input says so.
void HideDense(Input* input, const Shape& shape, int64_t* batch, int64_t* token,
               int64_t* head);

struct DrawnTensor {
  rotary_tensor tensor;
  View input;
  View output;
  bool in_place;

  void Draw(Input* in, Arena* arena, const Shape& shape, int64_t rotary_dim);
  // In place, within memory that others have a part of.
  void Place(Input* in, const View& view, int64_t rotary_dim);
  rotary_pairing output_pairing() const {
    return tensor.output_pairing == 0 ? tensor.input_pairing
                                      : tensor.output_pairing;
  }

 private:
  void SetFormats(Input* in, int64_t rotary_dim);
  void SetInput(Input* in);
};

// All that is in a view, as bytes that are written.
Written WrittenOf(const View& view);

}  // namespace rotary_test

#endif  // TESTS_FUZZ_DRAWN_TENSOR_H_
