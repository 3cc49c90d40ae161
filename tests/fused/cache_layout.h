// How a random cache lies in memory that others own, and what heads in it hold.
// Used by cache_memory.cc and the fuzzer.
#ifndef TESTS_FUSED_CACHE_LAYOUT_H_
#define TESTS_FUSED_CACHE_LAYOUT_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>

#include "tests/fused/stored.h"
#include "tests/support/random.h"

namespace rotary_test {

class CacheLayout {
 public:
  CacheLayout() : num_slots_(0), heads_(0), head_dim_(0), cache_() {}
  // Of any dtype, strides and scales.
  CacheLayout(int64_t num_slots, int64_t heads, int64_t head_dim,
              Random* random);

  // Without data and scales.
  const rotary_cache& cache() const { return cache_; }
  rotary_cache* mutable_cache() { return &cache_; }
  size_t DataBytes() const;
  size_t ScalesBytes() const;  // 0: it has none
  // Of I8, fp8: they need scales, or may have some.
  bool HasBytes() const;

  // Scales as a caller may have them.
  void FillScales(uint8_t* scales, Random* random) const;

  int64_t heads() const { return heads_; }
  int64_t head_dim() const { return head_dim_; }
  // Counted as strides do; of Q8_0 the element is a block.
  int64_t At(int64_t slot, int64_t h, int64_t element) const;
  int64_t ScaleAt(int64_t slot, int64_t h, int64_t element) const;
  int64_t Units() const;      // elements of a head, or blocks
  int64_t UnitBytes() const;  // of each

  // What a head holds in memory of this layout.
  StoredHead Head(const uint8_t* data, const uint8_t* scales, int64_t slot,
                  int64_t h) const;

 private:
  void DrawStrides(Random* random);
  void DrawScales(Random* random);
  int64_t BlockSize() const {
    return cache_.block_size == 0 ? num_slots_ : cache_.block_size;
  }
  int64_t Blocks() const {
    return num_slots_ == 0 ? 0 : (num_slots_ + BlockSize() - 1) / BlockSize();
  }

  int64_t num_slots_;
  int64_t heads_;
  int64_t head_dim_;
  rotary_cache cache_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_CACHE_LAYOUT_H_
