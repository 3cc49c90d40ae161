// A server of sequences that share a paged cache, as simple as one can be: what
// each slot should hold is known from the formula.  Used by server_test.cc.
#ifndef TESTS_FUSED_CACHE_SERVER_H_
#define TESTS_FUSED_CACHE_SERVER_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {

class CacheServer {
 public:
  static constexpr int64_t kHeads = 2;
  static constexpr int64_t kHeadDim = 32;
  static constexpr int64_t kBlockSize = 8;
  static constexpr int64_t kBlocks = 40;
  static constexpr int64_t kSlots = kBlocks * kBlockSize;

  CacheServer(rotary_dtype dtype, uint64_t seed);

  // One random thing; empty, or what went wrong.
  std::string Step();
  // Every key and value of every sequence; empty, or which is wrong.
  std::string Check() const;

  int64_t shifts() const { return shifts_; }
  int64_t refusals() const { return refusals_; }
  int64_t most_moves() const { return most_moves_; }

 private:
  // A token of a sequence.
  struct Token {
    int64_t key;  // number of its random key and value
    int64_t position;
    int64_t slot;
    int64_t moves;  // how often the key has been rotated again
  };
  using Sequence = std::vector<Token>;
  // A call's tokens: where they come from, if they are moved.
  struct Work {
    std::vector<int64_t> keys;
    std::vector<int64_t> positions;  // or differences
    std::vector<int64_t> slots;
    std::vector<int64_t> sources;
    bool moves;
  };

  std::string Append(Sequence* sequence, int64_t count);
  std::string Shift(Sequence* sequence, int64_t dropped);
  std::string InjectError();
  std::string Run(const Work& work, rotary_status expected);
  int64_t FreeSlot();
  int64_t FreeSlots() const;
  void Leave(const Token& token) { --users_[Index(token.slot)]; }
  std::string CheckToken(const Token& token) const;
  double Stored(int64_t slot, int64_t h, int64_t e) const;
  static size_t Index(int64_t i) { return static_cast<size_t>(i); }
  static std::vector<float> Numbers(int64_t key);

  const rotary_dtype dtype_;
  Random random_;
  Embedding embedding_;
  std::vector<Sequence> sequences_;
  std::vector<int> users_;  // of each slot
  std::vector<uint8_t> keys_;
  std::vector<float> scales_;
  std::vector<uint16_t> values_;
  rotary_cache key_cache_;
  rotary_cache value_cache_;
  int64_t next_key_ = 0;
  int64_t shifts_ = 0;
  int64_t refusals_ = 0;
  int64_t most_moves_ = 0;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_CACHE_SERVER_H_
