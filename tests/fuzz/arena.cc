// The blocks of arena.h.
#include "tests/fuzz/arena.h"

#include <sanitizer/asan_interface.h>

#include <cstring>

#include "tests/fuzz/check.h"

namespace rotary_test {
namespace {

constexpr int kCanary = 0x5A;

}  // namespace

Arena& Arena::Get() {
  static Arena arena;
  return arena;
}

Arena::Arena() { std::memset(memory_, kCanary, kBytes); }

void Arena::Clear() {
  size_t at = 0;
  const auto check = [&](size_t end) {
    ASAN_UNPOISON_MEMORY_REGION(memory_ + at, end - at);
    for (; at < end; ++at) {
      Check(memory_[at] == kCanary, "memory beside a block was written");
    }
  };
  for (size_t i = 0; i < count_; ++i) {
    const Block& block = blocks_[i];
    check(block.begin);
    if (block.data == memory_ + at)
      std::memset(block.data, kCanary, block.bytes);
    at += block.bytes;
  }
  check(used_);
  count_ = 0;
  used_ = kRedZone;
}

Arena::Block& Arena::Add(size_t bytes, size_t offset) {
  const size_t begin = (used_ + 63) / 64 * 64 + offset;
  Check(count_ < kMaxBlocks && begin + bytes + kRedZone <= kBytes,
        "an input needs more memory than there is");
  used_ = begin + bytes + kRedZone;
  blocks_[count_] = {memory_ + begin, begin, bytes};
  return blocks_[count_++];
}

uint8_t* Arena::Take(size_t bytes, size_t offset) {
  return Add(bytes, offset).data;
}

void Arena::Attach(void* data, size_t bytes) {
  Add(bytes, 0).data = static_cast<uint8_t*>(data);
}

void Arena::Seal() {
  size_t at = 0;
  for (size_t i = 0; i < count_; ++i) {
    const Block& block = blocks_[i];
    std::memcpy(sealed_ + block.begin, block.data, block.bytes);
    ASAN_POISON_MEMORY_REGION(memory_ + at, block.begin - at);
    at = block.begin + block.bytes;
  }
  ASAN_POISON_MEMORY_REGION(memory_ + at, used_ - at);
}

void Arena::Restore() {
  for (size_t i = 0; i < count_; ++i) {
    const Block& block = blocks_[i];
    std::memcpy(block.data, sealed_ + block.begin, block.bytes);
  }
}

void Arena::Keep() {
  for (size_t i = 0; i < count_; ++i) {
    const Block& block = blocks_[i];
    std::memcpy(kept_ + block.begin, block.data, block.bytes);
  }
}

void Arena::KeepSealed() {
  for (size_t i = 0; i < count_; ++i) {
    const Block& block = blocks_[i];
    std::memcpy(kept_ + block.begin, sealed_ + block.begin, block.bytes);
  }
}

bool Arena::Is(const uint8_t* copy) const {
  for (size_t i = 0; i < count_; ++i) {
    const Block& block = blocks_[i];
    if (std::memcmp(block.data, copy + block.begin, block.bytes) != 0) {
      return false;
    }
  }
  return true;
}

uint8_t* Arena::BlockOf(const void* at, size_t* bytes) const {
  const auto* const byte = static_cast<const uint8_t*>(at);
  for (size_t i = 0; i < count_; ++i) {
    const Block& block = blocks_[i];
    if (byte < block.data || byte >= block.data + block.bytes) continue;
    *bytes = block.bytes;
    return block.data;
  }
  *bytes = 0;
  return nullptr;
}

size_t Arena::CopyOf(const void* at) const {
  const auto* const byte = static_cast<const uint8_t*>(at);
  for (size_t i = 0; i < count_; ++i) {
    const Block& block = blocks_[i];
    if (byte >= block.data && byte < block.data + block.bytes) {
      return block.begin + static_cast<size_t>(byte - block.data);
    }
  }
  // Of what is empty.
  return 0;
}

}  // namespace rotary_test
