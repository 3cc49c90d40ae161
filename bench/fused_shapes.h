// What the benchmarks of fused passes fuse: in the shapes of several models.
// Used by fused_bench.cc and fused_work.cc.

#ifndef ROTARY_BENCH_FUSED_SHAPES_H_
#define ROTARY_BENCH_FUSED_SHAPES_H_

#include <rotary/rotary.h>
#include <stdint.h>

#include <string>
#include <vector>

namespace rotary_bench {

// How inputs or caches are stored.
struct FusedType {
  const char* name;
  rotary_dtype dtype;
  rotary_scales scales;
};

// Bytes of so many elements.
int64_t BytesOf(const FusedType& type, int64_t elements);

struct FusedShape {
  const char* what;   // append, qkv, norm, mla, shift
  const char* model;  // llama, qwen3, deepseek
  FusedType input;
  FusedType cache;
};

struct FusedCase {
  FusedShape shape;
  const char* step;  // decode1, .., prefill4096
  int64_t tokens;
  int threads;

  bool Is(const char* what) const;
  // A token of each of as many sequences.
  bool IsDecode() const;
};

// With one thread, and where there is enough to do with `cores`.
std::vector<FusedCase> FusedCases(int cores);

// "fused/append/llama-decode1/bf16-i8/t1"
std::string Name(const FusedCase& c);

// Where the heads of a token go to: back to where they were, into a cache, or
// into queries of other heads that have been widened.
enum class FusedOutput { kInPlace, kCache, kWideQueries };

// Some heads of every token.
struct FusedPart {
  int64_t heads;
  int64_t head_dim;
  int64_t head_stride;
  int64_t column;  // of the token's elements, the first
  bool rotates;
  bool norms;
  FusedOutput output;
  int64_t cache_column;
};
std::vector<FusedPart> PartsOf(const FusedCase& c);

// Of an absorbed query head, and where in it the rotated part begins.
inline constexpr int64_t kWideHead = 576;
inline constexpr int64_t kWideOffset = 512;

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_FUSED_SHAPES_H_
