#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "tests/fused/fused_part.h"
#include "tests/fused/fused_reference.h"
#include "tests/support/element.h"

namespace rotary_test {
namespace {

int64_t Dense(int64_t stride, int64_t dense) {
  return stride == ROTARY_DENSE ? dense : stride;
}

// Element `index` of bytes, or of blocks.
double CacheValue(const rotary_cache& cache, const uint8_t* data,
                  int64_t index) {
  if (cache.dtype <= ROTARY_BF16) {
    return ValueOf(cache.dtype, LoadBits(cache.dtype, data, index));
  }
  return ByteValue(cache.dtype, data[index]);
}

}  // namespace

// Where an element is, counted as strides do; of Q8_0 its block.
int64_t FusedPart::CacheAt(int64_t slot, int64_t h, int64_t e) const {
  const int64_t size =
      cache_.block_size == 0 ? shared_.num_slots : cache_.block_size;
  return slot / size * cache_.block_stride + slot % size * cache_.slot_stride +
         h * cache_.head_stride + e * cache_.element_stride;
}

int64_t FusedPart::ScaleAt(int64_t slot, int64_t h, int64_t e) const {
  const int64_t size =
      cache_.block_size == 0 ? shared_.num_slots : cache_.block_size;
  const int64_t heads = shape_.heads;
  return slot / size * Dense(cache_.scales_block_stride, size * heads) +
         slot % size * Dense(cache_.scales_slot_stride, heads) +
         h * Dense(cache_.scales_head_stride, 1) +
         e * cache_.scales_element_stride;
}

bool FusedPart::IsLeftOut(int64_t b, int64_t t) const {
  if (fusion_.cache == nullptr) return false;
  return shared_.slots[static_cast<size_t>(b * shared_.tokens + Token(t))] < 0;
}

void FusedPart::MarkCache() {
  const bool q8_0 = cache_.dtype == ROTARY_Q8_0;
  const int64_t bytes =
      q8_0 ? 34
           : (cache_.dtype <= ROTARY_BF16
                  ? static_cast<int64_t>(ElementBytes(cache_.dtype))
                  : 1);
  const int64_t elements = q8_0 ? shape_.head_dim / 32 : shape_.head_dim;
  const auto mark = [](Written* written, int64_t at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      written->may_change[static_cast<size_t>(at + i)] = true;
    }
  };
  for (int64_t b = 0; b < shape_.batch; ++b) {
    for (int64_t t = 0; t < shape_.tokens; ++t) {
      fusion_.cache = &cache_;
      if (IsLeftOut(b, t)) continue;
      const int64_t slot =
          shared_.slots[static_cast<size_t>(b * shared_.tokens + Token(t))];
      for (int64_t h = 0; h < shape_.heads; ++h) {
        for (int64_t e = 0; e < elements; ++e) {
          mark(&data_, CacheAt(slot, h, e) * bytes, bytes);
        }
        if (cache_.scale_kind == ROTARY_SCALES_MADE) {
          const auto size =
              static_cast<int64_t>(ElementBytes(cache_.scales_dtype));
          mark(&scales_, ScaleAt(slot, h, 0) * size, size);
        }
      }
    }
  }
}

StoredHead FusedPart::ReadHead(int64_t b, int64_t t, int64_t h) const {
  StoredHead head = {};
  if (fusion_.cache == nullptr) {
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
  const int64_t slot =
      shared_.slots[static_cast<size_t>(b * shared_.tokens + Token(t))];
  const auto* data = static_cast<const uint8_t*>(data_.buffer->data());
  head.dtype = cache_.dtype;
  head.made = cache_.scale_kind == ROTARY_SCALES_MADE;
  head.scales_dtype = cache_.scales_dtype;
  if (cache_.dtype == ROTARY_Q8_0) {
    head.made = true;
    head.scales_dtype = ROTARY_F16;
    for (int64_t i = 0; i < shape_.head_dim / 32; ++i) {
      const uint8_t* block = data + CacheAt(slot, h, i) * 34;
      uint16_t scale;
      std::memcpy(&scale, block, 2);
      head.scales.push_back(ValueOf(ROTARY_F16, scale));
      for (int64_t e = 0; e < 32; ++e) {
        head.numbers.push_back(ByteValue(ROTARY_I8, block[2 + e]));
      }
    }
    return head;
  }
  for (int64_t e = 0; e < shape_.head_dim; ++e) {
    head.numbers.push_back(CacheValue(cache_, data, CacheAt(slot, h, e)));
  }
  if (cache_.scale_kind != ROTARY_SCALES_NONE) {
    const bool channels = cache_.scales_element_stride != 0;
    for (int64_t e = 0; e < (channels ? shape_.head_dim : 1); ++e) {
      head.scales.push_back(
          ValueOf(cache_.scales_dtype,
                  LoadBits(cache_.scales_dtype, scales_.buffer->data(),
                           ScaleAt(slot, h, e))));
    }
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
        fusion_.cache != nullptr ? cache_.pairing : tensor_.output_pairing;
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

std::string FusedPart::CheckUntouched(const Written& written) const {
  if (written.buffer == nullptr) return "";
  if (!written.buffer->CanariesIntact()) return "canaries are gone";
  const uint8_t* now = static_cast<const uint8_t*>(written.buffer->data());
  for (size_t i = 0; i < written.before.size(); ++i) {
    if (!written.may_change[i] && now[i] != written.before[i]) {
      return "byte " + std::to_string(i) + " of the cache was changed";
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
  for (const Written* written : {&data_, &scales_}) {
    const std::string wrong = CheckUntouched(*written);
    if (!wrong.empty()) return wrong;
  }
  if (!input_->GapsIntact()) return "the input's gaps were changed";
  if (output_ != nullptr && !output_->GapsIntact()) {
    return "the output's gaps were changed";
  }
  const bool in_place = fusion_.cache == nullptr && output_ == nullptr;
  if (!in_place && !before_->SameBits(*input_)) return "the input was changed";
  return "";
}

std::string FusedPart::Describe() const {
  std::string text =
      "dtype " + std::to_string(input_->view().dtype) + " to " +
      std::to_string(fusion_.cache != nullptr ? cache_.dtype
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
  if (fusion_.cache != nullptr) {
    text += ", cache, scales " + std::to_string(cache_.scale_kind) +
            " element_stride " + std::to_string(cache_.element_stride);
  } else {
    text += output_ == nullptr ? ", in place" : ", out of place";
  }
  return text;
}

}  // namespace rotary_test
