#include "tests/fused/fused_part.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

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
    : shared_(shared), shape_(), tensor_(), fusion_(), norm_() {
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
  // Much of one thing at a time.
  const bool few_tokens = shared.batch * shared.tokens < 12;
  const bool wide = few_tokens && random->Integer(0, 20) == 0;
  if (wide) head_dim = 2048;
  if (head_dim < rotary_dim) head_dim = rotary_dim + random->Integer(0, 3);
  const bool many = few_tokens && !wide && random->Integer(0, 5) == 0;
  const int64_t heads =
      many ? random->Integer(20, 70) : random->Integer(1, few_tokens ? 6 : 2);
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
  if (kind > 1) {
    cache_ = std::make_unique<CacheMemory>(shared_.num_slots, shape_.heads,
                                           shape_.head_dim, random);
    fusion_.cache = &cache_->cache();
    for (int64_t b = 0; b < shape_.batch; ++b) {
      for (int64_t t = 0; t < shape_.tokens; ++t) {
        if (!IsLeftOut(b, t)) cache_->MayChange(Slot(b, t));
      }
    }
    return;
  }
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

void FusedPart::Reset() {
  CopyValues(before_->view(), input_->view());
  if (output_ != nullptr) output_->FillRandom(7);
  if (cache_ != nullptr) cache_->Reset();
}

std::vector<uint8_t> FusedPart::Result() const {
  std::vector<uint8_t> result;
  if (cache_ != nullptr) result = cache_->Result();
  const auto add = [&result](const void* data, size_t bytes) {
    const uint8_t* from = static_cast<const uint8_t*>(data);
    result.insert(result.end(), from, from + bytes);
  };
  for (const StridedTensor* tensor : {input_.get(), output_.get()}) {
    if (tensor == nullptr) continue;
    add(tensor->memory(), static_cast<size_t>(tensor->size()) *
                              ElementBytes(tensor->view().dtype));
  }
  return result;
}

}  // namespace rotary_test
