// Sets of bytes by enumeration.
#include "tests/config/tensor_elements.h"

#include <doctest/doctest.h>

#include <cstring>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

TensorSide SideOf(const rotary_apply_args& args, const rotary_tensor& tensor,
                  const void* data, rotary_dtype dtype, int64_t batch_stride,
                  int64_t token_stride, int64_t head_stride) {
  const auto element = static_cast<int64_t>(ElementBytes(dtype));
  TensorSide side = {static_cast<char*>(const_cast<void*>(data)),
                     {args.batch, args.tokens, tensor.heads},
                     {batch_stride, token_stride, head_stride},
                     tensor.head_dim,
                     element};
  if (side.empty()) return side;  // its other sizes may be any
  side.run *= element;
  if (head_stride == ROTARY_DENSE) side.stride[2] = tensor.head_dim;
  if (token_stride == ROTARY_DENSE) {
    side.stride[1] = tensor.heads * tensor.head_dim;
  }
  if (batch_stride == ROTARY_DENSE) {
    side.stride[0] = args.tokens * tensor.heads * tensor.head_dim;
  }
  for (int i = 0; i < 3; ++i) {
    side.stride[i] = side.size[i] < 2 ? 0 : side.stride[i] * element;
  }
  return side;
}

}  // namespace

std::vector<char*> TensorSide::Heads() const {
  std::vector<char*> heads;
  for (int64_t b = 0; b < size[0]; ++b) {
    for (int64_t t = 0; t < size[1]; ++t) {
      for (int64_t h = 0; h < size[2]; ++h) {
        heads.push_back(data + b * stride[0] + t * stride[1] + h * stride[2]);
      }
    }
  }
  return heads;
}

rotary_dtype OutputDtype(const rotary_tensor& tensor) {
  return tensor.output_dtype == 0 ? tensor.input_dtype : tensor.output_dtype;
}

rotary_pairing OutputPairing(const rotary_tensor& tensor) {
  return tensor.output_pairing == 0 ? tensor.input_pairing
                                    : tensor.output_pairing;
}

TensorSide InputOf(const rotary_apply_args& args, const rotary_tensor& tensor) {
  return SideOf(args, tensor, tensor.input, tensor.input_dtype,
                tensor.input_batch_stride, tensor.input_token_stride,
                tensor.input_head_stride);
}

TensorSide OutputOf(const rotary_apply_args& args,
                    const rotary_tensor& tensor) {
  if (tensor.output == nullptr) {
    return SideOf(args, tensor, tensor.input, OutputDtype(tensor),
                  tensor.input_batch_stride, tensor.input_token_stride,
                  tensor.input_head_stride);
  }
  return SideOf(args, tensor, tensor.output, OutputDtype(tensor),
                tensor.output_batch_stride, tensor.output_token_stride,
                tensor.output_head_stride);
}

bool IsInPlace(const TensorSide& input, const TensorSide& output) {
  return input.data == output.data && input.element == output.element &&
         input.stride[0] == output.stride[0] &&
         input.stride[1] == output.stride[1] &&
         input.stride[2] == output.stride[2];
}

ByteSet::ByteSet(const std::vector<float>& memory, const TensorSide& side)
    : taken_(memory.size() * sizeof(float)) {
  const char* const begin = reinterpret_cast<const char*>(memory.data());
  bool inside = true;
  for (const char* head : side.Heads()) {
    for (int64_t i = 0; i < side.run; ++i) {
      const auto byte = static_cast<size_t>(head + i - begin);
      inside = inside && byte < taken_.size();
      if (!inside) break;
      coincides_ = coincides_ || taken_[byte];
      taken_[byte] = true;
    }
  }
  REQUIRE(inside);
}

bool ByteSet::Meets(const ByteSet& other) const {
  for (size_t i = 0; i < taken_.size(); ++i) {
    if (taken_[i] && other.taken_[i]) return true;
  }
  return false;
}

bool OutputsAreDisjoint(const std::vector<float>& memory,
                        const rotary_apply_args& args) {
  std::vector<ByteSet> inputs, outputs;
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

bool SameBytes(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() &&
         std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

}  // namespace rotary_test
