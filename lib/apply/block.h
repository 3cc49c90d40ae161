// A block of tokens of one sequence: where its rows come from, and the kernels
// that it goes through.  Used by apply/apply.cc.

#ifndef ROTARY_LIB_APPLY_BLOCK_H_
#define ROTARY_LIB_APPLY_BLOCK_H_

#include <stdint.h>

#include <cstdlib>

#include "lib/apply/call.h"

namespace rotary {

// Tokens that go through all tensors before the next ones do, so that their
// rows stay in the cache.
constexpr int64_t kBlockTokens = 64;

struct FusedCall;

// A part of a call: some tokens of some tensors, the call's or ranges of their
// heads; or of a fused call's, which has its own.
struct Part {
  const Tensor* tensors;
  const Tensor* tensors_end;
  int64_t first_head;  // of each tensor's, where rows differ by head
  RotateJob job;
  const FusedCall* fused = nullptr;
};

// Heads [begin, end) of a tensor.
inline Tensor SomeHeads(const Tensor& tensor, int64_t begin, int64_t end) {
  Tensor some = tensor;
  some.heads = end - begin;
  some.input = static_cast<const char*>(tensor.input) +
               begin * tensor.input_strides.head * tensor.input_size;
  some.output = static_cast<char*>(tensor.output) +
                begin * tensor.output_strides.head * tensor.output_size;
  return some;
}

// Whether heads are further apart than tokens.
inline bool AreHeadsApart(const Strides& strides) {
  return std::abs(strides.head) > std::abs(strides.token);
}

// So many heads of those go through a block of tokens together: each is a
// stream of its own for the caches, in which many that are a power of two apart
// would drive each other out.
constexpr int64_t kHeadsTogether = 4;

// The rows that are made on the way in a fused call: there is less room, and
// all pairs of a row are needed at once.
constexpr int64_t kFusedScratchFloats = 768;

// Rotates tokens [job.token, job.token + job.count), at most kBlockTokens, of
// sequence job.b.  What else is in the job is changed.
void RotateBlock(const ApplyCall& call, Part* part);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_BLOCK_H_
