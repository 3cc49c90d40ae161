#include "lib/apply/fused.h"

#include <algorithm>

#include "lib/apply/backward.h"
#include "lib/apply/block.h"
#include "lib/apply/chunk.h"
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

// The tokens of a block, as they are for one tensor.
class TokensOf {
 public:
  TokensOf(const FusedCall& call, const FusedTensor& fused,
           const RotateJob& job)
      : call_(call), fused_(fused), job_(job) {
    const int64_t first = job.b * call.apply.tokens;
    if (fused.to_cache) slots_ = call.slots + first;
    if (fused.from_cache) source_slots_ = call.source_slots + first;
  }

  // Those from `token` on, before `end`, that the tensor takes together: they
  // are no padding, all turned or none, and have slots that follow each other.
  // None: run->token is run->end, is `end`.
  void Next(int64_t token, int64_t end, HeadRun* run) const {
    *run = {};
    while (token < end && IsLeftOut(token)) ++token;
    run->token = run->end = token;
    if (token == end) return;
    int64_t most = end;
    if (slots_ != nullptr) {
      run->slot = slots_[token];
      most = std::min(most, token + LeftInBlock(fused_.cache, run->slot));
    }
    if (source_slots_ != nullptr) {
      run->source_slot = source_slots_[token];
      most =
          std::min(most, token + LeftInBlock(fused_.source, run->source_slot));
      run->still = IsStill(token);
    }
    do {
      ++run->end;
    } while (run->end < most && !IsLeftOut(run->end) &&
             Follows(*run, run->end));
  }

 private:
  static int64_t LeftInBlock(const Cache& cache, int64_t slot) {
    return cache.block_size - slot % cache.block_size;
  }

  uint8_t State(int64_t t) const {
    return job_.rotates[(t - job_.token) * job_.rotates_stride];
  }

  bool IsLeftOut(int64_t t) const {
    return (call_.has_rows && State(t) == kUntouched) ||
           (slots_ != nullptr && slots_[t] < 0) ||
           (source_slots_ != nullptr && source_slots_[t] < 0);
  }

  bool Follows(const HeadRun& run, int64_t t) const {
    const int64_t behind = t - run.token;
    if (slots_ != nullptr && slots_[t] != run.slot + behind) return false;
    return source_slots_ == nullptr ||
           (source_slots_[t] == run.source_slot + behind &&
            IsStill(t) == run.still);
  }

  // Whether a token is not turned.
  bool IsStill(int64_t t) const {
    if (!fused_.rotates || State(t) == kCopied) return true;
    if (call_.row_step != 0) return false;
    const float* cos = job_.cos + (t - job_.token) * job_.row_stride;
    const float* sin = job_.sin + (t - job_.token) * job_.row_stride;
    for (int64_t i = 0; i < job_.pairs; ++i) {
      if (cos[i] != 1.0f || sin[i] != 0.0f) return false;
    }
    return true;
  }

  const FusedCall& call_;
  const FusedTensor& fused_;
  const RotateJob& job_;
  const int32_t* slots_ = nullptr;
  const int32_t* source_slots_ = nullptr;
};

constexpr int64_t kLine = 64;
constexpr int kToRead = 0, kToL2 = 2;  // of __builtin_prefetch

// Fetches what is read of a token into the next cache.
void FetchToken(const FusedCall& call, const FusedTensor& fused, int64_t b,
                int64_t t) {
  const TileAhead ahead = HeadsToRead(call, fused, b, t);
  if (ahead.data == nullptr) return;
  const char* x = ahead.data;
  for (int64_t h = 0; h < fused.tensor.heads; ++h, x += ahead.head_bytes) {
    for (int64_t i = 0; i < ahead.bytes; i += kLine) {
      __builtin_prefetch(x + i, kToRead, kToL2);
    }
  }
}

// Tokens [first, end) of a job, of one tensor.
void FuseTensor(const FusedCall& call, int64_t index, const RotateJob& job,
                int64_t first, int64_t end) {
  const FusedTensor& fused = call.tensors[index];
  int64_t token = std::max(first, fused.first_token);
  const int64_t last = std::min(end, fused.end_token);
  const TokensOf tokens(call, fused, job);
  while (token < last) {
    HeadRun run;
    tokens.Next(token, last, &run);
    token = run.end;
    if (run.token == run.end) continue;
    if (call.backward != nullptr) {
      LeadBack(call, index, job, run);
    } else {
      RunStages(call, index, job, run);
    }
  }
}

// The tokens of a job, one by one, of a tensor that goes from its input to its
// output without a tile.
class Steps {
 public:
  // Whether a tensor goes so, and its heads share their rows.
  static bool Exist(const FusedCall& call, const FusedTensor& fused) {
    return !fused.loads && !fused.stores && !fused.from_cache &&
           call.row_step == 0;
  }

  // Token t, which comes after all that were taken.
  void Take(const FusedCall& call, int64_t index, const RotateJob& job,
            int64_t t) {
    if (t >= run_.end) FindRun(call, index, job, t);
    if (t < run_.token) return;
    if (t > run_.token) Advance();
    tensor_.rotate(job_);
  }

  // Whether the hardware fetches what is read.  It stops at the end of a page.
  bool Streams() const { return begin_bytes_ != 0; }

