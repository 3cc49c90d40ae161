#include "tests/fused/fused_part.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

size_t BytesOf(rotary_dtype dtype) {
  switch (dtype) {
    case ROTARY_F32:
      return 4;
    case ROTARY_F16:
    case ROTARY_BF16:
      return 2;
    case ROTARY_Q8_0:
      return 34;
    default:
      return 1;
  }
}

const std::vector<rotary_pairing> kPairings = {ROTARY_HALF, ROTARY_INTERLEAVED};

// Weights of a dtype, `count` of them around `middle`, and their values.
void DrawWeights(rotary_dtype dtype, int64_t count, double middle,
                 Random* random, std::vector<uint32_t>* memory,
                 std::vector<double>* values) {
  memory->assign(static_cast<size_t>(count), 0);
  values->clear();
  for (int64_t i = 0; i < count; ++i) {
    const uint32_t bits =
        Nearest(dtype, middle + static_cast<double>(random->Float()) / 16.0);
    StoreBits(dtype, memory->data(), i, bits);
    values->push_back(ValueOf(dtype, bits));
  }
}

}  // namespace

FusedPart::FusedPart(const FusedRows& shared, Random* random)
    : shared_(shared), shape_(), tensor_(), fusion_(), norm_(), cache_() {
  rotary_fusion_init(&fusion_, sizeof(fusion_));
  fusion_.rotates = random->Integer(0, 3) == 0 ? 0 : 1;
  if (random->Integer(0, 3) == 0) {
    fusion_.first_token = random->Integer(0, shared.tokens);
    fusion_.num_tokens =
        random->Integer(0, shared.tokens - fusion_.first_token);
  } else {
    fusion_.num_tokens = shared.tokens;
  }
  const int64_t rotary_dim = fusion_.rotates == 1 ? shared.rotary_dim : 1;
  const std::vector<int64_t> dims = {1, 16, 24, 32, 64, 96, 128, 192, 256};
  int64_t head_dim = random->Choose(dims);
  if (random->Integer(0, 20) == 0) head_dim = 2048;
  if (head_dim < rotary_dim) head_dim = rotary_dim + random->Integer(0, 3);
  const int64_t heads = random->Integer(0, 8) == 0 ? random->Integer(20, 70)
                                                   : random->Integer(1, 6);
  shape_ = {shared.batch, fusion_.num_tokens, heads, head_dim};
  MakeInput(random);
  MakeNorm(random);
  MakeScales(random);
  MakeOutput(random);
}

void FusedPart::MakeInput(Random* random) {
  const rotary_dtype dtype = random->Choose(Dtypes());
  const std::vector<Order> orders = {Order::kBshd, Order::kBhsd, Order::kSbhd};
  input_ = std::make_unique<StridedTensor>(
      dtype, shape_,
      StridesOf(shape_, random->Choose(orders), random->Integer(0, 3),
                random->Integer(0, 3), random->Integer(0, 3)),
      random->Integer(0, 1) == 0 ? Flush::kStart : Flush::kEnd,
      random->Integer(0, 3));
  input_->FillRandom(random->Bits());
  before_ = std::make_unique<Snapshot>(*input_);
  const int64_t offset =
      fusion_.rotates == 1
          ? random->Integer(0, shape_.head_dim - shared_.rotary_dim)
          : 0;
  tensor_ = InPlace(input_->view(), random->Choose(kPairings), offset);
}

void FusedPart::MakeNorm(Random* random) {
  if (random->Integer(0, 2) == 0) return;
  rotary_norm_init(&norm_, sizeof(norm_));
  norm_.kind = random->Integer(0, 2) == 0 ? ROTARY_NORM_LAYER : ROTARY_NORM_RMS;
  norm_.all_heads = random->Integer(0, 3) == 0 ? 1 : 0;
  norm_.after_rotation = random->Integer(0, 2) == 0 ? 1 : 0;
  norm_.epsilon = std::ldexp(1.0, static_cast<int>(random->Integer(-20, 0)));
  norm_.weight_dtype = random->Choose(Dtypes());
  const int64_t count =
      shape_.head_dim * (norm_.all_heads == 1 ? shape_.heads : 1);
  if (random->Integer(0, 4) != 0) {
    norm_.weight_plus_one = random->Integer(0, 2) == 0 ? 1 : 0;
    DrawWeights(norm_.weight_dtype, count, 1.0, random, &weight_,
                &weight_values_);
    norm_.weight = weight_.data();
  }
  if (norm_.kind == ROTARY_NORM_LAYER && random->Integer(0, 1) == 0) {
    DrawWeights(norm_.weight_dtype, count, 0.0, random, &bias_, &bias_values_);
    norm_.bias = bias_.data();
  }
  fusion_.norm = &norm_;
}

