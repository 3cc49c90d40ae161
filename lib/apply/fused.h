// Fused passes: tensors that are normed, rotated, scaled and stored in slots of
// a cache on one way through memory.  Plain data, made by config; run by
// api, and by apply/block.cc once rows are there.

#ifndef ROTARY_LIB_APPLY_FUSED_H_
#define ROTARY_LIB_APPLY_FUSED_H_

#include <stdint.h>

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"
#include "lib/apply/partition.h"
#include "lib/apply/slots.h"
#include "lib/kernels/tile.h"

namespace rotary {

// Strides of a cache, in elements.
struct CacheStrides {
  int64_t block;
  int64_t slot;
  int64_t head;
  int64_t element;
};

struct Cache {
  void* data;
  Storage storage;
  int64_t block_size;  // slots
  CacheStrides strides;
  // Of bytes, or nullptr.
  void* scales;
  Dtype scales_dtype;
  bool makes_scales;
  CacheStrides scales_strides;
};

struct Norm {
  enum Kind : int32_t { kNone, kRms, kLayer } kind;
  bool all_heads;
  bool after;  // the rotation
  float weight_added;
  double epsilon;
  const void* weight;
  const void* bias;
  Dtype dtype;
};

struct FusedTensor {
  Tensor tensor;  // of its output only what is no cache; `rotate` leads from
                  // the input, or from a tile, to the output, or to a tile
  Dtype input_dtype;
  Storage storage;      // of the output
  Pairing from;         // the input's
  Pairing to;           // the output's
  int64_t first_token;  // of each sequence: its input and output begin there
  int64_t end_token;
  bool rotates;
  bool loads;      // to a tile before it is rotated
  bool stores;     // from a tile after that
  bool two_tiles;  // halves of one: for a change of places from a tile to a
                   // tile, or a copy for a function
  bool to_cache;
  bool from_cache;
  bool gathers;   // what is loaded there is no input as others are
  bool as_is;     // where it is not turned, its bytes are copied
  bool stays;     // where it is neither turned nor moved, nothing is done
  bool fetches;   // the token that comes next is fetched by hand
  int64_t ahead;  // bytes to it, where the norm fetches it, or 0
  // Norm and rotation in one, in the place of loading and rotating; or nullptr.
  RotateNormedKernel rotate_normed;
  Cache cache;
  Cache source;
  Norm norm;
  int64_t hadamard;  // columns, or 0
  float scale;
  const float* token_scales;
  int64_t scales_batch_stride;
  int64_t scales_token_stride;
  rotary_tile_function on_tile;
  void* user;
  int64_t* saturated;

  // Its pairing.
  bool Changes() const { return rotates && from != to; }
};

constexpr int64_t kMostFused = 8;

struct Backward;

struct FusedCall {
  ApplyCall apply;       // without tensors; its rows are for all
  bool has_rows;         // there is something to rotate by
  bool needs_kept_rows;  // which these are not
  int64_t row_step;      // floats from head to head, where rows differ
  int64_t state_step;
  const int32_t* slots;         // [batch][tokens], or nullptr
  const int32_t* source_slots;  // the same
  int64_t num_slots;
  int64_t num_source_slots;
  const Backward* backward;  // nullptr: it is a forward pass
  int64_t num_tensors;
  FusedTensor tensors[kMostFused];
};

// Tokens of a job whose rows are there, or that need none.
void FuseTokens(const FusedCall& call, const RotateJob& job);

// Tokens of all sequences together, in this thread.
void FuseTokens(const FusedCall& call, const Range& range);

// Slice `slice` of `num_slices`, in this thread.
void RunFusedSlice(const FusedCall& call, int64_t slice, int64_t num_slices);

int64_t UsefulSlices(const FusedCall& call);

void Run(const FusedCall& call, int32_t num_threads);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_FUSED_H_
