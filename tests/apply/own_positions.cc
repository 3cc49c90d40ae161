// The positions of own_positions.h.
#include "tests/apply/own_positions.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

namespace rotary_test {
namespace {

constexpr int64_t kNone = ROTARY_NO_POSITION_I64;
// No position of any test's rows.
constexpr int64_t kFarOutside = 0x7ffffff0;

bool IsUnsigned(rotary_dtype dtype) {
  return dtype == ROTARY_U32 || dtype == ROTARY_U64;
}

bool IsNarrow(rotary_dtype dtype) {
  return dtype == ROTARY_I32 || dtype == ROTARY_U32;
}

uint64_t SentinelOf(rotary_dtype dtype) {
  switch (dtype) {
    case ROTARY_I32:
      return static_cast<uint32_t>(ROTARY_NO_POSITION_I32);
    case ROTARY_U32:
      return ROTARY_NO_POSITION_U32;
    case ROTARY_U64:
      return ROTARY_NO_POSITION_U64;
    default:
      return static_cast<uint64_t>(ROTARY_NO_POSITION_I64);
  }
}

}  // namespace

OwnPositions::OwnPositions(Random* random, rotary_positions_kind kind,
                           rotary_dtype dtype, int64_t batch, int64_t tokens,
                           int64_t rows)
    : positions(), ids(static_cast<size_t>(batch * tokens), kNone) {
  rotary_positions_init(&positions, sizeof(positions));
  positions.kind = kind;
  positions.dtype = dtype;
  positions.offset = IsUnsigned(dtype) ? random->Choose<int64_t>({0, -5})
                                       : random->Choose<int64_t>({0, -5, 9});
  switch (kind) {
    case ROTARY_POSITION_IDS:
      DrawIds(random, batch, tokens, rows);
      break;
    case ROTARY_POSITION_STARTS:
      DrawStarts(random, batch, tokens, rows);
      break;
    default:
      DrawPacked(random, tokens, rows);
      break;
  }
}

// One of `count` positions, or none, without the offset.
int64_t OwnPositions::DrawOne(Random* random, int64_t count) const {
  if (random->Integer(0, 5) == 0) return kNone;
  return random->Integer(0, count - 1) - positions.offset;
}

void OwnPositions::SetElement(int64_t index, int64_t value) {
  const auto at = static_cast<size_t>(index);
  while (values_.size() <= at) {
    values_.push_back(kFarOutside);
    data_.push_back(0);
    SetElement(static_cast<int64_t>(values_.size()) - 1, kFarOutside);
  }
  values_[at] = value;
  const uint64_t bits = value == kNone ? SentinelOf(positions.dtype)
                                       : static_cast<uint64_t>(value);
  const size_t bytes = IsNarrow(positions.dtype) ? 4 : 8;
  std::memcpy(reinterpret_cast<char*>(data_.data()) + at * bytes, &bits, bytes);
  positions.data = data_.data();
}

void OwnPositions::DrawIds(Random* random, int64_t batch, int64_t tokens,
                           int64_t rows) {
  struct TwoStrides {
    int64_t batch, token;
  };
  const TwoStrides strides = random->Choose<TwoStrides>(
      {{tokens, 1}, {2 * tokens + 3, 2}, {0, 1}, {1, 0}, {1, batch}});
  const bool dense = strides.batch == tokens && strides.token == 1;
  positions.batch_stride = dense ? ROTARY_DENSE : strides.batch;
  positions.token_stride = dense ? ROTARY_DENSE : strides.token;
  const auto index = [&](int64_t b, int64_t t) {
    return b * strides.batch + t * strides.token;
  };
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < tokens; ++t) {
      SetElement(index(b, t), DrawOne(random, rows));
    }
  }
  for (int64_t b = 0; b < batch; ++b) {
    for (int64_t t = 0; t < tokens; ++t) {
      const int64_t value = values_[static_cast<size_t>(index(b, t))];
      if (value == kNone) continue;
      ids[static_cast<size_t>(b * tokens + t)] = value + positions.offset;
    }
  }
}

void OwnPositions::DrawStarts(Random* random, int64_t batch, int64_t tokens,
                              int64_t rows) {
  REQUIRE(rows >= tokens);
  const int64_t stride = random->Choose<int64_t>({1, 3, 0});
  positions.batch_stride = stride == 1 ? ROTARY_DENSE : stride;
  const bool no_data = random->Integer(0, 3) == 0;
  if (no_data) positions.offset = random->Integer(0, rows - tokens);
  for (int64_t b = 0; b < batch && !no_data; ++b) {
    SetElement(b * stride, DrawOne(random, rows - tokens + 1));
  }
  for (int64_t b = 0; b < batch; ++b) {
    const int64_t start =
        no_data ? 0 : values_[static_cast<size_t>(b * stride)];
    for (int64_t t = 0; t < tokens && start != kNone; ++t) {
      ids[static_cast<size_t>(b * tokens + t)] = start + positions.offset + t;
    }
  }
}

void OwnPositions::DrawPacked(Random* random, int64_t tokens, int64_t rows) {
  REQUIRE(rows >= tokens);
  padding.assign(static_cast<size_t>(tokens), true);
  cu_seqlens_i64_ = {random->Integer(0, std::min<int64_t>(tokens, 2))};
  for (int64_t s = 0; s < 4; ++s) {
    const int64_t begin = cu_seqlens_i64_.back();
    const int64_t length = random->Integer(0, (tokens - begin) / 2 + 1);
    const int64_t end = std::min(begin + length, tokens);
    cu_seqlens_i64_.push_back(end);
    const int64_t start = DrawOne(random, rows - tokens + 1);
    SetElement(s, start);
    for (int64_t t = begin; t < end; ++t) {
      padding[static_cast<size_t>(t)] = false;
      if (start == kNone) continue;
      ids[static_cast<size_t>(t)] = start + positions.offset + t - begin;
    }
  }
  cu_seqlens_i32_.assign(cu_seqlens_i64_.begin(), cu_seqlens_i64_.end());
  positions.num_sequences = 4;
  positions.cu_seqlens = cu_seqlens_i64_.data();
  positions.cu_seqlens_dtype = ROTARY_I64;
  if (random->Integer(0, 1) == 0) {
    positions.cu_seqlens = cu_seqlens_i32_.data();
    positions.cu_seqlens_dtype = ROTARY_I32;
  }
}

}  // namespace rotary_test
