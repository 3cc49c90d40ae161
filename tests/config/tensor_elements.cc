// Element sets by enumeration.
#include "tests/config/tensor_elements.h"

#include <doctest/doctest.h>

namespace rotary_test {
namespace {

TensorSide SideOf(const rotary_apply_args& args, const rotary_tensor& tensor,
                  const void* data, int64_t batch_stride, int64_t token_stride,
                  int64_t head_stride) {
  TensorSide side = {static_cast<float*>(const_cast<void*>(data)),
                     {args.batch, args.tokens, tensor.heads},
                     {batch_stride, token_stride, head_stride},
                     tensor.head_dim};
  if (side.empty()) return side;  // its other sizes may be any
  if (head_stride == ROTARY_DENSE) side.stride[2] = tensor.head_dim;
  if (token_stride == ROTARY_DENSE) {
    side.stride[1] = tensor.heads * tensor.head_dim;
  }
  if (batch_stride == ROTARY_DENSE) {
    side.stride[0] = args.tokens * tensor.heads * tensor.head_dim;
  }
  for (int i = 0; i < 3; ++i) {
    if (side.size[i] < 2) side.stride[i] = 0;
  }
  return side;
}

}  // namespace

std::vector<float*> TensorSide::Heads() const {
  std::vector<float*> heads;
  for (int64_t b = 0; b < size[0]; ++b) {
    for (int64_t t = 0; t < size[1]; ++t) {
      for (int64_t h = 0; h < size[2]; ++h) {
        heads.push_back(data + b * stride[0] + t * stride[1] + h * stride[2]);
      }
    }
  }
  return heads;
}

TensorSide InputOf(const rotary_apply_args& args, const rotary_tensor& tensor) {
  return SideOf(args, tensor, tensor.input, tensor.input_batch_stride,
                tensor.input_token_stride, tensor.input_head_stride);
}

TensorSide OutputOf(const rotary_apply_args& args,
                    const rotary_tensor& tensor) {
  if (tensor.output == nullptr) return InputOf(args, tensor);
  return SideOf(args, tensor, tensor.output, tensor.output_batch_stride,
                tensor.output_token_stride, tensor.output_head_stride);
}

bool IsInPlace(const TensorSide& input, const TensorSide& output) {
  return input.data == output.data && input.stride[0] == output.stride[0] &&
         input.stride[1] == output.stride[1] &&
         input.stride[2] == output.stride[2];
}

ElementSet::ElementSet(const std::vector<float>& memory, const TensorSide& side)
    : taken_(memory.size()) {
  bool inside = true;
  for (const float* head : side.Heads()) {
    for (int64_t i = 0; i < side.head_dim; ++i) {
      const auto element = static_cast<size_t>(head + i - memory.data());
      inside = inside && element < memory.size();
      if (!inside) break;
      coincides_ = coincides_ || taken_[element];
      taken_[element] = true;
    }
  }
  REQUIRE(inside);
}

bool ElementSet::Meets(const ElementSet& other) const {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (taken_[i] && other.taken_[i]) return true;
  }
  return false;
}

bool OutputsAreDisjoint(const std::vector<float>& memory,
                        const rotary_apply_args& args) {
  std::vector<ElementSet> inputs, outputs;
  std::vector<bool> in_place;
  for (int64_t i = 0; i < args.num_tensors; ++i) {
    const TensorSide input = InputOf(args, args.tensors[i]);
    const TensorSide output = OutputOf(args, args.tensors[i]);
    inputs.emplace_back(memory, input);
    outputs.emplace_back(memory, output);
    in_place.push_back(IsInPlace(input, output));
    if (outputs.back().coincides()) return false;
  }
  for (size_t i = 0; i < outputs.size(); ++i) {
    for (size_t j = 0; j < outputs.size(); ++j) {
      if (i != j && outputs[i].Meets(outputs[j])) return false;
      if (!(i == j && in_place[i]) && outputs[i].Meets(inputs[j])) return false;
    }
  }
  return true;
}

}  // namespace rotary_test
