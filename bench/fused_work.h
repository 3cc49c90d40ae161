// The memory and the calls of a benchmark of fused passes: a pass, and the
// passes that do the same one after the other.  Used by fused_bench.cc.

#ifndef ROTARY_BENCH_FUSED_WORK_H_
#define ROTARY_BENCH_FUSED_WORK_H_

#include <rotary/rotary.h>
#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <vector>

#include "bench/fused_shapes.h"
#include "bench/memory.h"

namespace rotary_bench {

// What a stream moves: so many bytes are read, and so many written, in place or
// not.
struct Move {
  const unsigned char* from;
  unsigned char* to;
  size_t read;
  size_t written;
};

// One call of the library.
struct FusedPass {
  std::vector<rotary_tensor> tensors;
  std::vector<rotary_fusion> fusions;
  std::vector<Move> moves;
};

// Inputs are in memory.x, caches and what is wider than the input in memory.y.
class FusedWork {
 public:
  FusedWork(const FusedCase& c, const Memory& memory);
  ~FusedWork();
  FusedWork(const FusedWork&) = delete;
  FusedWork& operator=(const FusedWork&) = delete;

  const FusedPass& fused() const { return fused_; }
  const std::vector<FusedPass>& separate() const { return separate_; }
  void Run(const FusedPass& pass) const;

 private:
  void FillInput();
  void MakeRows(const Memory& memory);
  void MakeSlots();
  rotary_tensor Tensor(const FusedPart& part) const;
  rotary_tensor WithOutput(rotary_tensor tensor) const;
  const rotary_cache* Cache(const FusedPart& part);
  void AddParts();
  void AddShift();
  Move MoveOf(const FusedPart& part) const;
  Move InPlace(const FusedPart& part) const;

  const FusedCase c_;
  FusedType type_;  // of the input, or of what is between passes
  int64_t num_slots_ = 0;
  int64_t token_elements_ = 0;  // of the input
  int64_t cache_elements_ = 0;  // of a slot, of one of keys and values
  unsigned char* const input_;
  unsigned char* const output_;
  FusedPass fused_;
  std::vector<FusedPass> separate_;
  std::vector<float> weight_;
  rotary_norm norm_;
  std::deque<rotary_cache> caches_;
  std::vector<float> scales_;
  std::vector<uint64_t> slots_memory_;
  rotary_slots* slots_ = nullptr;
  rotary_embedding* embedding_ = nullptr;
  rotary_rows* rows_ = nullptr;
};

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_FUSED_WORK_H_
