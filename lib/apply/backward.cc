#include "lib/apply/backward.h"

#include <algorithm>

#include "lib/apply/team.h"

namespace rotary {
namespace {

int64_t TokensOf(const FusedCall& call) {
  return call.apply.batch * call.apply.tokens;
}

// A share of the leaves.
void RunLeaves(const FusedCall& call, int64_t slice, int64_t num_slices) {
  const Backward& backward = *call.backward;
  const Range leaves = SliceOf(backward.leaves, slice, num_slices);
  for (int64_t leaf = leaves.begin; leaf < leaves.end; ++leaf) {
    std::fill_n(backward.sums + leaf * backward.leaf_sums, backward.leaf_sums,
                0.0);
    const int64_t begin = leaf * backward.leaf_tokens;
    FuseTokens(call,
               {begin, std::min(begin + backward.leaf_tokens, TokensOf(call))});
  }
  if (call.apply.streams) FenceStreams();
}

// Adds up the leaves' sums [begin, end), each pair of neighbors first.
void AddLeaves(const Backward& backward, const Range& range) {
  for (int64_t step = 1; step < backward.leaves; step *= 2) {
    for (int64_t i = 0; i + step < backward.leaves; i += 2 * step) {
      double* to = backward.sums + i * backward.leaf_sums;
      const double* from = to + step * backward.leaf_sums;
      for (int64_t k = range.begin; k < range.end; ++k) to[k] += from[k];
    }
  }
}

void StoreSums(const Backward& backward, const WeightGradient& gradient,
               const Range& range) {
  if (gradient.to == nullptr) return;
  const int64_t begin = std::max(range.begin, gradient.at);
  const int64_t end = std::min(range.end, gradient.at + gradient.count);
  for (int64_t k = begin; k < end; ++k) {
    const double sum = backward.leaves > 0 ? backward.sums[k] : 0.0;
    gradient.to[k - gradient.at] = static_cast<float>(sum);
  }
}

// A share of the sums, in lines of the cache.
void FinishSums(const FusedCall& call, int64_t slice, int64_t num_slices) {
  constexpr int64_t kLine = 8;
  const Backward& backward = *call.backward;
  const int64_t lines = (backward.leaf_sums + kLine - 1) / kLine;
  const Range share = SliceOf(lines, slice, num_slices);
  const Range range = {share.begin * kLine,
                       std::min(share.end * kLine, backward.leaf_sums)};
  AddLeaves(backward, range);
  for (int64_t i = 0; i < call.num_tensors; ++i) {
    StoreSums(backward, backward.tensors[i].weight, range);
    StoreSums(backward, backward.tensors[i].bias, range);
  }
}

const FusedCall& CallOf(const void* work) {
  return *static_cast<const FusedCall*>(work);
}

}  // namespace

void SetLeaves(int64_t tokens, Backward* backward) {
  constexpr int64_t kLeast = kLeastLeafTokens;
  const int64_t share = (tokens + kMostLeaves - 1) / kMostLeaves;
  const int64_t size = std::max((share + kLeast - 1) / kLeast * kLeast, kLeast);
  backward->leaf_tokens = size;
  backward->leaves = (tokens + size - 1) / size;
}

void RunBackward(const FusedCall& call, int32_t num_threads) {
  const Backward& backward = *call.backward;
  if (backward.leaf_sums == 0) return Run(call, num_threads);
  const auto run = [](const void* work, int64_t i, int64_t n) {
    RunLeaves(CallOf(work), i, n);
  };
  const auto finish = [](const void* work, int64_t i, int64_t n) {
    FinishSums(CallOf(work), i, n);
  };
  RunTeam(num_threads, UsefulSlices(call.apply.bytes, backward.leaves), run,
          &call);
  const int64_t bytes = backward.leaves * backward.leaf_sums *
                        static_cast<int64_t>(sizeof(double));
  RunTeam(num_threads, UsefulSlices(bytes, backward.leaf_sums), finish, &call);
}

}  // namespace rotary
