// Some heads of some tokens of a fused tensor: where they are in memory, and
// their rotation.  Used by the stages of fused passes.

#ifndef ROTARY_LIB_APPLY_CHUNK_H_
#define ROTARY_LIB_APPLY_CHUNK_H_

#include <stdint.h>

#include <algorithm>

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

// The heads of token t of sequence b, of what a tensor is read from; nullptr:
// it has none there.
TileAhead HeadsToRead(const FusedCall& call, const FusedTensor& fused,
                      int64_t b, int64_t t);

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

// A tile's floats, or the halves of them that a tensor needs, and how many of
// its heads go there.
struct TileHalves {
  TileHalves(const FusedTensor& fused, float* tile)
      : first(tile),
        second(fused.two_tiles ? tile + kTileFloats / 2 : tile),
        most_heads(std::min((fused.two_tiles ? kTileFloats / 2 : kTileFloats) /
                                fused.tensor.head_dim,
                            kTileHeads)) {}

  float* const first;
  float* const second;
  const int64_t most_heads;
};

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

  // Where in the weights of a norm, which may be nullptr, those of the first
  // head are, and from there the next head's.
  const void* Weights(const void* weights) const;
  int64_t WeightHeadStride() const {
    return fused_.norm.all_heads ? fused_.tensor.head_dim : 0;
  }

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

  // Turns the heads, the other way than the call says if `back`, or copies them
  // where their tensor is not rotated; MakeJob says how, where they share rows.
  void MakeJob(const Tensor* tensor, RotateJob* job, bool back = false) const;
  void Rotate(const Tensor& tensor, bool back = false) const;

  // All heads of the run, from the input to the output; TakeRun says where.
  void TakeRun(Tensor* tensor);
  void RotateRun(bool back = false);

  // The Hadamard transform of the heads in a tile, if there is one: it is its
  // own inverse, and its own transpose.
  void Transform(float* tile) const;

  // Goes through the run with at most so many heads in a tile: of some tokens
  // each time, of one where a norm is over all of its heads, calls each(the
  // most heads to be taken together).
  template <class Each>
  void ForEachTokens(int64_t most, const Each& each) {
    const int64_t all = fused_.tensor.heads;
    if (all == 0) return;
    const int64_t run_tokens = run_.end - run_.token;
    const int64_t step = all > most || fused_.norm.all_heads ? 1 : most / all;
    for (token = 0; token < run_tokens; token += step) {
      tokens = std::min(step, run_tokens - token);
      each(std::min(all, most));
    }
  }

  // Goes through the heads of its tokens, at most so many at a time.
  template <class Each>
  void ForEachHeads(int64_t most, const Each& each) {
    for (head = 0; head < fused_.tensor.heads; head += most) {
      heads = std::min(most, fused_.tensor.heads - head);
      each();
    }
  }

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
