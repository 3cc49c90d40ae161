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
  const rotary_pairing from = tensor_.input_pairing;
  rotary_pairing to =
      cache_ != nullptr ? cache_->cache().pairing : tensor_.output_pairing;
  if (to == 0) to = from;
  const FusedSteps steps = drawn_.Steps(b, t, tensor_.rotary_offset, from, to);
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
                     ", " + drawn_.Describe();
  if (cache_ != nullptr) {
    text += ", cache, scales " + std::to_string(cache_->cache().scale_kind) +
            " element_stride " + std::to_string(cache_->cache().element_stride);
  } else {
    text += output_ == nullptr ? ", in place" : ", out of place";
  }
  return text;
}

}  // namespace rotary_test
