// What the kernels take and how they are found: plain structs and tables of
// functions, one per target.  Included by whoever calls a kernel; holds no
// vector code.

#ifndef ROTARY_LIB_KERNELS_KERNELS_H_
#define ROTARY_LIB_KERNELS_KERNELS_H_

#include <stdint.h>

namespace rotary {

// Rows and tables are padded to whole multiples of this many pairs, so that
// vector loads of any target stay inside.
constexpr int64_t kPairPadding = 16;

constexpr int64_t PaddedPairs(int64_t pairs) {
  return (pairs + kPairPadding - 1) / kPairPadding * kPairPadding;
}

// In elements.
struct Strides {
  int64_t batch;
  int64_t token;
  int64_t head;
};

struct RotateJob;
using RotateKernel = void (*)(const RotateJob& job);

// How a tensor goes through the caches: as it comes; fetched by hand; or
// fetched by hand and stored past them, for which everything is aligned.
enum class Access : int32_t { kPlain, kPrefetch, kStream };

// What of a head must be copied before it is rotated: in place, from one
// pairing to the other, a store would meet what is still to be read.  kHead:
// its dtype changes too, so the rest of it is written as well.
enum class Tile : int16_t { kNone, kRotated, kHead };

// A tensor, or a range of its heads.
struct Tensor {
  int64_t heads;
  int64_t head_dim;
  int64_t rotary_offset;
  const void* input;  // element 0 of head 0 of token 0 of sequence 0
  void* output;       // may equal input: then the strides are equal too
  Strides input_strides;
  Strides output_strides;
  RotateKernel rotate;
  int32_t input_size;  // bytes of an element
  int32_t output_size;
  Tile tile;
  bool in_order;  // from memory: best read in one stream, head by head
  Access access;
  // Bytes, modulo 2^64, from what is read to what is to be fetched into the
  // nearest cache (kPrefetch) and into the next (kPrefetch; kStream, 0: none).
  uintptr_t near;
  uintptr_t far;
};

// Pairs [pair_begin, pair_begin + pair_count) of tokens [token, token + count)
// of sequence b of tensors that share their rows and their kernel.
struct RotateJob {
  const Tensor* tensors;
  const Tensor* tensors_end;
  int64_t b;
  int64_t token;
  int64_t count;
  int64_t pairs;  // rotary_dim / 2
  int64_t pair_begin;
  int64_t pair_count;

  // The first token's row, at pair_begin: pair_count values each.
  const float* cos;
  const float* sin;
  int64_t row_stride;
  const uint8_t* rotates;  // RowState of each token
  int64_t rotates_stride;

