// The bytes of tensors one by one: what the rules about memory are about, found
// without any rule.  Used by the overlap and the fuzz tests.
#ifndef TESTS_CONFIG_TENSOR_ELEMENTS_H_
#define TESTS_CONFIG_TENSOR_ELEMENTS_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

namespace rotary_test {

// One side of a tensor, in bytes, with every default replaced by what it stands
// for.
struct TensorSide {
  char* data;
  int64_t size[3];  // batch, tokens, heads
  int64_t stride[3];
  int64_t run;      // of a head
  int64_t element;  // of an element

  bool empty() const { return size[0] == 0 || size[1] == 0 || size[2] == 0; }
  // Where each head begins.
  std::vector<char*> Heads() const;
};

TensorSide InputOf(const rotary_apply_args& args, const rotary_tensor& tensor);
// The input's, if the tensor is rotated in place.
TensorSide OutputOf(const rotary_apply_args& args, const rotary_tensor& tensor);

rotary_dtype OutputDtype(const rotary_tensor& tensor);
rotary_pairing OutputPairing(const rotary_tensor& tensor);

// The same pointer, the same strides, where they are used, and the same size of
// elements.
bool IsInPlace(const TensorSide& input, const TensorSide& output);

// Bytes of memory that a tensor takes.
class ByteSet {
 public:
  // `side` must lie within the memory.
  ByteSet(const std::vector<float>& memory, const TensorSide& side);

  bool Meets(const ByteSet& other) const;
  bool Has(size_t byte) const { return taken_[byte]; }
  // Whether two of the tensor's own elements were the same.
  bool coincides() const { return coincides_; }

 private:
  std::vector<bool> taken_;
  bool coincides_ = false;
};

// Whether the outputs of a call have no byte twice, and none in common with
// each other or with an input, but where a tensor is rotated in place.
bool OutputsAreDisjoint(const std::vector<float>& memory,
                        const rotary_apply_args& args);

// Whether two memories of one size hold the same bytes.
bool SameBytes(const std::vector<float>& a, const std::vector<float>& b);

}  // namespace rotary_test

#endif  // TESTS_CONFIG_TENSOR_ELEMENTS_H_
