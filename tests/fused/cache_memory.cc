#include "tests/fused/cache_memory.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>

#include "tests/support/element.h"

namespace rotary_test {

CacheMemory::CacheMemory(int64_t num_slots, int64_t heads, int64_t head_dim,
                         Random* random)
    : layout_(num_slots, heads, head_dim, random),
      cache_(*layout_.mutable_cache()) {
  data_ = Write(layout_.DataBytes(), random);
  cache_.data = data_.buffer->data();
  if (cache_.scale_kind == ROTARY_SCALES_NONE) return;
  scales_ = Write(layout_.ScalesBytes(), random);
  if (cache_.scale_kind == ROTARY_SCALES_GIVEN) {
    layout_.FillScales(scales_.before.data(), random);
  }
  cache_.scales = scales_.buffer->data();
}

void CacheMemory::FillNumbers(Random* random) {
  const size_t unit = static_cast<size_t>(layout_.UnitBytes());
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
  layout_.FillScales(scales_.before.data(), random);
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

void CacheMemory::MayChange(int64_t slot) {
  const auto mark = [](Written* written, int64_t at, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      written->may_change[static_cast<size_t>(at + i)] = true;
    }
  };
  for (int64_t h = 0; h < layout_.heads(); ++h) {
    for (int64_t e = 0; e < layout_.Units(); ++e) {
      mark(&data_, layout_.At(slot, h, e) * layout_.UnitBytes(),
           layout_.UnitBytes());
    }
    if (cache_.scale_kind != ROTARY_SCALES_MADE) continue;
    const auto size = static_cast<int64_t>(ElementBytes(cache_.scales_dtype));
    mark(&scales_, layout_.ScaleAt(slot, h, 0) * size, size);
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
  return layout_.Head(bytes_of(data_), bytes_of(scales_), slot, h);
}

std::vector<uint8_t> CacheMemory::HeadBytes(int64_t slot, int64_t h,
                                            bool before) const {
  std::vector<uint8_t> bytes;
  const auto add = [&](const Written& written, int64_t at, int64_t count) {
    const uint8_t* from =
        (before ? written.before.data() : written.buffer->As<uint8_t>()) + at;
    bytes.insert(bytes.end(), from, from + count);
  };
  for (int64_t e = 0; e < layout_.Units(); ++e) {
    add(data_, layout_.At(slot, h, e) * layout_.UnitBytes(),
        layout_.UnitBytes());
  }
  if (cache_.scale_kind == ROTARY_SCALES_MADE) {
    const auto size = static_cast<int64_t>(ElementBytes(cache_.scales_dtype));
    add(scales_, layout_.ScaleAt(slot, h, 0) * size, size);
  }
  return bytes;
}

}  // namespace rotary_test
