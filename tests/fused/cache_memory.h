// A cache of random dtype, layout and scales between guard pages, what it
// holds, and which of its bytes a pass may have changed.  Used by the tests of
// fused passes.
#ifndef TESTS_FUSED_CACHE_MEMORY_H_
#define TESTS_FUSED_CACHE_MEMORY_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fused/cache_layout.h"
#include "tests/fused/stored.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/random.h"

namespace rotary_test {

class CacheMemory {
 public:
  // With random bytes in it.
  CacheMemory(int64_t num_slots, int64_t heads, int64_t head_dim,
              Random* random);
  CacheMemory(const CacheMemory&) = delete;
  CacheMemory& operator=(const CacheMemory&) = delete;
  ~CacheMemory() = default;

  const rotary_cache& cache() const { return cache_; }
  rotary_cache* mutable_cache() { return &cache_; }

  // Fills it with numbers instead, and scales that are made with usual ones.
  void FillNumbers(Random* random);

  // Everything as it was before the first run.
  void Reset() const;
  // All bytes, of scales too.
  std::vector<uint8_t> Result() const;

  // A slot that a pass may write.
  void MayChange(int64_t slot);
  // Empty, or what else was changed.
  std::string CheckRest() const;

  // What a head holds now, or (`before`) held at first.
  StoredHead Head(int64_t slot, int64_t h, bool before = false) const;
  // The bytes of a head and its scale.
  std::vector<uint8_t> HeadBytes(int64_t slot, int64_t h, bool before) const;

 private:
  // Memory that may be written.
  struct Written {
    std::unique_ptr<GuardedBuffer> buffer;
    std::vector<uint8_t> before;
    std::vector<bool> may_change;
  };
  static Written Write(size_t bytes, Random* random);
  static std::string CheckRest(const Written& written);

  CacheLayout layout_;
  rotary_cache& cache_;
  Written data_;
  Written scales_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_CACHE_MEMORY_H_
