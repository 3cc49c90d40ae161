// The positions of drawn_positions.h.
#include "tests/fuzz/drawn_positions.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>

namespace rotary_test {
namespace {

constexpr rotary_dtype kIntegers[] = {ROTARY_I32, ROTARY_U32, ROTARY_I64,
                                      ROTARY_U64};
constexpr rotary_dtype kReals[] = {ROTARY_F32, ROTARY_F64};

size_t Bytes(rotary_dtype dtype) {
  return dtype == ROTARY_I32 || dtype == ROTARY_U32 || dtype == ROTARY_F32 ? 4
                                                                           : 8;
}

template <typename T>
void StoreAs(void* at, T value) {
  std::memcpy(at, &value, sizeof(value));
}

template <typename T>
T LoadAs(const void* at) {
  T value;
  std::memcpy(&value, at, sizeof(value));
  return value;
}

}  // namespace

void DrawnPositions::Draw(Input* input, Arena* arena, int64_t batch,
                          int64_t tokens, int64_t axes, double low, double high,
                          bool real) {
  batch_ = batch;
  tokens_ = tokens;
  axes_ = axes;
  is_real_ = real;
  rotary_positions_init(&positions_, sizeof(positions_));
  positions_.kind = input->Once(2) ? ROTARY_POSITION_IDS
                                   : input->Integer32(0, batch == 1 ? 2 : 1);
  positions_.dtype = real ? input->Of(kReals) : input->Of(kIntegers);
  DrawSequences(input, arena);
  DrawLayout(input, arena);
  DrawValues(input, low, high);
  Find();
}

// Tokens [cu_seqlens[s], cu_seqlens[s + 1]) of packed ones are sequence s.
void DrawnPositions::DrawSequences(Input* input, Arena* arena) {
  for (int64_t i = 0; i < batch_ * tokens_; ++i) sequence_[i] = i / tokens_;
  if (positions_.kind != ROTARY_POSITION_PACKED) return;
  const int64_t count = input->Integer(0, 6);
  cu_seqlens_[0] = input->Once(2) ? 0 : input->Integer(0, tokens_);
  for (int64_t s = 0; s < count; ++s) {
    cu_seqlens_[s + 1] = input->Integer(cu_seqlens_[s], tokens_);
  }
  positions_.num_sequences = count;
  positions_.cu_seqlens_dtype = input->Flag() ? ROTARY_I32 : ROTARY_I64;
  const size_t bytes = Bytes(positions_.cu_seqlens_dtype);
  uint8_t* const memory =
      arena->Take(static_cast<size_t>(count + 1) * bytes, bytes);
  positions_.cu_seqlens = memory;
  for (int64_t s = 0; s <= count; ++s) {
    if (bytes == 4) {
      StoreAs(memory + 4 * s, static_cast<int32_t>(cu_seqlens_[s]));
    } else {
      StoreAs(memory + 8 * s, cu_seqlens_[s]);
    }
  }
  std::fill(sequence_, sequence_ + tokens_, -1);
  for (int64_t s = 0; s < count; ++s) {
    std::fill(sequence_ + cu_seqlens_[s], sequence_ + cu_seqlens_[s + 1], s);
  }
}

void DrawnPositions::DrawLayout(Input* input, Arena* arena) {
  const bool ids = positions_.kind == ROTARY_POSITION_IDS;
  const int64_t sequences = positions_.kind == ROTARY_POSITION_PACKED
                                ? positions_.num_sequences
                                : batch_;
  const int64_t sizes[3] = {axes_, sequences, ids ? tokens_ : 1};
  strides_[2] = 1;
  strides_[1] = ids ? tokens_ : 1;
  strides_[0] = sizes[1] * sizes[2];
  const bool dense = input->Once(2);
  if (!dense) {
    const int64_t layout = input->Integer(0, 5);
    if (layout == 0) {  // [..][axis]
      strides_[0] = 1;
      strides_[2] = axes_;
      strides_[1] = axes_ * sizes[2];
    }
    if (layout == 1) strides_[1] = 0;
    if (layout == 2) strides_[0] = 0;
    if (layout == 3) strides_[2] = 0;
    if (layout > 3) {
      for (int64_t& stride : strides_) stride *= input->Integer(-2, 2);
    }
    positions_.axis_stride = strides_[0];
    positions_.batch_stride = strides_[1];
    positions_.token_stride = strides_[2];
  }
  int64_t lowest = 0;
  int64_t highest = 0;
  bool empty = false;
  for (int i = 0; i < 3; ++i) {
    empty = empty || sizes[i] == 0;
    if (sizes[i] < 2) continue;
    const int64_t reach = (sizes[i] - 1) * strides_[i];
    lowest += std::min<int64_t>(reach, 0);
    highest += std::max<int64_t>(reach, 0);
  }
  count_ = empty ? 0 : highest - lowest + 1;
  first_ = -lowest;
  const size_t bytes = Bytes(positions_.dtype);
  data_ = arena->Take(static_cast<size_t>(count_) * bytes,
                      bytes * static_cast<size_t>(input->Integer(0, 1)));
  positions_.data = data_ + static_cast<size_t>(first_) * bytes;
  if (!ids && input->Once(4)) {
    positions_.data = nullptr;
    positions_.dtype = input->Integer32(0, 20);
  }
}

void DrawnPositions::DrawValues(Input* input, double low, double high) {
  const double width = high - low;
  // Few positions have all sizes.
  const int64_t size = input->Integer(0, 4);
  const double most = size == 0   ? 8
                      : size == 1 ? 300
                      : size == 2 ? 70000
                                  : width;
  const double middle = low <= 0 && high >= 0 ? 0 : low;
  if (input->Once(4)) {
    const double offset = std::floor(std::min(width, most) / 4);
    positions_.offset = low < 0 && input->Flag() ? -static_cast<int64_t>(offset)
                                                 : static_cast<int64_t>(offset);
  }
  if (positions_.data == nullptr) return;
  for (int64_t i = 0; i < count_; ++i) {
    const double share = static_cast<double>(input->Integer(0, 255)) / 256;
    double value = middle + share * std::min(most, high - middle) / 2;
    if (low < 0 && input->Flag()) value = -value;
    value = std::floor(value) + (is_real_ ? 0.125 : 0);
    if (input->Once(200)) value = high + 1;
    Store(i, value, input->Once(12));
  }
}

void DrawnPositions::Store(int64_t index, double value, bool none) {
  uint8_t* const at =
      data_ + static_cast<size_t>(index) * Bytes(positions_.dtype);
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  switch (positions_.dtype) {
    case ROTARY_I32:
      StoreAs(at, none ? INT32_MIN
                       : static_cast<int32_t>(
                             std::clamp(value, -2147483647.0, 2147483647.0)));
      break;
    case ROTARY_U32:
      StoreAs(at, none ? UINT32_MAX : static_cast<uint32_t>(std::fabs(value)));
      break;
    case ROTARY_I64:
      StoreAs(at, none ? INT64_MIN : static_cast<int64_t>(value));
      break;
    case ROTARY_U64:
      StoreAs(at, none ? UINT64_MAX : static_cast<uint64_t>(std::fabs(value)));
      break;
    case ROTARY_F32:
      StoreAs(at, static_cast<float>(none ? kNan : value));
      break;
    default:
      StoreAs(at, none ? kNan : value);
      break;
  }
}

double DrawnPositions::Load(int64_t index, bool* none) const {
  const uint8_t* const at =
      data_ + static_cast<size_t>(index) * Bytes(positions_.dtype);
  double value = 0;
  switch (positions_.dtype) {
    case ROTARY_I32:
      value = LoadAs<int32_t>(at);
      *none = LoadAs<int32_t>(at) == INT32_MIN;
      break;
    case ROTARY_U32:
      value = LoadAs<uint32_t>(at);
      *none = LoadAs<uint32_t>(at) == UINT32_MAX;
      break;
    case ROTARY_I64:
      value = static_cast<double>(LoadAs<int64_t>(at));
      *none = LoadAs<int64_t>(at) == INT64_MIN;
      break;
    case ROTARY_U64:
      value = static_cast<double>(LoadAs<uint64_t>(at));
      *none = LoadAs<uint64_t>(at) == UINT64_MAX;
      break;
    case ROTARY_F32:
      value = static_cast<double>(LoadAs<float>(at));
      *none = std::isnan(value);
      break;
    default:
      value = LoadAs<double>(at);
      *none = std::isnan(value);
      break;
  }
  return value;
}

void DrawnPositions::Find() {
  const auto offset = static_cast<double>(positions_.offset);
  for (int64_t i = 0; i < batch_ * tokens_; ++i) {
    has_position_[i] = !IsPadding(i);
    if (IsPadding(i)) continue;
    const int64_t t = i % tokens_;
    const int64_t s = sequence_[i];
    double behind = 0;
    if (positions_.kind == ROTARY_POSITION_STARTS) {
      behind = static_cast<double>(t);
    } else if (positions_.kind == ROTARY_POSITION_PACKED) {
      behind = static_cast<double>(t - cu_seqlens_[s]);
    }
    for (int64_t axis = 0; axis < axes_; ++axis) {
      bool none = false;
      double value = 0;
      if (positions_.data != nullptr) {
        const int64_t token =
            positions_.kind == ROTARY_POSITION_IDS ? t * strides_[2] : 0;
        value =
            Load(first_ + axis * strides_[0] + s * strides_[1] + token, &none);
      }
      if (none) has_position_[i] = false;
      at_[axis][i] = offset + value + behind;
    }
  }
}

}  // namespace rotary_test
