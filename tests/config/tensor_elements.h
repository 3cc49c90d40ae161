// The elements of tensors one by one: what the rules about memory are about,
// found without any rule.  Used by the overlap and the fuzz tests.
#ifndef TESTS_CONFIG_TENSOR_ELEMENTS_H_
#define TESTS_CONFIG_TENSOR_ELEMENTS_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

namespace rotary_test {

// One side of a tensor, with every default replaced by what it stands for.
struct TensorSide {
  float* data;
  int64_t size[3];  // batch, tokens, heads
  int64_t stride[3];
  int64_t head_dim;

  bool empty() const { return size[0] == 0 || size[1] == 0 || size[2] == 0; }
  // Where each head begins.
  std::vector<float*> Heads() const;
};

TensorSide InputOf(const rotary_apply_args& args, const rotary_tensor& tensor);
// The input's, if the tensor is rotated in place.
TensorSide OutputOf(const rotary_apply_args& args, const rotary_tensor& tensor);

// The same pointer and the same strides, where they are used.
bool IsInPlace(const TensorSide& input, const TensorSide& output);

// Elements of memory that a tensor takes.
class ElementSet {
 public:
  // `side` must lie within the memory.
  ElementSet(const std::vector<float>& memory, const TensorSide& side);

  bool Meets(const ElementSet& other) const;
  bool Has(size_t element) const { return taken_[element]; }
  // Whether two of the tensor's own elements were the same.
  bool coincides() const { return coincides_; }

 private:
  std::vector<bool> taken_;
  bool coincides_ = false;
};

// Whether the outputs of a call have no element twice, and none in common with
// each other or with an input, but where a tensor is rotated in place.
bool OutputsAreDisjoint(const std::vector<float>& memory,
                        const rotary_apply_args& args);

}  // namespace rotary_test

#endif  // TESTS_CONFIG_TENSOR_ELEMENTS_H_
