#include "lib/apply/apply.h"

#include <algorithm>

#include "lib/apply/block.h"
#include "lib/apply/partition.h"
#include "lib/apply/set_rows.h"
#include "lib/apply/team.h"

namespace rotary {
namespace {

// Tokens [token, token + count), counted through all sequences, of some
// tensors, whose heads begin at `first_head`.
void RotateTokens(const ApplyCall& call, const Tensor* tensors,
                  const Tensor* tensors_end, int64_t first_head, int64_t token,
                  int64_t count) {
  if (count == 0) return;
  Part part;
  part.tensors = tensors;
  part.tensors_end = tensors_end;
  part.first_head = first_head;
  RotateJob& job = part.job;
  job.pairs = call.pairs;
  job.sin_sign = call.sin_sign;
  job.copies = call.copies;
  int64_t b = 0;
  if (token >= call.tokens) {
    b = token / call.tokens;
    token = token % call.tokens;
  }
  do {
    const int64_t n = std::min({count, call.tokens - token, kBlockTokens});
    job.b = b;
    job.token = token;
    job.count = n;
    RotateBlock(call, &part);
    count -= n;
    token += n;
    if (token == call.tokens) {
      token = 0;
      ++b;
    }
  } while (count > 0);
}

void RotateWholeTokens(const ApplyCall& call, int64_t token, int64_t count) {
  RotateTokens(call, call.tensors, call.tensors + call.num_tensors, 0, token,
               count);
}

// Heads [head_begin, head_end), counted through all tensors, of one token.
void RotateHeads(const ApplyCall& call, int64_t token, int64_t head_begin,
                 int64_t head_end) {
  for (int64_t i = 0; i < call.num_tensors; ++i) {
    const Tensor& tensor = call.tensors[i];
    const int64_t begin = std::max(head_begin, int64_t{0});
    const int64_t end = std::min(head_end, tensor.heads);
    head_begin -= tensor.heads;
    head_end -= tensor.heads;
    if (begin >= end) continue;
    const Tensor some = SomeHeads(tensor, begin, end);
    RotateTokens(call, &some, &some + 1, begin, token, 1);
  }
}

// Some of the work, in the order of memory.
void RotateSlice(const ApplyCall& call, int64_t slice, int64_t num_slices) {
  const int64_t tokens = call.batch * call.tokens;
  if (num_slices == 1) return RotateWholeTokens(call, 0, tokens);
  // Whole tokens where there are many: a token that two slices share has its
  // row made twice.
  constexpr int64_t kManyTokens = 16;
  if (tokens / kManyTokens >= num_slices) {
    const Range range = SliceOf(tokens, slice, num_slices);
    return RotateWholeTokens(call, range.begin, range.end - range.begin);
  }
  Range heads = SliceOf(tokens * call.heads, slice, num_slices);
  while (heads.begin < heads.end) {
    const int64_t token = heads.begin / call.heads;
    const int64_t head = heads.begin % call.heads;
    const int64_t left = heads.end - heads.begin;
    const int64_t whole = head == 0 ? left / call.heads : 0;
    if (whole > 0) {
      RotateWholeTokens(call, token, whole);
      heads.begin += whole * call.heads;
    } else {
      const int64_t end = std::min(head + left, call.heads);
      RotateHeads(call, token, head, end);
      heads.begin += end - head;
    }
  }
}

}  // namespace

int64_t UsefulSlices(const ApplyCall& call) {
  return UsefulSlices(call.bytes, call.batch * call.tokens * call.heads);
}

void RunSlice(const ApplyCall& call, int64_t slice, int64_t num_slices) {
  // Then no row needs to be there either.
  if (call.heads == 0) return;
  RotateSlice(call, slice, num_slices);
  if (call.streams) FenceStreams();
}

void Run(const ApplyCall& call, int32_t num_threads) {
  if (num_threads == 1) return RunSlice(call, 0, 1);
  const auto slice = [](const void* work, int64_t i, int64_t n) {
    RunSlice(*static_cast<const ApplyCall*>(work), i, n);
  };
  RunTeam(num_threads, UsefulSlices(call), slice, &call);
}

void Run(const RowsCall& call, int32_t num_threads) {
  const int64_t tokens = call.batch * call.tokens;
  const int64_t bytes = tokens * call.heads * 2 *
                        PaddedPairs(call.rows->pairs) *
                        static_cast<int64_t>(sizeof(float));
  const auto slice = [](const void* work, int64_t i, int64_t n) {
    const RowsCall& rows = *static_cast<const RowsCall*>(work);
    SetRows(rows, SliceOf(rows.batch * rows.tokens, i, n));
  };
  RunTeam(num_threads, UsefulSlices(bytes, tokens), slice, &call);
}

}  // namespace rotary
