#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "tests/fused/fused_part.h"
#include "tests/fused/fused_reference.h"
#include "tests/support/element.h"

namespace rotary_test {

StoredHead FusedPart::ReadHead(int64_t b, int64_t t, int64_t h) const {
  if (cache_ != nullptr) return cache_->Head(Slot(b, t), h);
  StoredHead head = {};
  const View& in = input_->view();
  const View view = output_ != nullptr          ? output_->view()
                    : tensor_.output_dtype != 0 ? in.As(tensor_.output_dtype)
                                                : in;
  head.dtype = view.dtype;
  for (int64_t e = 0; e < shape_.head_dim; ++e) {
    head.numbers.push_back(ValueOf(view.dtype, view.Bits(b, t, h, e)));
  }
  return head;
}

std::string FusedPart::CheckToken(int64_t b, int64_t t) const {
  const int64_t row = b * shared_.tokens + Token(t);
  FusedSteps steps;
  steps.heads = shape_.heads;
  steps.head_dim = shape_.head_dim;
  const bool rotates = fusion_.rotates == 1;
  if (rotates) {
    steps.rotary_offset = tensor_.rotary_offset;
    steps.rotary_dim = shared_.rotary_dim;
    steps.from = steps.to = tensor_.input_pairing;
    const rotary_pairing to =
        cache_ != nullptr ? cache_->cache().pairing : tensor_.output_pairing;
    if (to != 0) steps.to = to;
    if (shared_.ids[static_cast<size_t>(row)] != INT64_MIN) {
      steps.cos = shared_.values.Cos(row);
      steps.sin = shared_.values.Sin(row);
    }
  }
  if (fusion_.norm != nullptr) {
    steps.norm = norm_.kind;
    steps.all_heads = norm_.all_heads == 1;
    steps.norm_after = norm_.after_rotation == 1;
    steps.epsilon = norm_.epsilon;
    steps.weight = weight_values_;
    steps.weight_added = norm_.weight_plus_one;
    steps.bias = bias_values_;
  }
  steps.scale = fusion_.scale;
  steps.scales = fusion_.scale != 1.0 || !token_scales_.empty();
  if (!token_scales_.empty()) {
    steps.token_scale =
        static_cast<double>(token_scales_[static_cast<size_t>(row)]);
  }
  steps.hadamard = fusion_.hadamard;
  std::vector<double> x;
  for (int64_t h = 0; h < shape_.heads; ++h) {
    for (int64_t e = 0; e < shape_.head_dim; ++e) {
      x.push_back(
          ValueOf(before_->view().dtype, before_->view().Bits(b, t, h, e)));
    }
  }
  const std::vector<Bounded> expected = FusedHeads(steps, x);
  for (int64_t h = 0; h < shape_.heads; ++h) {
    const std::string wrong = CompareStored(
        ReadHead(b, t, h), &expected[static_cast<size_t>(h * shape_.head_dim)]);
    if (!wrong.empty()) {
      return "sequence " + std::to_string(b) + ", token " + std::to_string(t) +
             ", head " + std::to_string(h) + ", " + wrong;
    }
  }
  return "";
}

std::string FusedPart::Check() const {
  for (int64_t b = 0; b < shape_.batch; ++b) {
    for (int64_t t = 0; t < shape_.tokens; ++t) {
      if (IsLeftOut(b, t)) continue;
      const std::string wrong = CheckToken(b, t);
      if (!wrong.empty()) return wrong;
    }
  }
  if (cache_ != nullptr) {
    const std::string wrong = cache_->CheckRest();
    if (!wrong.empty()) return wrong;
  }
  if (!input_->GapsIntact()) return "the input's gaps were changed";
  if (output_ != nullptr && !output_->GapsIntact()) {
    return "the output's gaps were changed";
  }
  const bool in_place = cache_ == nullptr && output_ == nullptr;
  if (!in_place && !before_->SameBits(*input_)) return "the input was changed";
  return "";
}

std::string FusedPart::Describe() const {
  std::string text = "dtype " + std::to_string(input_->view().dtype) + " to " +
                     std::to_string(cache_ != nullptr ? cache_->cache().dtype
                                                      : tensor_.output_dtype) +
                     ", heads " + std::to_string(shape_.heads) + " of " +
                     std::to_string(shape_.head_dim) + ", rotates " +
                     std::to_string(fusion_.rotates) + ", hadamard " +
                     std::to_string(fusion_.hadamard) + ", scale " +
                     std::to_string(fusion_.scale);
  if (fusion_.norm != nullptr) {
    text += ", norm " + std::to_string(norm_.kind) + " all " +
            std::to_string(norm_.all_heads) + " after " +
            std::to_string(norm_.after_rotation);
  }
  if (cache_ != nullptr) {
    text += ", cache, scales " + std::to_string(cache_->cache().scale_kind) +
            " element_stride " + std::to_string(cache_->cache().element_stride);
  } else {
    text += output_ == nullptr ? ", in place" : ", out of place";
  }
  return text;
}

}  // namespace rotary_test