void FusedPart::MakeScales(Random* random) {
  if (random->Integer(0, 2) == 0) {
    fusion_.scale = 1.0 / std::sqrt(static_cast<double>(shape_.head_dim));
  }
  if (random->Integer(0, 3) == 0) {
    for (int64_t i = 0; i < shared_.batch * shared_.tokens; ++i) {
      token_scales_.push_back(1.0f + std::fabs(random->Float()));
    }
    fusion_.token_scales = token_scales_.data();
  }
  int64_t columns = 64;
  while (random->Integer(0, 2) == 0 && shape_.head_dim % (2 * columns) == 0) {
    columns *= 2;
  }
  if (random->Integer(0, 2) == 0 && shape_.head_dim % columns == 0) {
    fusion_.hadamard = static_cast<int32_t>(columns);
  }
}

void FusedPart::MakeOutput(Random* random) {
  const int64_t kind = random->Integer(0, 4);
  if (kind > 1) return MakeCache(random);
  if (kind == 0) {
    tensor_.output_pairing = random->Choose(kPairings);
    if (input_->view().dtype != ROTARY_F32) {
      tensor_.output_dtype =
          random->Integer(0, 1) == 0 ? ROTARY_F16 : ROTARY_BF16;
    }
    return;
  }
  output_ = std::make_unique<StridedTensor>(
      random->Choose(Dtypes()), shape_,
      StridesOf(shape_, Order::kBshd, random->Integer(0, 3)), Flush::kEnd,
      random->Integer(0, 1));
  tensor_ = OutOfPlace(input_->view(), output_->view(), tensor_.input_pairing,
                       tensor_.rotary_offset, random->Choose(kPairings));
  if (random->Integer(0, 1) == 0) tensor_.output_store = ROTARY_STORE_STREAM;
}

Written FusedPart::Write(size_t bytes, Random* random) const {
  Written written;
  written.buffer = std::make_unique<GuardedBuffer>(
      bytes, random->Integer(0, 1) == 0 ? Flush::kStart : Flush::kEnd);
  for (size_t i = 0; i < bytes; ++i) {
    written.before.push_back(static_cast<uint8_t>(random->Bits()));
  }
  written.may_change.assign(bytes, false);
  return written;
}

