#include "tests/fused/cache_memory.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "tests/support/element.h"

namespace rotary_test {
namespace {

int64_t Dense(int64_t stride, int64_t dense) {
  return stride == ROTARY_DENSE ? dense : stride;
}

bool AreBytes(rotary_dtype dtype) {
  return dtype == ROTARY_I8 || dtype == ROTARY_F8_E4M3 ||
         dtype == ROTARY_F8_E5M2;
}

}  // namespace

CacheMemory::CacheMemory(int64_t num_slots, int64_t heads, int64_t head_dim,
                         Random* random)
    : num_slots_(num_slots), heads_(heads), head_dim_(head_dim), cache_() {
  rotary_cache_init(&cache_, sizeof(cache_));
  std::vector<rotary_dtype> dtypes = {ROTARY_F32,     ROTARY_F16,
                                      ROTARY_BF16,    ROTARY_I8,
                                      ROTARY_F8_E4M3, ROTARY_F8_E5M2};
  if (head_dim % 32 == 0) dtypes.push_back(ROTARY_Q8_0);
  cache_.dtype = random->Choose(dtypes);
  const std::vector<rotary_pairing> pairings = {ROTARY_HALF,
                                                ROTARY_INTERLEAVED};
  cache_.pairing = random->Choose(pairings);
  const int64_t size = random->Integer(1, 16);
  if (random->Integer(0, 1) == 0) cache_.block_size = size;
  MakeLayout(random);
  data_ = Write(
      static_cast<size_t>(Blocks() *
                          std::max(cache_.block_stride, cache_.head_stride) *
                          UnitBytes()),
      random);
  cache_.data = data_.buffer->data();
  const bool needs = cache_.dtype == ROTARY_I8;
  if (needs || (AreBytes(cache_.dtype) && random->Integer(0, 2) != 0)) {
    MakeScales(random);
  }
}

void CacheMemory::MakeLayout(Random* random) {
  const int64_t units = Units();
  const int64_t size = BlockSize();
  const int64_t gap = random->Integer(0, 2);
  cache_.element_stride = 1;
  switch (random->Integer(0, cache_.dtype == ROTARY_Q8_0 ? 1 : 2)) {
    case 0:  // NHD
      cache_.head_stride = units;
      cache_.slot_stride = heads_ * units + gap;
      cache_.block_stride = size * cache_.slot_stride;
      break;
    case 1:  // HND
      cache_.slot_stride = units;
      cache_.head_stride = size * units + gap;
      cache_.block_stride = heads_ * cache_.head_stride;
      break;
    default:  // transposed
      cache_.slot_stride = 1;
      cache_.element_stride = size + gap;
      cache_.head_stride = units * cache_.element_stride;
      cache_.block_stride = heads_ * cache_.head_stride;
      break;
  }
}

void CacheMemory::MakeScales(Random* random) {
  const bool made = random->Integer(0, 1) == 0;
  cache_.scale_kind = made ? ROTARY_SCALES_MADE : ROTARY_SCALES_GIVEN;
  cache_.scales_dtype = random->Choose(Dtypes());
  int64_t elements = 1;
  const int64_t sharing = made ? 2 : random->Integer(0, 2);
  if (sharing < 2) {  // one for all, or one for each channel
    cache_.scales_block_stride = cache_.scales_slot_stride = 0;
    cache_.scales_head_stride = sharing * head_dim_;
    cache_.scales_element_stride = sharing;
    elements = sharing == 1 ? head_dim_ : 1;
  }
  const int64_t count = Blocks() * BlockSize() * heads_ * elements;
  scales_ = Write(
      static_cast<size_t>(count) * ElementBytes(cache_.scales_dtype), random);
  if (!made) FillGivenScales(count, random);
  cache_.scales = scales_.buffer->data();
}

void CacheMemory::FillGivenScales(int64_t count, Random* random) {
  for (int64_t i = 0; i < count; ++i) {
    const double largest =
        std::ldexp(1.0 + 0.25 * static_cast<double>(random->Integer(0, 3)),
                   static_cast<int>(random->Integer(-6, 2)));
    StoreBits(
        cache_.scales_dtype, scales_.before.data(), i,
        Nearest(cache_.scales_dtype, largest / LargestByte(cache_.dtype)));
  }
}

void CacheMemory::FillNumbers(Random* random) {
  const size_t unit = static_cast<size_t>(UnitBytes());
  for (size_t i = 0; i + unit <= data_.before.size(); i += unit) {
    uint8_t* at = data_.before.data() + i;
    if (cache_.dtype <= ROTARY_BF16) {
      const auto value = static_cast<double>(random->Float());
      StoreBits(cache_.dtype, at, 0, Nearest(cache_.dtype, value));
    } else if (cache_.dtype == ROTARY_Q8_0) {
      StoreBits(ROTARY_F16, at, 0,
                Nearest(ROTARY_F16, std::fabs(random->Float()) / 127.0));
      for (size_t e = 2; e < unit; ++e) {
        at[e] = static_cast<uint8_t>(random->Integer(-127, 127));
      }
    } else {
      do {
        *at = static_cast<uint8_t>(random->Bits());
      } while (!std::isfinite(ByteValue(cache_.dtype, *at)));
    }
  }
  if (cache_.scale_kind != ROTARY_SCALES_MADE) return;
  const size_t size = ElementBytes(cache_.scales_dtype);
  FillGivenScales(static_cast<int64_t>(scales_.before.size() / size), random);
}

CacheMemory::Written CacheMemory::Write(size_t bytes, Random* random) {
  Written written;
  written.buffer = std::make_unique<GuardedBuffer>(
      bytes, random->Integer(0, 1) == 0 ? Flush::kStart : Flush::kEnd);
  for (size_t i = 0; i < bytes; ++i) {
    written.before.push_back(static_cast<uint8_t>(random->Bits()));
  }
  written.may_change.assign(bytes, false);
  return written;
}

void CacheMemory::Reset() const {
  for (const Written* written : {&data_, &scales_}) {
    if (written->buffer == nullptr) continue;
    std::memcpy(written->buffer->data(), written->before.data(),
                written->before.size());
  }
}

std::vector<uint8_t> CacheMemory::Result() const {
  std::vector<uint8_t> result;
  for (const Written* written : {&data_, &scales_}) {
    if (written->buffer == nullptr) continue;
    const uint8_t* from = written->buffer->As<uint8_t>();
    result.insert(result.end(), from, from + written->before.size());
  }
  return result;
}

int64_t CacheMemory::Units() const {
  return cache_.dtype == ROTARY_Q8_0 ? head_dim_ / 32 : head_dim_;
}

int64_t CacheMemory::UnitBytes() const {
  if (cache_.dtype == ROTARY_Q8_0) return 34;
  return AreBytes(cache_.dtype)
             ? 1
             : static_cast<int64_t>(ElementBytes(cache_.dtype));
}

int64_t CacheMemory::At(int64_t slot, int64_t h, int64_t element) const {
  return slot / BlockSize() * cache_.block_stride +
         slot % BlockSize() * cache_.slot_stride + h * cache_.head_stride +
         element * cache_.element_stride;
}

int64_t CacheMemory::ScaleAt(int64_t slot, int64_t h, int64_t element) const {
  return slot / BlockSize() *
             Dense(cache_.scales_block_stride, BlockSize() * heads_) +
         slot % BlockSize() * Dense(cache_.scales_slot_stride, heads_) +
         h * Dense(cache_.scales_head_stride, 1) +
         element * cache_.scales_element_stride;
}

void CacheMemory::MayChange(int64_t slot) {
  const auto mark = [](Written* written, int64_t at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      written->may_change[static_cast<size_t>(at + i)] = true;
    }
  };
  for (int64_t h = 0; h < heads_; ++h) {
    for (int64_t e = 0; e < Units(); ++e) {
      mark(&data_, At(slot, h, e) * UnitBytes(), UnitBytes());
    }
    if (cache_.scale_kind != ROTARY_SCALES_MADE) continue;
    const auto size = static_cast<int64_t>(ElementBytes(cache_.scales_dtype));
    mark(&scales_, ScaleAt(slot, h, 0) * size, size);
  }
}