  uint32_t sin_sign;  // XORed into sin's bits: 0, or the sign bit
  bool copies;        // some tensor is out of place: take its rest along
  bool fetches_rows;  // they come from memory
  bool given_rows;    // by the caller: NaN may have any bits
};

// Where what was stored past the caches becomes visible to other threads in the
// order of the program: once, after all of it.
void FenceStreams();

// What tensors are made of.
enum Dtype : int { kF32, kF16, kBF16, kNumDtypes };
enum Pairing : int { kHalf, kInterleaved, kNumPairings };

constexpr int32_t ElementSize(Dtype dtype) { return dtype == kF32 ? 4 : 2; }

// The kernels of one input dtype, by the input's pairing and the output's dtype
// and pairing.
struct RotateKernels {
  RotateKernel kernels[kNumPairings][kNumDtypes][kNumPairings];
};

// Rows of cos and sin for a run of tokens from the trig table, in f64, rounded
// once.  Table entry e is [cos padded_pairs][sin padded_pairs]; the digits of
// base 256 of |position| choose entries digit + 256 * (index of the digit).
struct MakeRowsJob {
  const double* table;
  int64_t padded_pairs;
  int64_t pair_begin;  // a multiple of kPairPadding, as is pair_count
  int64_t pair_count;
  const int32_t* positions;  // kNoPosition: the row is not written
  int64_t count;
  double cos_factor;
  double sin_factor;
  float* cos;  // the first row's, at pair_begin
  float* sin;
  int64_t row_stride;
  uint8_t* rotates;  // set for each row: kCopied if it has no position
};
using MakeRowsKernel = void (*)(const MakeRowsJob& job);

constexpr int64_t kMostAxes = 8;

// The same for positions of several axes, each pair turned by one of them: that
// on which its inv_freq is not 0.
struct MakeAxisRowsJob {
  MakeRowsJob rows;  // with the positions on the first axis
  int64_t axes;
  int64_t position_stride;    // from axis to axis
  const double* inv_freq;     // [axes][padded_pairs]
  const uint8_t* group_axes;  // of every kPairPadding pairs: bit a, whether
                              // axis a turns some of them
};
using MakeAxisRowsKernel = void (*)(const MakeAxisRowsJob& job);

// Rows of cos and sin for a run of tokens from positions of any kind, on
// several axes, in f64, rounded once.  The angle of a pair is the sum over the
// axes of position * inv_freq, in two f64; these sum up to at most 2^40 in
// magnitude.
struct AngleRowsJob {
  const double* inv_freq;  // the first axis', at the first pair
  int64_t axis_stride;     // in doubles, from axis to axis
  // For each kPairPadding pairs, bit a: axis a turns some of them.  On the
  // others their inv_freq are 0.
  const uint8_t* group_axes;
  bool summed;              // otherwise at most one axis turns a pair
  int64_t axes;             // 1 to kMostAxes
  const double* positions;  // the first axis', for each row; NaN on any axis:
                            // the row is not written
  int64_t position_stride;  // from axis to axis
  int64_t count;
  int64_t pair_count;  // a multiple of kPairPadding
  // nullptr, or x of each pair: cos and sin are multiplied by 2^(power * x),
  // power = (position on the first axis - power_origin) * power_scale.  At most
  // 130 in magnitude.
  const double* powers;
  double power_scale;
  double power_origin;
  double cos_factor;
  double sin_factor;
  float* cos;  // the first row's
  float* sin;
  int64_t row_stride;
  uint8_t* rotates;  // set for each row: kCopied if it has no position
};
using AngleRowsKernel = void (*)(const AngleRowsJob& job);

// What ggml makes its angles of: theta, which begins as the position, is
// multiplied by a step from pair to pair on every axis.  Arrays are of all
// pairs of a rotary embedding, from 0 on.
struct GgmlPairs {
  float* steps;     // of the theta that begins at a pair
  float* divisors;  // of theta where a pair turns by it
  float* mixes;     // how much of it is not multiplied by freq_scale
  uint8_t* axes;    // the axis that turns a pair, and whether its theta begins
                    // again there: | kGgmlBegins
  bool divides;     // whether some divisor is not 1
  float freq_scale;
};
constexpr uint8_t kGgmlBegins = 0x80;

// So many compatible rows at most.
constexpr int64_t kCompatibleRows = 12;

// Rows as other frameworks make them, in f32: cos and sin of angles up to 2^40
// in magnitude, rounded to f32, multiplied by a factor there, then rounded to
// another dtype and widened.
struct CompatibleRowsJob {
  // Angles as ggml computes them, or nullptr: as HF transformers do, a position
  // times an inv_freq, both rounded to f32.  Then each pair is turned by one
  // axis at most, that on which its inv_freq is not 0.
  const GgmlPairs* ggml;
  const double* inv_freq;  // these as in AngleRowsJob
  int64_t axis_stride;
  const uint8_t* group_axes;
  int64_t axes;
  const double* positions;
  int64_t position_stride;
  int64_t count;
  int64_t pair_begin;  // of the embedding's, the rows' first: a multiple of
                       // kPairPadding, as is pair_count
  int64_t pair_count;
  float cos_factor;
  float sin_factor;
  Dtype rounding;  // kF32: none
  float* cos;      // the first row's
  float* sin;
  int64_t row_stride;
  const uint8_t* rotates;  // RowState: rows other than kRotated are left alone
};
using CompatibleRowsKernel = void (*)(const CompatibleRowsJob& job);

// Rows from a caller's cos and sin of any dtype, widened.
struct GatherRowsJob {
  const void* cos;  // of the first pair of row 0
  const void* sin;
  Dtype dtype;
  int64_t from_row_stride;   // in elements
  int64_t from_pair_stride;  // in elements
  const int32_t* indices;  // of the rows, negative: not read; nullptr: 0, 1 ..
  int64_t count;
  int64_t pair_count;
  float* to_cos;
  float* to_sin;
  int64_t to_row_stride;
};
using GatherRowsKernel = void (*)(const GatherRowsJob& job);

// So many f32 to another dtype, rounded.  Strides are in elements.
void ScatterRow(const float* from, int64_t from_stride, int64_t count,
                Dtype dtype, void* to, int64_t to_stride);

constexpr int32_t kNoPosition = INT32_MIN;

// What is done with a row's token.
enum RowState : uint8_t {
  kCopied = 0,  // it has no position
  kRotated = 1,
  kUntouched = 2  // it is padding
};
constexpr int kDigitBits = 8;
constexpr int kDigits = 4;

}  // namespace rotary

#endif  // ROTARY_LIB_KERNELS_KERNELS_H_
