// One checked call: what config makes of the caller's structs, and what slices
// run from.  Plain data.

#ifndef ROTARY_LIB_APPLY_CALL_H_
#define ROTARY_LIB_APPLY_CALL_H_

#include <stdint.h>

#include "lib/kernels/kernels.h"
#include "lib/kernels/target.h"
#include "lib/rows/cos_sin.h"
#include "lib/rows/embedding.h"
#include "lib/rows/make_rows.h"
#include "lib/rows/positions.h"
#include "lib/rows/rows.h"

namespace rotary {

struct ApplyCall {
  int64_t batch;
  int64_t tokens;
  int64_t pairs;
  int64_t heads;       // of all tensors
  int64_t bytes;       // that the call moves
  int64_t copy_bytes;  // of these, from tensors that are out of place
  bool stream;         // past the caches, where a tensor leaves it open
  bool prefetch;       // its input is fetched by software
  bool from_memory;    // its input is fetched from there by the CPU
  bool copies;         // some tensor is out of place
  bool streams;        // some tensor is stored past the caches
  const Tensor* tensors;
  int64_t num_tensors;
  uint32_t sin_sign;

  bool by_head;  // each head has rows of its own

  // Row first_row + b * row_batch_stride + t * row_token_stride + h *
  // row_head_stride of `rows`, if there are;
  const rotary_rows* rows;
  int64_t first_row;
  int64_t row_batch_stride;
  int64_t row_token_stride;
  int64_t row_head_stride;

  // else rows are made from the embedding and the positions, if there is one;
  Target target;
  const rotary_embedding* embedding;
  Positions positions;
  RowFactors factors;
  bool plain;  // they are plain rows

  // else they are the caller's, at the positions if they go by position.
  CosSin cos_sin;

  // The memory that it goes through: in place each byte is moved twice.
  int64_t TouchedBytes() const { return bytes / 2 + copy_bytes / 2; }
};

// Rows first_row + (b * tokens + t) * heads + h of `rows` are set.
struct RowsCall {
  rotary_rows* rows;
  int64_t first_row;
  int64_t batch;
  int64_t tokens;
  int64_t heads;  // that have rows of their own
  Target target;
  Positions positions;
  Mode mode;
  double log_n_length;

  const rotary_embedding* embedding;  // of all tokens, or nullptr: then token t
                                      // of sequence b has that with the number
                                      // index[b * index_batch_stride
                                      //       + t * index_token_stride]
  const rotary_embedding* const* embeddings;
  const int32_t* index;
  int64_t index_batch_stride;
  int64_t index_token_stride;
};

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_CALL_H_
