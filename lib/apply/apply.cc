#include "lib/apply/apply.h"

#include <algorithm>

#include "lib/apply/partition.h"
#include "lib/apply/team.h"
#include "lib/apply/tile.h"

namespace rotary {
namespace {

// Tokens that go through all tensors before the next ones do, so that their
// rows stay in the cache.
constexpr int64_t kBlockTokens = 64;

// Rows that are made on the way live on the stack, within its 16 KB a call.
constexpr int64_t kScratchFloats = 3072;
static_assert(kScratchFloats % (2 * kPairPadding) == 0);

// A part of a call: some tokens of some tensors, the call's or ranges of their
// heads.
struct Part {
  const Tensor* tensors;
  const Tensor* tensors_end;
  RotateJob job;
};

// Makes the rows of tokens from `token` on of one sequence, or of a packed
// batch.
inline void MakeSomeRows(Target target, const Positions& positions,
                         int64_t token, const MakeRowsJob& job) {
  kMakeRows[target](job);
  if (positions.cu_seqlens != nullptr) {
    MarkPadding(positions, token, job.count, job.rotates);
  }
}

// With the rows of all pairs.
[[gnu::noinline]] void RotateTiled(const Tensor& tensor, const RotateJob& job) {
  TiledHeads heads(tensor, job);
  while (heads.Next()) {
    const int64_t row = heads.token() * job.row_stride;
    heads.Rotate(0, job.pairs, job.cos + row, job.sin + row,
                 job.rotates[heads.token() * job.rotates_stride]);
  }
}

// Neighbors of one kernel go together: they share their rows' registers.
inline void RotateTensors(Part* part) {
  RotateJob& job = part->job;
  for (const Tensor* t = part->tensors; t < part->tensors_end;) {
    if (t->tile != Tile::kNone) {
      // Without the rows of all pairs: see RotateWideTiled.
      if (job.pair_count == job.pairs) RotateTiled(*t, job);
      ++t;
      continue;
    }
    const RotateKernel rotate = t->rotate;
    job.tensors = t;
    do {
      ++t;
    } while (t < part->tensors_end && t->rotate == rotate &&
             t->tile == Tile::kNone);
    job.tensors_end = t;
    rotate(job);
  }
}

inline void RotateWithRows(const ApplyCall& call, Part* part) {
  RotateJob& job = part->job;
  const RowsView rows = ViewRows(call.rows);
  const int64_t row = call.first_row + job.b * call.row_batch_stride +
                      job.token * call.row_token_stride;
  job.pair_begin = 0;
  job.pair_count = call.pairs;
  job.cos = rows.cos + row * rows.row_stride;
  job.sin = rows.sin + row * rows.row_stride;
  job.row_stride = rows.row_stride * call.row_token_stride;
  job.rotates = rows.rotates + row;
  job.rotates_stride = call.row_token_stride;
  RotateTensors(part);
}

// Heads that are wider than the rows made at a time, and must be copied whole:
// rows are made for each of them again.
[[gnu::noinline]] void RotateWideTiled(const ApplyCall& call, const Part& part,
                                       MakeRowsJob* make) {
  const int64_t chunk = make->row_stride / 2;
  const int32_t* positions = make->positions;
  make->count = 1;
  for (const Tensor* t = part.tensors; t < part.tensors_end; ++t) {
    if (t->tile == Tile::kNone) continue;
    TiledHeads heads(*t, part.job);
    while (heads.Next()) {
      make->positions = positions + heads.token();
      for (int64_t pair = 0; pair < call.pairs; pair += chunk) {
        make->pair_begin = pair;
        make->pair_count = std::min(chunk, make->padded_pairs - pair);
        MakeSomeRows(call.target, call.positions,
                     part.job.token + heads.token(), *make);
        heads.Rotate(pair, std::min(chunk, call.pairs - pair), make->cos,
                     make->sin, make->rotates[0]);
      }
    }
  }
  make->positions = positions;
}

// Makes the rows of a few tokens at a time, of very wide heads a few pairs at a
// time.
void RotateWithPositions(const ApplyCall& call, Part* part) {
  alignas(64) float scratch[kScratchFloats];
  uint8_t rotates[kBlockTokens];
  int32_t positions[kBlockTokens];
  MakeRowsJob make = RowsJob(*call.embedding, call.factors);
  const int64_t chunk = std::min(make.padded_pairs, kScratchFloats / 2);
  make.positions = positions;
  make.cos = scratch;
  make.sin = scratch + chunk;
  make.row_stride = 2 * chunk;
  make.rotates = rotates;
  RotateJob& job = part->job;
  job.cos = make.cos;
  job.sin = make.sin;
  job.row_stride = make.row_stride;
  job.rotates = rotates;
  job.rotates_stride = 1;
  const int64_t end = job.token + job.count;
  while (job.token < end) {
    if (job.count * make.row_stride > kScratchFloats) {
      job.count = kScratchFloats / make.row_stride;
    }
    make.count = job.count;
    ReadPositions(call.positions, job.b, job.token, job.count, positions);
    for (int64_t pair = 0; pair < call.pairs; pair += chunk) {
      make.pair_begin = pair;
      make.pair_count = std::min(chunk, make.padded_pairs - pair);
      MakeSomeRows(call.target, call.positions, job.token, make);
      job.pair_begin = pair;
      job.pair_count = std::min(chunk, call.pairs - pair);
      RotateTensors(part);
    }
    if (call.pairs > chunk) RotateWideTiled(call, *part, &make);
    job.token += job.count;
    job.count = end - job.token;
  }
  // The rows end here, the part goes on.
  job.cos = job.sin = nullptr;
  job.rotates = nullptr;
}

// Tokens [token, token + count), counted through all sequences.
void RotateTokens(const ApplyCall& call, const Tensor* tensors,
                  const Tensor* tensors_end, int64_t token, int64_t count) {
  if (count == 0) return;
  Part part;
  part.tensors = tensors;
  part.tensors_end = tensors_end;
  RotateJob& job = part.job;
  job.pairs = call.pairs;
  job.sin_sign = call.sin_sign;
  job.copies = call.copies;
  job.fetches_rows = call.prefetch && call.rows != nullptr;
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
    if (call.rows != nullptr) {
      RotateWithRows(call, &part);
    } else {
      RotateWithPositions(call, &part);
    }
    count -= n;
    token += n;
    if (token == call.tokens) {
      token = 0;
      ++b;
    }
  } while (count > 0);
}

void RotateWholeTokens(const ApplyCall& call, int64_t token, int64_t count) {
  RotateTokens(call, call.tensors, call.tensors + call.num_tensors, token,
               count);
}

// Heads [head_begin, head_end), counted through all tensors, of one token.
void RotateHeads(const ApplyCall& call, int64_t token, int64_t head_begin,
                 int64_t head_end) {
  for (int64_t i = 0; i < call.num_tensors; ++i) {
    Tensor part = call.tensors[i];
    const int64_t begin = std::max(head_begin, int64_t{0});
    const int64_t end = std::min(head_end, part.heads);
    head_begin -= part.heads;
    head_end -= part.heads;
    if (begin >= end) continue;
    part.heads = end - begin;
    part.input = static_cast<const char*>(part.input) +
                 begin * part.input_strides.head * part.input_size;
    part.output = static_cast<char*>(part.output) +
                  begin * part.output_strides.head * part.output_size;
    RotateTokens(call, &part, &part + 1, token, 1);
  }
}

void SetRows(const RowsCall& call, const Range& tokens) {
  const RowsView rows = ViewRows(call.rows);
  int32_t positions[kBlockTokens];
  MakeRowsJob make = RowsJob(*call.embedding, call.factors);
  make.pair_begin = 0;
  make.pair_count = make.padded_pairs;
  make.positions = positions;
  make.row_stride = rows.row_stride;
  for (int64_t token = tokens.begin; token < tokens.end;) {
    const int64_t t = token % call.tokens;
    make.count = std::min({tokens.end - token, call.tokens - t, kBlockTokens});
    ReadPositions(call.positions, token / call.tokens, t, make.count,
                  positions);
    const int64_t row = call.first_row + token;
    make.cos = rows.cos + row * rows.row_stride;
    make.sin = rows.sin + row * rows.row_stride;
    make.rotates = rows.rotates + row;
    MakeSomeRows(call.target, call.positions, t, make);
    token += make.count;
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
  const int64_t bytes = tokens * 2 * PaddedPairs(call.embedding->pairs) *
                        static_cast<int64_t>(sizeof(float));
  const auto slice = [](const void* work, int64_t i, int64_t n) {
    const RowsCall& rows = *static_cast<const RowsCall*>(work);
    SetRows(rows, SliceOf(rows.batch * rows.tokens, i, n));
  };
  RunTeam(num_threads, UsefulSlices(bytes, tokens), slice, &call);
}

}  // namespace rotary
