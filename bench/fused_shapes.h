// What the benchmarks of fused passes fuse: a pass, and the passes that do the
// same one after the other, in the shapes of several models.  Used by
// fused_bench.cc.

#ifndef ROTARY_BENCH_FUSED_SHAPES_H_
#define ROTARY_BENCH_FUSED_SHAPES_H_

#include <rotary/rotary.h>
#include <stddef.h>
#include <stdint.h>

#include <deque>
#include <string>
#include <vector>

#include "bench/memory.h"

namespace rotary_bench {

// How inputs or caches are stored.
struct FusedType {
  const char* name;
  rotary_dtype dtype;
  rotary_scales scales;
};

struct FusedShape {
  const char* what;   // append, qkv, norm, mla
  const char* model;  // llama, qwen3, deepseek
  FusedType input;
  FusedType cache;
};

struct FusedCase {
  FusedShape shape;
  const char* step;  // decode1, .., prefill4096
  int64_t tokens;
};
std::vector<FusedCase> FusedCases();

// "fused/append/llama-decode1/bf16-i8/t1"
std::string Name(const FusedCase& c);

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

// The memory, calls and moves of a case: inputs are in memory.x, caches in
// memory.y.
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
  // Some heads of every token.
  struct Part {
    int64_t heads;
    int64_t head_dim;
    int64_t column;  // of the token's elements, the first
    bool rotates;
    bool norms;
    bool to_cache;
    int64_t cache_column;
  };

  std::vector<Part> Parts() const;
  void MakeRows(const Memory& memory);
  void MakeSlots();
  rotary_tensor Tensor(const Part& part) const;
  const rotary_cache* Cache(const Part& part);
  void AddParts();
  Move MoveOf(const Part& part) const;
  Move InPlace(const Part& part) const;

  const FusedCase c_;
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

#endif  // ROTARY_BENCH_FUSED_SHAPES_H_
