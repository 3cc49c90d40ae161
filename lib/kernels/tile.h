// What the kernels take that work on a tile: heads as f32, one behind the other
// in the nearest cache, between the rotation and memory.  Included by whoever
// calls one; holds no vector code.

#ifndef ROTARY_LIB_KERNELS_TILE_H_
#define ROTARY_LIB_KERNELS_TILE_H_

#include <stdint.h>

#include "lib/kernels/kernels.h"
#include "lib/kernels/target.h"

namespace rotary {

// A tile has at most so many floats, and so many heads (of all its tokens).
constexpr int64_t kTileFloats = 4096;
constexpr int64_t kTileHeads = 32;

// Heads of some tokens in memory, and in a tile [tokens][heads][head_dim].
struct TileHeads {
  int64_t tokens;
  int64_t heads;
  int64_t head_dim;
};

// Where their elements come from, strides in elements.
struct TileInput {
  const void* data;  // may be the tile itself
  Dtype dtype;
  int64_t token_stride;
  int64_t head_stride;
};

// How elements are stored.  The first three are Dtypes; the next three are
// bytes, each with a scale that it is to be multiplied by; of Q8_0 32 elements
// are one block of 34 bytes: their scale in f16, then 32 of I8.
enum Storage : int {
  kStoredF32,
  kStoredF16,
  kStoredBF16,
  kStoredI8,
  kStoredE4M3,  // fp8 with 4 bits of exponent, without infinity: up to 448
  kStoredE5M2,  // up to 57344
  kStoredQ8_0,
  kNumStorages
};
constexpr int64_t kBlockElements = 32;  // of Q8_0
constexpr int64_t kBlockBytes = 34;

// Bytes of what strides count.
constexpr int64_t StorageSize(Storage storage) {
  return storage == kStoredQ8_0   ? kBlockBytes
         : storage == kStoredF32  ? 4
         : storage <= kStoredBF16 ? 2
                                  : 1;
}

// How many of what strides count hold so many elements.
constexpr int64_t StoredElements(Storage storage, int64_t elements) {
  return storage == kStoredQ8_0 ? elements / kBlockElements : elements;
}

// Where the heads of a tile go to, strides in elements, of Q8_0 in blocks.
struct TileOutput {
  void* data;  // of the first token's first head
  Storage storage;
  bool stream;  // past the caches: only whole vectors, aligned, one by one
  int64_t token_stride;
  int64_t head_stride;
  int64_t element_stride;
};

// For each head of a tile, its sum of x, or of (x - mean)^2: in f32, element e
// into partial sum e % 16, these then by halves.
struct SumHeadsJob {
  TileHeads shape;
  TileInput input;
  bool squares;
  const float* means;  // of each head, or nullptr: 0
  float* sums;
  int64_t ahead;  // 0, or so many bytes behind each head one is fetched
};
using SumHeadsKernel = void (*)(const SumHeadsJob& job);

// tile = ((x - mean) * factor) * weight + bias * bias_factor, each step rounded
// to f32, of which those that are nullptr are left out.
struct LoadHeadsJob {
  TileHeads shape;
  TileInput input;
  float* tile;
  const float* means;    // of each head; then there are factors too
  const float* factors;  // of each head
  const void* weight;    // [head_dim] for each head; then there are factors too
  const void* bias;      // with means only
  const float* bias_factors;   // of each head, which bias is multiplied by; or
                               // nullptr
  int64_t weight_head_stride;  // in elements, of both; 0: all heads share them
  Dtype weight_dtype;
  float weight_added;  // 0, or 1: the factor is 1 + weight
};
using LoadHeadsKernel = void (*)(const LoadHeadsJob& job);

// factors[i] = scales[i] / sqrt(sums[i] * inv_count + epsilon), in f64, rounded
// once.
struct NormFactorsJob {
  const float* sums;
  const float* scales;
  float* factors;
  int64_t count;
  double inv_count;
  double epsilon;
};
using NormFactorsKernel = void (*)(const NormFactorsJob& job);

// Heads that are normed by factors that have been found, x * factor * weight as
// by LoadHeadsJob, and rotated, all of their elements, from one place to
// another.
constexpr int64_t kMostNormedDim = 512;
struct RotateNormedJob {
  TileHeads shape;  // head_dim even, at most kMostNormedDim
  TileInput input;
  TileOutput output;     // of f32, f16 or bf16, element_stride 1; may be the
                         // input, of the same size and strides
  const float* factors;  // of each head
  const void* weight;    // [head_dim], or nullptr: 1
  Dtype weight_dtype;
  float weight_added;
  // The first token's row; that of a token that is not rotated is not read.
  const float* cos;
  const float* sin;
  int64_t row_stride;
  const uint8_t* rotates;
  int64_t rotates_stride;
  uint32_t sin_sign;
  int64_t ahead;  // 0, or so many bytes behind each head one is fetched
};
using RotateNormedKernel = void (*)(const RotateNormedJob& job);

// By the input's dtype, the pairing of both and the output's dtype.
struct RotateNormedKernels {
  RotateNormedKernel kernels[kNumDtypes][kNumPairings][kNumDtypes];
};

// Every `columns` elements of the heads of a tile are multiplied by the
// orthonormal Walsh-Hadamard matrix in natural order: columns is a power of two
// from 64 on, and divides head_dim.
struct HadamardJob {
  float* tile;
  int64_t floats;  // of all heads
  int64_t columns;
};
using HadamardKernel = void (*)(const HadamardJob& job);

// The scales of bytes.
struct TileScales {
  void* data;  // nullptr: 1
  Dtype dtype;
  bool made;  // one for each head, of its largest element, and written
  int64_t token_stride;
  int64_t head_stride;
  int64_t element_stride;  // 0 if they are made
};

// Heads in memory that will be needed soon, as many as are stored.
struct TileAhead {
  const char* data;  // nullptr: none
  int64_t head_bytes;
  int64_t bytes;  // of each
};

struct StoreHeadsJob {
  TileHeads shape;
  const float* tile;
  TileOutput output;
  TileScales scales;
  int64_t* saturated;  // nullptr, or how many elements were out of range is
                       // added to it
  TileAhead ahead;     // fetched meanwhile
};
using StoreHeadsKernel = void (*)(const StoreHeadsJob& job);

// Where heads of a cache are, as TileOutput.
struct TileSource {
  const void* data;
  Storage storage;
  int64_t token_stride;
  int64_t head_stride;
  int64_t element_stride;
};

// A tile from a cache: elements, bytes times their scales.
struct LoadStoredJob {
  TileHeads shape;
  TileSource source;
  TileScales scales;
  float* tile;
};
using LoadStoredKernel = void (*)(const LoadStoredJob& job);

extern const StoreHeadsKernel kStoreHeads[kNumTargets];
extern const LoadStoredKernel kLoadStored[kNumTargets];
extern const SumHeadsKernel kSumHeads[kNumTargets];
extern const LoadHeadsKernel kLoadHeads[kNumTargets];
extern const RotateNormedKernels* const kRotateNormed[kNumTargets];
extern const NormFactorsKernel kNormFactors[kNumTargets];
extern const HadamardKernel kHadamard[kNumTargets];

}  // namespace rotary

#endif  // ROTARY_LIB_KERNELS_TILE_H_
