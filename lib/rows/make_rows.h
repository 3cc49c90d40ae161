// Rows of tokens by an embedding: from its table where positions are whole
// steps, else from the cos and sin of angles.  Called by apply.

#ifndef ROTARY_LIB_ROWS_MAKE_ROWS_H_
#define ROTARY_LIB_ROWS_MAKE_ROWS_H_

#include <stdint.h>

#include "lib/kernels/kernels.h"
#include "lib/kernels/target.h"
#include "lib/rows/embedding.h"
#include "lib/rows/positions.h"

namespace rotary {

// In the order of rotary_mode.
enum class Mode : int32_t { kForward, kInverse, kShift };

// What cos and sin are multiplied by besides what the embedding has for each
// pair; the sign of sin's is the direction.
struct RowFactors {
  double cos;
  double sin;
  double log_n_length;  // 0: no gain that depends on the token
  Mode mode;
};

inline RowFactors FactorsOf(const rotary_embedding& embedding, Mode mode,
                            double log_n_length) {
  // The inverse undoes the gain that there was, in compatible arithmetic f32.
  const double gain =
      embedding.config.arithmetic == Arithmetic::kExact
          ? embedding.gain
          : static_cast<double>(static_cast<float>(embedding.gain));
  switch (mode) {
    case Mode::kInverse:
      return {1.0 / gain, -1.0 / gain, log_n_length, mode};
    case Mode::kShift:
      return {1.0, 1.0, 0.0, mode};
    default:
      return {gain, gain, log_n_length, mode};
  }
}

// Whether the rows are products of a table's entries for one position, times
// factors that all of them share: the usual and shortest way.
inline bool ArePlainRows(const rotary_embedding& embedding,
                         const Positions& positions,
                         const RowFactors& factors) {
  return embedding.table != nullptr && embedding.axes == 1 &&
         !IsReal(positions.type) && factors.log_n_length == 0.0;
}

// What plain rows are made of; which ones remains to be said.
inline MakeRowsJob RowsJob(const rotary_embedding& embedding,
                           const RowFactors& factors) {
  MakeRowsJob job;
  job.table = embedding.table;
  job.padded_pairs = embedding.padded_pairs;
  job.cos_factor = factors.cos;
  job.sin_factor = factors.sin;
  return job;
}

// Marks padding, once the rows of tokens from `token` on are made.
inline void MarkRows(const Positions& positions, int64_t token, int64_t count,
                     uint8_t* rotates) {
  if (positions.cu_seqlens != nullptr) {
    MarkPadding(positions, token, count, rotates);
  }
}

// Rows of tokens [token, token + count) of sequence b, of a head's pairs
// [pair_begin, pair_begin + pair_count), both of whole kPairPadding.
struct TokenRows {
  Target target;
  const rotary_embedding* embedding;
  const Positions* positions;
  RowFactors factors;
  int64_t b;
  int64_t token;
  int64_t count;
  int64_t head;
  int64_t pair_begin;
  int64_t pair_count;
  float* cos;  // the first row's, at pair_begin
  float* sin;
  int64_t row_stride;
  uint8_t* rotates;  // RowState of each
};

// Makes rows that are not plain.
void MakeTokenRows(const TokenRows& rows);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_MAKE_ROWS_H_
