#include "tests/fused/fused_part.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

const std::vector<rotary_pairing> kPairings = {ROTARY_HALF, ROTARY_INTERLEAVED};

}  // namespace

FusedPart::FusedPart(const FusedRows& shared, Random* random)
    : shared_(shared),
      drawn_(shared, random),
      shape_(drawn_.shape()),
      tensor_() {
  MakeInput(random);
  drawn_.DrawNorm(random);
  drawn_.DrawScales(random);
  MakeOutput(random);
}

void FusedPart::MakeInput(Random* random) {
  const rotary_dtype dtype = random->Choose(Dtypes());
  const Strides strides = drawn_.DrawStrides(random);
  const Flush flush = random->Integer(0, 1) == 0 ? Flush::kStart : Flush::kEnd;
  const int64_t misalignment = random->Integer(0, 3);
  input_ = std::make_unique<StridedTensor>(dtype, shape_, strides, flush,
                                           misalignment);
  input_->FillRandom(random->Bits());
  before_ = std::make_unique<Snapshot>(*input_);
  const int64_t offset =
      drawn_.rotates()
          ? random->Integer(0, shape_.head_dim - shared_.rotary_dim)
          : 0;
  tensor_ = InPlace(input_->view(), random->Choose(kPairings), offset);
}

void FusedPart::MakeOutput(Random* random) {
  const int64_t kind = random->Integer(0, 4);
  if (kind > 1) {
    cache_ = std::make_unique<CacheMemory>(shared_.num_slots, shape_.heads,
                                           shape_.head_dim, random);
    drawn_.fusion().cache = &cache_->cache();
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
  const rotary_dtype dtype = random->Choose(Dtypes());
  const Strides strides =
      StridesOf(shape_, Order::kBshd, random->Integer(0, 3));
  const int64_t misalignment = random->Integer(0, 1);
  output_ = std::make_unique<StridedTensor>(dtype, shape_, strides, Flush::kEnd,
                                            misalignment);
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
