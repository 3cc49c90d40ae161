// Some heads of some tokens of a fused tensor: where they are in memory, and
// their rotation.  Used by apply/stages.cc, head_norm.cc and move_run.cc.

#ifndef ROTARY_LIB_APPLY_CHUNK_H_
#define ROTARY_LIB_APPLY_CHUNK_H_

#include <stdint.h>

#include "lib/apply/fused.h"
#include "lib/apply/stages.h"

namespace rotary {

// Where something of a cache or a tensor is.
struct Place {
  char* data;
  int64_t token_stride;  // in elements
  int64_t head_stride;
  int64_t element_stride;
};

// Of a slot in data of a cache, whose elements have so many bytes.
inline Place PlaceIn(void* data, int64_t size, int64_t block_size,
                     const CacheStrides& strides, int64_t slot) {
  const int64_t at =
      slot / block_size * strides.block + slot % block_size * strides.slot;
  return {static_cast<char*>(data) + at * size, strides.slot, strides.head,
          strides.element};
}
inline Place PlaceIn(const Cache& cache, int64_t slot) {
  return PlaceIn(cache.data, StorageSize(cache.storage), cache.block_size,
                 cache.strides, slot);
}
inline Place ScalesPlaceIn(const Cache& cache, int64_t slot) {
  return PlaceIn(cache.scales, ElementSize(cache.scales_dtype),
                 cache.block_size, cache.scales_strides, slot);
}

class Chunk {
 public:
  // Of no heads yet.
  Chunk(const FusedCall& call, int64_t index, const RotateJob& job,
        const HeadRun& run);

  const FusedTensor& fused() const { return fused_; }
  Target target() const { return call_.apply.target; }
  int64_t index() const { return index_; }
  int64_t b() const { return job_.b; }
  int64_t run_tokens() const { return run_.end - run_.token; }
  int64_t first_token() const { return run_.token + token; }  // of the call's
  TileHeads Shape() const { return {tokens, heads, fused_.tensor.head_dim}; }
  int64_t Heads() const { return tokens * heads; }

  // Not of what is gathered.
  TileInput Input() const;
  TileSource Source() const;
  TileScales SourceScales() const;
  TileInput InTile(const float* tile) const;
  TileOutput Output() const;
  TileScales Scales() const;
  TileAhead Ahead() const;

  // To what a rotation leads, and whence.
  void ReadFromInput(Tensor* tensor) const;
  void WriteToOutput(Tensor* tensor) const;
  void ReadFrom(const float* tile, Tensor* tensor) const;
  void WriteTo(float* tile, Tensor* tensor) const;

  // The rows of its tokens.
  void SetRows(RotateNormedJob* job) const;

  // Turns the heads, or copies them where their tensor is not rotated.
  void Rotate(Tensor* tensor) const;

  // Tokens of the run, and heads of the tensor.
  int64_t token = 0;
  int64_t tokens = 0;
  int64_t head = 0;
  int64_t heads = 0;

 private:
  void RotateByHead(const Tensor& tensor, RotateJob job) const;
  TileScales ScalesIn(const Cache& cache, int64_t slot) const;

  const FusedCall& call_;
  const FusedTensor& fused_;
  const int64_t index_;
  const RotateJob& job_;
  const HeadRun& run_;
  const Place output_;
};

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_CHUNK_H_
