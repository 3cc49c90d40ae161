// All memory that the calls of an input read and write: blocks between red
// zones, and copies of it.  Used by all kinds.
#ifndef TESTS_FUZZ_ARENA_H_
#define TESTS_FUZZ_ARENA_H_

#include <cstddef>
#include <cstdint>

namespace rotary_test {

class Arena {
 public:
  static constexpr size_t kBytes = size_t{1} << 20;

  static Arena& Get();

  // Ends an input: no red zone was written.
  void Clear();

  // `bytes` bytes that begin `offset` bytes behind a multiple of 64.
  uint8_t* Take(size_t bytes, size_t offset = 0);

  // A block elsewhere.
  void Attach(void* data, size_t bytes);

  // Remembers what all blocks hold, and lets AddressSanitizer see red zones.
  void Seal();

  // Everything as it was.
  void Restore();
  bool IsAsSealed() const { return Is(sealed_); }

  // Remembers what all blocks hold now.
  void Keep();
  // As if all were still as it was sealed.
  void KeepSealed();
  bool IsAsKept() const { return Is(kept_); }

  // All of a block, by a byte in it; of what is empty nothing.
  uint8_t* BlockOf(const void* at, size_t* bytes) const;

  // The bytes at this place as they were, or were kept.
  const uint8_t* Sealed(const void* at) const { return sealed_ + CopyOf(at); }
  uint8_t* Kept(const void* at) { return kept_ + CopyOf(at); }

 private:
  struct Block {
    uint8_t* data;
    size_t begin;  // of its copies
    size_t bytes;
  };
  Block& Add(size_t bytes, size_t offset);
  bool Is(const uint8_t* copy) const;
  // Where the copies of a byte are.
  size_t CopyOf(const void* at) const;

  static constexpr size_t kMaxBlocks = 64;
  static constexpr size_t kRedZone = 32;

  Arena();

  alignas(64) uint8_t memory_[kBytes];
  alignas(64) uint8_t sealed_[kBytes];
  alignas(64) uint8_t kept_[kBytes];
  Block blocks_[kMaxBlocks];
  size_t count_ = 0;
  size_t used_ = kRedZone;
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_ARENA_H_
