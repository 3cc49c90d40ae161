// What is in a cache, moved to other slots of it or of another, at random. Used
// by move_test.cc.
#ifndef TESTS_FUSED_MOVE_CASE_H_
#define TESTS_FUSED_MOVE_CASE_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fused/cache_memory.h"
#include "tests/support/objects.h"

namespace rotary_test {

class MoveCase {
 public:
  explicit MoveCase(uint64_t seed);

  void Run(const char* target, int32_t num_threads);
  // Empty, or what is wrong.
  std::string Check() const;
  std::vector<uint8_t> Result() const { return to().Result(); }
  std::string Describe() const;

 private:
  const CacheMemory& to() const {
    return other_ == nullptr ? *cache_ : *other_;
  }
  void MakeRowsBetween();
  void MakeSlots(Random* random);
  bool AreAlike(size_t t) const;
  std::string CheckToken(size_t t) const;

  int64_t heads_;
  int64_t head_dim_;
  int64_t rotary_dim_;
  int64_t rotary_offset_;
  bool rotates_;
  int32_t hadamard_;
  std::unique_ptr<CacheMemory> cache_;
  std::unique_ptr<CacheMemory> other_;  // or in the same
  std::vector<int64_t> from_;
  std::vector<int64_t> to_;
  std::vector<int64_t> deltas_;
  bool changes_embedding_;
  Embedding embedding_;
  Rows rows_;
  RowValues values_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_MOVE_CASE_H_