  // Fetches the beginning of the token that comes next, if it streams.
  void FetchNext() const {
    for (uintptr_t i = 0; i < begin_bytes_; i += kLine) {
      // NOLINTNEXTLINE(performance-no-int-to-ptr)
      __builtin_prefetch(reinterpret_cast<const void*>(next_ + i), kToRead,
                         kToL2);
    }
  }

 private:
  // Of 8, 16, 24 and 32 lines the best on an AMD Zen 4; 48 are bad.
  static constexpr int64_t kMostBeginBytes = 16 * kLine;

  void FindRun(const FusedCall& call, int64_t index, const RotateJob& job,
               int64_t t) {
    const FusedTensor& fused = call.tensors[index];
    const int64_t first = std::max(t, fused.first_token);
    const int64_t last = std::min(job.token + job.count, fused.end_token);
    if (first >= last) {
      run_.token = run_.end = INT64_MAX;
      return;
    }
    TokensOf(call, fused, job).Next(first, last, &run_);
    if (run_.token == run_.end) return;
    Chunk chunk(call, index, job, run_);
    chunk.TakeRun(&tensor_);
    chunk.MakeJob(&tensor_, &job_);
    job_.count = 1;
    if (tensor_.access != Access::kStream) return;
    begin_bytes_ = static_cast<uintptr_t>(
        std::min(tensor_.heads * tensor_.head_dim * tensor_.input_size,
                 kMostBeginBytes));
    token_bytes_ = static_cast<uintptr_t>(tensor_.input_strides.token) *
                   static_cast<uintptr_t>(tensor_.input_size);
    next_ = reinterpret_cast<uintptr_t>(tensor_.input) + token_bytes_;
  }

  void Advance() {
    ++job_.token;
    job_.cos += job_.row_stride;
    job_.sin += job_.row_stride;
    job_.rotates += job_.rotates_stride;
    next_ += token_bytes_;
  }

  HeadRun run_ = {};
  Tensor tensor_;
  RotateJob job_;
  // What is fetched of the next token, how far it is, and where: modulo 2^64.
  // (Found from the others each time, it takes 5 % of the pass.)
  uintptr_t begin_bytes_ = 0;
  uintptr_t token_bytes_ = 0;
  uintptr_t next_ = 0;
};

// Tokens of a job one by one: whatever is read of a token, of all tensors,
// comes in one stream from memory.  take(tensor, token) takes one.
template <class Take>
void GoOneByOne(const FusedCall& call, const RotateJob& job, const Take& take) {
  const int64_t end = job.token + job.count;
  for (int64_t t = job.token; t < end; ++t) {
    for (int64_t i = 0; i < call.num_tensors; ++i) {
      const FusedTensor& fused = call.tensors[i];
      if (fused.fetches) FetchToken(call, fused, job.b, t + 1);
      take(i, t);
    }
  }
}

// A function of its own, so that there are steps on the stack or a tile.
[[gnu::noinline]] void GoBySteps(const FusedCall& call, const RotateJob& job) {
  Steps steps[kMostFused];
  GoOneByOne(call, job, [&](int64_t i, int64_t t) {
    const int64_t next = i + 1 < call.num_tensors ? i + 1 : 0;
    if (steps[i].Streams()) steps[next].FetchNext();
    steps[i].Take(call, i, job, t);
  });
}

void FuseOneByOne(const FusedCall& call, const RotateJob& job) {
  bool steps = true;
  for (int64_t i = 0; i < call.num_tensors; ++i) {
    steps &= Steps::Exist(call, call.tensors[i]);
  }
  if (steps) return GoBySteps(call, job);
  GoOneByOne(call, job,
             [&](int64_t i, int64_t t) { FuseTensor(call, i, job, t, t + 1); });
}

}  // namespace

void FuseTokens(const FusedCall& call, const RotateJob& job) {
  if (call.apply.from_memory) return FuseOneByOne(call, job);
  for (int64_t i = 0; i < call.num_tensors; ++i) {
    FuseTensor(call, i, job, job.token, job.token + job.count);
  }
}

int64_t UsefulSlices(const FusedCall& call) {
  return UsefulSlices(call.apply.bytes, call.apply.batch * call.apply.tokens);
}

void FuseTokens(const FusedCall& call, const Range& range) {
  // Then no row needs to be there either.
  if (call.apply.bytes == 0) return;
  const int64_t tokens = call.apply.tokens;
  for (int64_t token = range.begin; token < range.end;) {
    const int64_t b = token / tokens;
    const int64_t t = token % tokens;
    const int64_t count = std::min(range.end - token, tokens - t);
    FuseRange(call, b, t, count);
    token += count;
  }
}

void RunFusedSlice(const FusedCall& call, int64_t slice, int64_t num_slices) {
  FuseTokens(call,
             SliceOf(call.apply.batch * call.apply.tokens, slice, num_slices));
  if (call.apply.streams) FenceStreams();
}

void Run(const FusedCall& call, int32_t num_threads) {
  const auto slice = [](const void* work, int64_t i, int64_t n) {
    RunFusedSlice(*static_cast<const FusedCall*>(work), i, n);
  };
  RunTeam(num_threads, UsefulSlices(call), slice, &call);
}

}  // namespace rotary
