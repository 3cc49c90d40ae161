// Weights in guarded memory, and what their conversion from one pairing to
// another must make of every byte of it.  Used by the tests of
// rotary_permute_weights.
#ifndef TESTS_APPLY_WEIGHTS_MODEL_H_
#define TESTS_APPLY_WEIGHTS_MODEL_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace rotary_test {

// The arguments that input and output share.
struct WeightsShape {
  int64_t element_size;
  int64_t heads;
  int64_t head_dim;
  int64_t rotary_offset;
  int64_t rotary_dim;
  int64_t columns;
  rotary_pairing from;
  rotary_pairing to;

  int64_t rows() const { return heads * head_dim; }
  int64_t row_bytes() const { return columns * element_size; }
  bool empty() const { return rows() == 0 || columns == 0; }
};

inline rotary_status PermuteWeights(const WeightsShape& shape,
                                    const void* input, int64_t input_stride,
                                    void* output, int64_t output_stride,
                                    rotary_error* error) {
  return rotary_permute_weights(input, output, shape.element_size, shape.heads,
                                shape.head_dim, shape.rotary_offset,
                                shape.rotary_dim, shape.columns, input_stride,
                                output_stride, shape.from, shape.to, error);
}

// Where a pairing has the first (0) or second (1) element of pair i.
inline int64_t PlaceOf(rotary_pairing pairing, int64_t rotary_dim, int64_t i,
                       int64_t which) {
  return pairing == ROTARY_HALF ? i + which * (rotary_dim / 2) : 2 * i + which;
}

// For each row of the output, the row of the input that it is: pair by pair.
inline std::vector<int64_t> SourceRows(const WeightsShape& shape) {
  std::vector<int64_t> sources;
  for (int64_t row = 0; row < shape.rows(); ++row) sources.push_back(row);
  for (int64_t h = 0; h < shape.heads; ++h) {
    const int64_t begin = h * shape.head_dim + shape.rotary_offset;
    for (int64_t i = 0; i < shape.rotary_dim / 2; ++i) {
      for (const int64_t which : {0, 1}) {
        const int64_t to = PlaceOf(shape.to, shape.rotary_dim, i, which);
        sources[static_cast<size_t>(begin + to)] =
            begin + PlaceOf(shape.from, shape.rotary_dim, i, which);
      }
    }
  }
  return sources;
}

// Writes what must be at each row of the output, from a copy of the input's
// memory.  Strides in bytes; row 0 is at *_begin.
inline void WriteExpected(const WeightsShape& shape,
                          const std::vector<uint8_t>& input,
                          int64_t input_begin, int64_t input_stride,
                          int64_t output_begin, int64_t output_stride,
                          std::vector<uint8_t>* output) {
  if (shape.empty()) return;
  const std::vector<int64_t> sources = SourceRows(shape);
  for (int64_t row = 0; row < shape.rows(); ++row) {
    const int64_t source = sources[static_cast<size_t>(row)];
    std::memcpy(output->data() + output_begin + row * output_stride,
                input.data() + input_begin + source * input_stride,
                static_cast<size_t>(shape.row_bytes()));
  }
}

}  // namespace rotary_test

#endif  // TESTS_APPLY_WEIGHTS_MODEL_H_
