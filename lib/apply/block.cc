#include "lib/apply/block.h"

#include <algorithm>

#include "lib/apply/fused.h"
#include "lib/apply/tile.h"

namespace rotary {
namespace {

// Rows that are made or gathered on the way live on the stack, which leaves
// 7 of the 16 KB of a call to all its other frames.
constexpr int64_t kScratchFloats = 2304;
static_assert(kScratchFloats % (2 * kPairPadding) == 0);
static_assert(kFusedScratchFloats % (2 * kPairPadding) == 0);

// The memory of some rows.
struct Scratch {
  float* values;
  int64_t floats;
  uint8_t* states;     // [kBlockTokens]
  int32_t* positions;  // the same
};

// With the rows of all pairs.
[[gnu::noinline]] void RotateTiled(const Tensor& tensor, const RotateJob& job) {
  TiledHeads heads(tensor, job);
  while (heads.Next()) {
    const int64_t row = heads.token() * job.row_stride;
    heads.Rotate(0, job.pairs, job.cos + row, job.sin + row,
                 job.rotates[heads.token() * job.rotates_stride]);
  }
}

// A few heads after the other.
[[gnu::noinline]] void RotateApart(const Tensor& tensor, RotateJob* job) {
  for (int64_t h = 0; h < tensor.heads; h += kHeadsTogether) {
    const Tensor some =
        SomeHeads(tensor, h, std::min(h + kHeadsTogether, tensor.heads));
    job->tensors = &some;
    job->tensors_end = &some + 1;
    tensor.rotate(*job);
  }
}

// Neighbors of one kernel and one order are one job.
inline void RotateTensors(Part* part) {
  RotateJob& job = part->job;
  if (part->fused != nullptr) return FuseTokens(*part->fused, job);
  for (const Tensor* t = part->tensors; t < part->tensors_end;) {
    // Without heads there may be no data.
    if (t->heads == 0) {
      ++t;
      continue;
    }
    if (t->tile != Tile::kNone) {
      // Without the rows of all pairs: see RotateWideTiled.
      if (job.pair_count == job.pairs) RotateTiled(*t, job);
      ++t;
      continue;
    }
    if (job.count > 1 && t->heads > kHeadsTogether &&
        AreHeadsApart(t->input_strides)) {
      RotateApart(*t, &job);
      ++t;
      continue;
    }
    const RotateKernel rotate = t->rotate;
    const bool in_order = t->in_order;
    job.tensors = t;
    do {
      ++t;
    } while (t < part->tensors_end && t->rotate == rotate && t->heads > 0 &&
             t->tile == Tile::kNone && t->in_order == in_order);
    job.tensors_end = t;
    rotate(job);
  }
}

inline void RotateWithRows(const ApplyCall& call, Part* part) {
  RotateJob& job = part->job;
  const RowsView rows = ViewRows(call.rows);
  const int64_t row = call.first_row + job.b * call.row_batch_stride +
                      job.token * call.row_token_stride +
                      part->first_head * call.row_head_stride;
  job.pair_begin = 0;
  job.pair_count = call.pairs;
  job.cos = rows.cos + row * rows.row_stride;
  job.sin = rows.sin + row * rows.row_stride;
  // Wrapping: of one token the stride may be any.
  job.row_stride =
      static_cast<int64_t>(static_cast<uint64_t>(rows.row_stride) *
                           static_cast<uint64_t>(call.row_token_stride));
  job.rotates = rows.rotates + row;
  job.rotates_stride = call.row_token_stride;
  job.fetches_rows = call.prefetch;
  job.given_rows = false;
  RotateTensors(part);
}

// With a caller's own cos and sin where they lie.
[[gnu::noinline]] void RotateWithF32Rows(const ApplyCall& call, Part* part) {
  static constexpr uint8_t kEvery = kRotated;
  RotateJob& job = part->job;
  const CosSinAt at = Find(call.cos_sin, job.b, job.token, part->first_head, 0);
  job.pair_begin = 0;
  job.pair_count = call.pairs;
  job.cos = static_cast<const float*>(at.cos);
  job.sin = static_cast<const float*>(at.sin);
  job.row_stride = call.cos_sin.row_stride;
  job.rotates = &kEvery;
  job.rotates_stride = 0;
  job.fetches_rows = call.prefetch;
  job.given_rows = true;
  RotateTensors(part);
}

// Rows of a caller's own cos and sin; as FillRows.
[[gnu::noinline]] void GatherSomeRows(const ApplyCall& call, const Part& part,
                                      int64_t chunk, int64_t pair,
                                      const Scratch& scratch) {
  const int64_t count = part.job.count;
  const int32_t* positions = scratch.positions;
  GatherRowsJob job = RowsJob(call.cos_sin, part.job.b, part.job.token,
                              part.first_head, pair, positions);
  job.count = count;
  job.pair_count = std::min(chunk, call.pairs - pair);
  job.to_cos = scratch.values;
  job.to_sin = scratch.values + chunk;
  job.to_row_stride = 2 * chunk;
  kGatherRows[call.target](job);
  for (int64_t i = 0; i < count; ++i) {
    const bool rotates = !call.cos_sin.by_position || positions[i] >= 0;
    scratch.states[i] = rotates ? kRotated : kCopied;
  }
  if (call.positions.cu_seqlens != nullptr) {
    MarkPadding(call.positions, part.job.token, count, scratch.states);
  }
}

// Rows that are not plain; as FillRows.
[[gnu::noinline]] void MakeOtherRows(const ApplyCall& call, const Part& part,
                                     int64_t chunk, int64_t pair,
                                     const Scratch& scratch) {
  const int64_t pairs = std::min(chunk, PaddedPairs(call.pairs) - pair);
  // A part may begin at any head also where all of them share their rows.
  const int64_t head = call.embedding->heads > 1 ? part.first_head : 0;
  const TokenRows rows = {
      call.target, call.embedding, &call.positions, call.factors,
      part.job.b,  part.job.token, part.job.count,  head,
      pair,        pairs,          scratch.values,  scratch.values + chunk,
      2 * chunk,   scratch.states};
  MakeTokenRows(rows);
}

// The rows of a part, `chunk` pairs from `pair` on, are put into scratch.
inline void FillRows(const ApplyCall& call, const Part& part, int64_t chunk,
                     int64_t pair, const Scratch& scratch) {
  if (call.embedding == nullptr) {
    return GatherSomeRows(call, part, chunk, pair, scratch);
  }
  if (!call.plain) return MakeOtherRows(call, part, chunk, pair, scratch);
  MakeRowsJob job = RowsJob(*call.embedding, call.factors);
  job.pair_begin = pair;
  job.pair_count = std::min(chunk, job.padded_pairs - pair);
  job.positions = scratch.positions;
  job.count = part.job.count;
  job.cos = scratch.values;
  job.sin = scratch.values + chunk;
  job.row_stride = 2 * chunk;
  job.rotates = scratch.states;
  kMakeRows[call.target](job);
  MarkRows(call.positions, part.job.token, part.job.count, scratch.states);
}

// One token's heads that are wider than the rows in scratch, and must be copied
// whole: rows are put there for each of them again.  A function of its own, so
// that only tensors which need a tile have one on the stack.
[[gnu::noinline]] void RotateWideTiled(const ApplyCall& call, const Part& part,
                                       const Tensor& tensor, int64_t chunk,
                                       const Scratch& scratch) {
  TiledHeads heads(tensor, part.job);
  while (heads.Next()) {
    for (int64_t pair = 0; pair < call.pairs; pair += chunk) {
      FillRows(call, part, chunk, pair, scratch);
      heads.Rotate(pair, std::min(chunk, call.pairs - pair), scratch.values,
                   scratch.values + chunk, scratch.states[0]);
    }
  }
}

// With the rows of a few tokens at a time, of very wide heads a few pairs at a
// time.
[[gnu::always_inline]] inline void RotateByPortions(const ApplyCall& call,
                                                    const Scratch& scratch,
                                                    Part* part) {
  const int64_t chunk = std::min(PaddedPairs(call.pairs), scratch.floats / 2);
  RotateJob& job = part->job;
  job.cos = scratch.values;
  job.sin = scratch.values + chunk;
  job.row_stride = 2 * chunk;
  job.rotates = scratch.states;
  job.rotates_stride = 1;
  job.fetches_rows = false;
  job.given_rows = call.embedding == nullptr;
  const int64_t end = job.token + job.count;
  while (job.token < end) {
    if (job.count * job.row_stride > scratch.floats) {
      job.count = scratch.floats / job.row_stride;
    }
    if (call.embedding != nullptr ? call.plain : call.cos_sin.by_position) {
      ReadPositions(call.positions, 0, job.b, job.token, job.count,
                    scratch.positions);
    }
    for (int64_t pair = 0; pair < call.pairs; pair += chunk) {
      FillRows(call, *part, chunk, pair, scratch);
      job.pair_begin = pair;
      job.pair_count = std::min(chunk, call.pairs - pair);
      RotateTensors(part);
    }
    if (call.pairs > chunk) {
      for (const Tensor* t = part->tensors; t < part->tensors_end; ++t) {
        if (t->tile == Tile::kNone) continue;
        RotateWideTiled(call, *part, *t, chunk, scratch);
      }
    }
    job.token += job.count;
    job.count = end - job.token;
  }
  // The rows end here, the part goes on.
  job.cos = job.sin = nullptr;
  job.rotates = nullptr;
}

// Kept rows need no scratch, so they must not find its frame around them.
template <int64_t kFloats>
[[gnu::noinline]] void RotateWithScratch(const ApplyCall& call, Part* part) {
  alignas(64) float values[static_cast<size_t>(kFloats)];
  uint8_t states[kBlockTokens];
  int32_t positions[kBlockTokens];
  RotateByPortions(call, {values, kFloats, states, positions}, part);
}

// Of heads that share their rows.
inline void RotateShared(const ApplyCall& call, Part* part) {
  if (call.rows != nullptr) {
    RotateWithRows(call, part);
  } else if (call.embedding == nullptr && AreF32Rows(call.cos_sin)) {
    RotateWithF32Rows(call, part);
  } else if (part->fused != nullptr) {
    RotateWithScratch<kFusedScratchFloats>(call, part);
  } else {
    RotateWithScratch<kScratchFloats>(call, part);
  }
}

// Of heads each of which has rows of its own.
[[gnu::noinline]] void RotateByHead(const ApplyCall& call, const Part& part) {
  for (const Tensor* t = part.tensors; t < part.tensors_end; ++t) {
    for (int64_t h = 0; h < t->heads; ++h) {
      const Tensor head = SomeHeads(*t, h, h + 1);
      Part one = {&head, &head + 1, part.first_head + h, part.job, nullptr};
      RotateShared(call, &one);
    }
  }
}

}  // namespace

void RotateBlock(const ApplyCall& call, Part* part) {
  if (call.by_head) return RotateByHead(call, *part);
  RotateShared(call, part);
}

}  // namespace rotary