void FusedPart::MakeCache(Random* random) {
  rotary_cache_init(&cache_, sizeof(cache_));
  std::vector<rotary_dtype> dtypes = {ROTARY_F32,     ROTARY_F16,
                                      ROTARY_BF16,    ROTARY_I8,
                                      ROTARY_F8_E4M3, ROTARY_F8_E5M2};
  if (shape_.head_dim % 32 == 0) dtypes.push_back(ROTARY_Q8_0);
  cache_.dtype = random->Choose(dtypes);
  cache_.pairing = random->Choose(kPairings);
  const bool q8_0 = cache_.dtype == ROTARY_Q8_0;
  const int64_t elements = q8_0 ? shape_.head_dim / 32 : shape_.head_dim;
  const int64_t size = random->Integer(0, 1) == 0
                           ? std::max<int64_t>(shared_.num_slots, 1)
                           : random->Integer(1, 16);
  const int64_t blocks = (shared_.num_slots + size - 1) / size;
  if (size != shared_.num_slots || random->Integer(0, 1) == 0) {
    cache_.block_size = size;
  }
  const int64_t gap = random->Integer(0, 2);
  switch (random->Integer(0, q8_0 ? 1 : 2)) {
    case 0:  // NHD
      cache_.element_stride = 1;
      cache_.head_stride = elements;
      cache_.slot_stride = shape_.heads * elements + gap;
      cache_.block_stride = size * cache_.slot_stride;
      break;
    case 1:  // HND
      cache_.element_stride = 1;
      cache_.slot_stride = elements;
      cache_.head_stride = size * elements + gap;
      cache_.block_stride = shape_.heads * cache_.head_stride;
      break;
    default:  // transposed
      cache_.slot_stride = 1;
      cache_.element_stride = size + gap;
      cache_.head_stride = elements * cache_.element_stride;
      cache_.block_stride = shape_.heads * cache_.head_stride;
      break;
  }
  const size_t bytes =
      static_cast<size_t>(blocks *
                          std::max(cache_.block_stride, cache_.head_stride)) *
      BytesOf(cache_.dtype);
  data_ = Write(bytes, random);
  cache_.data = data_.buffer->data();
  const bool needs = cache_.dtype == ROTARY_I8;
  const bool may =
      needs || cache_.dtype == ROTARY_F8_E4M3 || cache_.dtype == ROTARY_F8_E5M2;
  if (needs || (may && random->Integer(0, 2) != 0)) MakeCacheScales(random);
  MarkCache();
  fusion_.cache = &cache_;
}

void FusedPart::MakeCacheScales(Random* random) {
  const bool made = random->Integer(0, 1) == 0;
  cache_.scale_kind = made ? ROTARY_SCALES_MADE : ROTARY_SCALES_GIVEN;
  cache_.scales_dtype = random->Choose(Dtypes());
  const int64_t size =
      cache_.block_size == 0 ? shared_.num_slots : cache_.block_size;
  const int64_t blocks = (shared_.num_slots + size - 1) / size;
  int64_t elements = 1;
  if (!made) {
    switch (random->Integer(0, 2)) {
      case 0:  // one for all
        cache_.scales_block_stride = cache_.scales_slot_stride = 0;
        cache_.scales_head_stride = 0;
        break;
      case 1:  // one for each channel
        cache_.scales_block_stride = cache_.scales_slot_stride = 0;
        cache_.scales_head_stride = shape_.head_dim;
        cache_.scales_element_stride = 1;
        elements = shape_.head_dim;
        break;
      default:
        break;
    }
  }
  const size_t count =
      static_cast<size_t>(blocks * size * shape_.heads * elements);
  scales_ = Write(count * ElementBytes(cache_.scales_dtype), random);
  if (!made) {
    for (size_t i = 0; i < count; ++i) {
      const double largest =
          std::ldexp(1.0 + 0.25 * static_cast<double>(random->Integer(0, 3)),
                     static_cast<int>(random->Integer(-6, 2)));
      StoreBits(
          cache_.scales_dtype, scales_.before.data(), static_cast<int64_t>(i),
          Nearest(cache_.scales_dtype, largest / LargestByte(cache_.dtype)));
    }
  }
  cache_.scales = scales_.buffer->data();
}

void FusedPart::Reset() {
  CopyValues(before_->view(), input_->view());
  if (output_ != nullptr) output_->FillRandom(7);
  for (const Written* written : {&data_, &scales_}) {
    if (written->buffer == nullptr) continue;
    std::memcpy(written->buffer->data(), written->before.data(),
                written->before.size());
  }
}

std::vector<uint8_t> FusedPart::Result() const {
  std::vector<uint8_t> result;
  const auto add = [&result](const void* data, size_t bytes) {
    const uint8_t* from = static_cast<const uint8_t*>(data);
    result.insert(result.end(), from, from + bytes);
  };
  for (const Written* written : {&data_, &scales_}) {
    if (written->buffer == nullptr) continue;
    add(written->buffer->data(), written->before.size());
  }
  for (const StridedTensor* tensor : {input_.get(), output_.get()}) {
    if (tensor == nullptr) continue;
    add(tensor->memory(), static_cast<size_t>(tensor->size()) *
                              ElementBytes(tensor->view().dtype));
  }
  return result;
}

}  // namespace rotary_test
