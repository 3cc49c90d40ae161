#include "lib/apply/apply.h"

#include <algorithm>

#include "lib/apply/partition.h"
#include "lib/apply/team.h"

namespace rotary {
namespace {

// Tokens that go through all tensors before the next ones do, so that their
// rows stay in the cache.
constexpr int64_t kBlockTokens = 64;

// Rows that are made on the way live on the stack, within its 16 KB a call.
constexpr int64_t kScratchFloats = 3072;
static_assert(kScratchFloats % (2 * kPairPadding) == 0);

// Tokens [token, token + count) of sequence b, and of them heads [head_begin,
// head_end), counted through all tensors.
struct Block {
  int64_t b;
  int64_t token;
  int64_t count;
  int64_t head_begin;
  int64_t head_end;
};

// The rows of a block, from pair_begin on.
struct BlockRows {
  const float* cos;
  const float* sin;
  int64_t row_stride;
  const uint8_t* rotates;
  int64_t rotates_stride;
  int64_t pair_begin;
  int64_t pair_count;
};

void RotateBlock(const ApplyCall& call, const Block& block,
                 const BlockRows& rows) {
  RotateJob job;
  job.tokens = block.count;
  job.pairs = call.pairs;
  job.pair_begin = rows.pair_begin;
  job.pair_count = rows.pair_count;
  job.cos = rows.cos;
  job.sin = rows.sin;
  job.row_stride = rows.row_stride;
  job.rotates = rows.rotates;
  job.rotates_stride = rows.rotates_stride;
  job.sin_sign = call.sin_sign;
  int64_t first = 0;  // head of the tensor
  for (int64_t i = 0; i < call.num_tensors; ++i) {
    const Tensor& tensor = call.tensors[i];
    const int64_t begin = std::max(block.head_begin - first, int64_t{0});
    const int64_t end = std::min(block.head_end - first, tensor.heads);
    first += tensor.heads;
    if (begin >= end) continue;
    const auto at = [&](const Strides& strides) {
      return block.b * strides.batch + block.token * strides.token +
             begin * strides.head;
    };
    job.input = tensor.input + at(tensor.input_strides) * tensor.input_size;
    job.output = tensor.output + at(tensor.output_strides) * tensor.output_size;
    job.input_token_stride = tensor.input_strides.token;
    job.input_head_stride = tensor.input_strides.head;
    job.output_token_stride = tensor.output_strides.token;
    job.output_head_stride = tensor.output_strides.head;
    job.heads = end - begin;
    job.head_dim = tensor.head_dim;
    job.rotary_offset = tensor.rotary_offset;
    job.stream = tensor.stream;
    tensor.rotate(job);
  }
}

void RotateWithRows(const ApplyCall& call, const Block& block) {
  const RowsView rows = ViewRows(call.rows);
  const int64_t row = call.first_row + block.b * call.row_batch_stride +
                      block.token * call.row_token_stride;
  const int64_t at = row * rows.row_stride;
  RotateBlock(
      call, block,
      {rows.cos + at, rows.sin + at, rows.row_stride * call.row_token_stride,
       rows.rotates + row, call.row_token_stride, 0, call.pairs});
}

// Makes the rows of a few tokens at a time, of very wide heads a few pairs at a
// time.
void RotateWithPositions(const ApplyCall& call, const Block& block) {
  alignas(64) float scratch[kScratchFloats];
  uint8_t rotates[kBlockTokens];
  int32_t positions[kBlockTokens];
  const int64_t padded = PaddedPairs(call.pairs);
  const int64_t chunk = std::min(padded, kScratchFloats / 2);
  const int64_t step = std::min(kScratchFloats / (2 * chunk), kBlockTokens);
  const RowsView view = {scratch, scratch + chunk, 2 * chunk, rotates};
  for (int64_t t = 0; t < block.count; t += step) {
    Block part = block;
    part.token += t;
    part.count = std::min(block.count - t, step);
    ReadPositions(call.positions, part.b, part.token, part.count, positions);
    for (int64_t pair = 0; pair < call.pairs; pair += chunk) {
      MakeRows(call.kernels, *call.embedding, call.factors, positions,
               part.count, pair, std::min(chunk, padded - pair), view);
      RotateBlock(call, part,
                  {view.cos, view.sin, view.row_stride, rotates, 1, pair,
                   std::min(chunk, call.pairs - pair)});
    }
  }
}

// Tokens [token, token + count), counted through all sequences.
void RotateTokens(const ApplyCall& call, int64_t token, int64_t count,
                  int64_t head_begin, int64_t head_end) {
  while (count > 0) {
    const int64_t b = token / call.tokens;
    const int64_t t = token % call.tokens;
    const int64_t n = std::min({count, call.tokens - t, kBlockTokens});
    const Block block = {b, t, n, head_begin, head_end};
    if (call.rows != nullptr) {
      RotateWithRows(call, block);
    } else {
      RotateWithPositions(call, block);
    }
    token += n;
    count -= n;
  }
}

void SetRows(const RowsCall& call, const Range& tokens) {
  const RowsView rows = ViewRows(call.rows);
  const int64_t padded = PaddedPairs(call.embedding->pairs);
  int32_t positions[kBlockTokens];
  for (int64_t token = tokens.begin; token < tokens.end;) {
    const int64_t t = token % call.tokens;
    const int64_t n =
        std::min({tokens.end - token, call.tokens - t, kBlockTokens});
    ReadPositions(call.positions, token / call.tokens, t, n, positions);
    const int64_t row = call.first_row + token;
    const int64_t at = row * rows.row_stride;
    MakeRows(
        call.kernels, *call.embedding, call.factors, positions, n, 0, padded,
        {rows.cos + at, rows.sin + at, rows.row_stride, rows.rotates + row});
    token += n;
  }
}

}  // namespace

int64_t UsefulSlices(const ApplyCall& call) {
  return UsefulSlices(call.bytes, call.batch * call.tokens * call.heads);
}

void RunSlice(const ApplyCall& call, int64_t slice, int64_t num_slices) {
  const int64_t tokens = call.batch * call.tokens;
  // Whole tokens where there are many: a token that two slices share has its
  // row made twice.
  constexpr int64_t kManyTokens = 16;
  if (tokens / kManyTokens >= num_slices) {
    const Range range = SliceOf(tokens, slice, num_slices);
    RotateTokens(call, range.begin, range.end - range.begin, 0, call.heads);
    return;
  }
  Range heads = SliceOf(tokens * call.heads, slice, num_slices);
  while (heads.begin < heads.end) {
    const int64_t token = heads.begin / call.heads;
    const int64_t head = heads.begin % call.heads;
    const int64_t left = heads.end - heads.begin;
    const int64_t whole = head == 0 ? left / call.heads : 0;
    if (whole > 0) {
      RotateTokens(call, token, whole, 0, call.heads);
      heads.begin += whole * call.heads;
    } else {
      const int64_t end = std::min(head + left, call.heads);
      RotateTokens(call, token, 1, head, end);
      heads.begin += end - head;
    }
  }
}

void Run(const ApplyCall& call, int32_t num_threads) {
  const auto slice = [](const void* work, int64_t i, int64_t n) {
    RunSlice(*static_cast<const ApplyCall*>(work), i, n);
  };
  RunTeam(num_threads, UsefulSlices(call),
          call.batch * call.tokens * call.heads, slice, &call);
}

void Run(const RowsCall& call, int32_t num_threads) {
  const int64_t tokens = call.batch * call.tokens;
  const int64_t bytes = tokens * 2 * PaddedPairs(call.embedding->pairs) *
                        static_cast<int64_t>(sizeof(float));
  const auto slice = [](const void* work, int64_t i, int64_t n) {
    const RowsCall& rows = *static_cast<const RowsCall*>(work);
    SetRows(rows, SliceOf(rows.batch * rows.tokens, i, n));
  };
  RunTeam(num_threads, UsefulSlices(bytes, tokens), tokens, slice, &call);
}

}  // namespace rotary