std::string CacheMemory::CheckRest(const Written& written) {
  if (written.buffer == nullptr) return "";
  if (!written.buffer->CanariesIntact()) return "canaries are gone";
  const uint8_t* now = written.buffer->As<uint8_t>();
  for (size_t i = 0; i < written.before.size(); ++i) {
    if (!written.may_change[i] && now[i] != written.before[i]) {
      return "byte " + std::to_string(i) + " of the cache was changed";
    }
  }
  return "";
}

std::string CacheMemory::CheckRest() const {
  const std::string wrong = CheckRest(data_);
  return wrong.empty() ? CheckRest(scales_) : wrong;
}

StoredHead CacheMemory::Head(int64_t slot, int64_t h, bool before) const {
  const auto bytes_of = [before](const Written& written) {
    return before || written.buffer == nullptr ? written.before.data()
                                               : written.buffer->As<uint8_t>();
  };
  const uint8_t* data = bytes_of(data_);
  StoredHead head = {};
  head.dtype = cache_.dtype;
  head.made = cache_.scale_kind == ROTARY_SCALES_MADE;
  head.scales_dtype = cache_.scales_dtype;
  if (cache_.dtype == ROTARY_Q8_0) {
    head.made = true;
    head.scales_dtype = ROTARY_F16;
    for (int64_t i = 0; i < Units(); ++i) {
      const uint8_t* block = data + At(slot, h, i) * 34;
      head.scales.push_back(
          ValueOf(ROTARY_F16, LoadBits(ROTARY_F16, block, 0)));
      for (int64_t e = 0; e < 32; ++e) {
        head.numbers.push_back(ByteValue(ROTARY_I8, block[2 + e]));
      }
    }
    return head;
  }
  for (int64_t e = 0; e < head_dim_; ++e) {
    const int64_t at = At(slot, h, e);
    head.numbers.push_back(
        AreBytes(cache_.dtype)
            ? ByteValue(cache_.dtype, data[at])
            : ValueOf(cache_.dtype, LoadBits(cache_.dtype, data, at)));
  }
  if (cache_.scale_kind == ROTARY_SCALES_NONE) return head;
  const bool channels = cache_.scales_element_stride != 0;
  for (int64_t e = 0; e < (channels ? head_dim_ : 1); ++e) {
    head.scales.push_back(ValueOf(
        cache_.scales_dtype,
        LoadBits(cache_.scales_dtype, bytes_of(scales_), ScaleAt(slot, h, e))));
  }
  return head;
}

std::vector<uint8_t> CacheMemory::HeadBytes(int64_t slot, int64_t h,
                                            bool before) const {
  std::vector<uint8_t> bytes;
  const auto add = [&](const Written& written, int64_t at, int64_t count) {
    const uint8_t* from =
        (before ? written.before.data() : written.buffer->As<uint8_t>()) + at;
    bytes.insert(bytes.end(), from, from + count);
  };
  for (int64_t e = 0; e < Units(); ++e) {
    add(data_, At(slot, h, e) * UnitBytes(), UnitBytes());
  }
  if (cache_.scale_kind == ROTARY_SCALES_MADE) {
    const auto size = static_cast<int64_t>(ElementBytes(cache_.scales_dtype));
    add(scales_, ScaleAt(slot, h, 0) * size, size);
  }
  return bytes;
}

}  // namespace rotary_test
