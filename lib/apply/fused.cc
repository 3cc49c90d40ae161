#include "lib/apply/fused.h"

#include <algorithm>
#include <limits>

#include "lib/apply/block.h"
#include "lib/apply/partition.h"
#include "lib/apply/stages.h"
#include "lib/apply/team.h"

namespace rotary {
namespace {

// Tokens [token, token + count) of sequence b, in blocks.
void FuseRange(const FusedCall& call, int64_t b, int64_t token, int64_t count) {
  Part part = {};
  part.fused = &call;
  RotateJob& job = part.job;
  job.pairs = call.apply.pairs;
  job.sin_sign = call.apply.sin_sign;
  job.copies = true;
  while (count > 0) {
    job.b = b;
    job.token = token;
    job.count = std::min(count, kBlockTokens);
    token += job.count;
    count -= job.count;
    if (call.has_rows) {
      RotateBlock(call.apply, &part);
    } else {
      FuseTokens(call, job);
    }
  }
}

// The tokens from `token` on, before `end`, that a tensor takes together: they
// are no padding, and have places that follow each other.
HeadRun NextRun(const FusedCall& call, const FusedTensor& fused,
                const RotateJob& job, int64_t token, int64_t end) {
  const auto is_left_out = [&](int64_t t) {
    if (!call.has_rows) return false;
    const uint8_t state = job.rotates[(t - job.token) * job.rotates_stride];
    return state == kUntouched;
  };
  const int32_t* slots = nullptr;
  if (fused.to_cache) slots = call.slots + job.b * call.apply.tokens;
  HeadRun run = {};
  run.token = token;
  while (run.token < end && (is_left_out(run.token) ||
                             (slots != nullptr && slots[run.token] < 0))) {
    ++run.token;
  }
  run.end = run.token;
  if (run.token == end) return run;
  int64_t most = end;
  if (slots != nullptr) {
    run.slot = slots[run.token];
    const int64_t left =
        fused.cache.block_size - run.slot % fused.cache.block_size;
    if (end - run.token > left) most = run.token + left;
  }
  do {
    ++run.end;
  } while (
      run.end < most && !is_left_out(run.end) &&
      (slots == nullptr || slots[run.end] == run.slot + (run.end - run.token)));
  return run;
}

}  // namespace

void FuseTokens(const FusedCall& call, const RotateJob& job) {
  for (int64_t i = 0; i < call.num_tensors; ++i) {
    const FusedTensor& fused = call.tensors[i];
    int64_t token = std::max(job.token, fused.first_token);
    const int64_t end = std::min(job.token + job.count, fused.end_token);
    while (token < end) {
      const HeadRun run = NextRun(call, fused, job, token, end);
      if (run.token < run.end) RunStages(call, i, job, run);
      token = run.end;
    }
  }
}

int64_t UsefulSlices(const FusedCall& call) {
  return UsefulSlices(call.apply.bytes, call.apply.batch * call.apply.tokens);
}

void RunFusedSlice(const FusedCall& call, int64_t slice, int64_t num_slices) {
  const int64_t tokens = call.apply.tokens;
  const Range range = SliceOf(call.apply.batch * tokens, slice, num_slices);
  for (int64_t token = range.begin; token < range.end;) {
    const int64_t b = token / tokens;
    const int64_t t = token % tokens;
    const int64_t count = std::min(range.end - token, tokens - t);
    FuseRange(call, b, t, count);
    token += count;
  }
  if (call.apply.streams) FenceStreams();
}

void Run(const FusedCall& call, int32_t num_threads) {
  const auto slice = [](const void* work, int64_t i, int64_t n) {
    RunFusedSlice(*static_cast<const FusedCall*>(work), i, n);
  };
  RunTeam(num_threads, UsefulSlices(call), slice, &call);
}

}  // namespace rotary
