// Heads from a tile to memory, of any storage.  For every target.

#include <algorithm>
#include <limits>

#include "lib/kernels/tile.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/store_heads.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/dtypes-inl.h"
#include "lib/kernels/heads-inl.h"
#include "lib/kernels/native_bf16-inl.h"
#include "lib/kernels/pack_bytes-inl.h"
#include "lib/kernels/scales-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

// Elements that are converted together; those that do not lie side by side go
// by way of a copy.
constexpr int64_t kRun = 64;

template <class Lane>
HWY_INLINE void Scatter(const Lane* from, int64_t count, Lane* to,
                        int64_t stride) {
  for (int64_t i = 0; i < count; ++i) to[i * stride] = from[i];
}

// Calls each(the first element, their count, where they go to) for runs of a
// head's elements.
template <class Lane, class Each>
HWY_INLINE void ForEachRun(int64_t head_dim, Lane* to, int64_t stride,
                           const Each& each) {
  if (stride == 1) return each(int64_t{0}, head_dim, to);
  Lane copy[kRun];
  for (int64_t e = 0; e < head_dim; e += kRun) {
    const int64_t count = std::min(kRun, head_dim - e);
    each(e, count, copy);
    Scatter(copy, count, to + e * stride, stride);
  }
}

template <class To, Access kAccess>
HWY_INLINE void StoreElements(const float* from, int64_t count,
                              typename To::Lane* to) {
  ForEachVector(count, [&](auto d, int64_t i) HWY_ATTR {
    To::template Store<kAccess>(d, hn::LoadU(d, from + i), to + i);
  });
}

// While head i is stored.
HWY_INLINE void FetchHead(const StoreHeadsJob& job, int64_t i) {
  const TileAhead& ahead = job.ahead;
  if (ahead.data == nullptr) return;
  FetchLines<kToL2>(
      ahead.data,
      static_cast<uintptr_t>(i) * static_cast<uintptr_t>(ahead.head_bytes),
      static_cast<size_t>(ahead.bytes));
}

template <class To>
void StoreHeadsAs(const StoreHeadsJob& job) {
  using Lane = typename To::Lane;
  const TileOutput& output = job.output;
  const int64_t head_dim = job.shape.head_dim;
  const float* from = job.tile;
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    for (int64_t h = 0; h < job.shape.heads; ++h, from += head_dim) {
      Lane* to = static_cast<Lane*>(output.data) + t * output.token_stride +
                 h * output.head_stride;
      FetchHead(job, t * job.shape.heads + h);
      if (output.stream) {
        StoreElements<To, Access::kStream>(from, head_dim, to);
        continue;
      }
      const auto store = [&](int64_t e, int64_t count, Lane* run) HWY_ATTR {
        StoreElements<To, Access::kPlain>(from + e, count, run);
      };
      ForEachRun(head_dim, to, output.element_stride, store);
    }
  }
}

// One head with scales that are given; its first is at `at`.
template <class To>
HWY_NOINLINE int64_t StoreGiven(const StoreHeadsJob& job, const float* from,
                                uint8_t* to, int64_t at) {
  const TileScales& scales = job.scales;
  const int64_t stride = scales.element_stride;
  int64_t beyond = 0;
  if (scales.data == nullptr || stride == 0) {
    const float inverse =
        scales.data == nullptr ? 1.0f : Inverse(ReadScale(scales, at));
    const auto store = [&](int64_t e, int64_t count, uint8_t* run) HWY_ATTR {
      beyond += StoreBytes<To, Range::kAny>(
          from + e, count, run,
          [&](auto d, int64_t) HWY_ATTR { return hn::Set(d, inverse); });
    };
    ForEachRun(job.shape.head_dim, to, job.output.element_stride, store);
    return beyond;
  }
  const auto store = [&](int64_t e, int64_t count, uint8_t* run) HWY_ATTR {
    float of_elements[kRun];
    for (int64_t i = 0; i < count; i += kRun) {
      const int64_t n = std::min(kRun, count - i);
      for (int64_t j = 0; j < n; ++j) {
        of_elements[j] = ReadScale(scales, at + (e + i + j) * stride);
      }
      beyond += StoreBytes<To, Range::kAny>(
          from + e + i, n, run + i, [&](auto d, int64_t k) HWY_ATTR {
            return Inverse(d, hn::LoadU(d, of_elements + k));
          });
    }
  };
  ForEachRun(job.shape.head_dim, to, job.output.element_stride, store);
  return beyond;
}

// Elements by a scale of their own; how many were out of range.
template <class To>
HWY_INLINE int64_t StoreScaled(const float* from, int64_t count, float inverse,
                               bool near, uint8_t* to) {
  const auto of_all = [&](auto d, int64_t)
                          HWY_ATTR { return hn::Set(d, inverse); };
  if (HWY_LIKELY(near)) {
    return StoreBytes<To, Range::kNear>(from, count, to, of_all);
  }
  return StoreBytes<To, Range::kAny>(from, count, to, of_all);
}

// Heads of which each has a scale of its own.
template <class To>
HWY_NOINLINE void StoreMade(const StoreHeadsJob& job) {
  const TileOutput& output = job.output;
  const TileScales& scales = job.scales;
  const int64_t head_dim = job.shape.head_dim;
  const int64_t heads = job.shape.heads;
  GroupScales found;
  FindScales<To>(job.tile, job.shape.tokens * heads, head_dim, &found);
  int64_t i = 0;
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    const int64_t at = t * scales.token_stride;
    for (int64_t h = 0; h < heads; ++h, ++i) {
      StoreScale<To>(i, scales.dtype, scales.data, at + h * scales.head_stride,
                     &found);
    }
  }
  FindInverses(job.shape.tokens * heads, &found);
  const float* from = job.tile;
  int64_t beyond = 0;
  i = 0;
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    for (int64_t h = 0; h < heads; ++h, ++i, from += head_dim) {
      uint8_t* to = static_cast<uint8_t*>(output.data) +
                    t * output.token_stride + h * output.head_stride;
      FetchHead(job, i);
      const auto store = [&](int64_t e, int64_t count,
                             uint8_t* run) ROTARY_LAMBDA {
        beyond += StoreScaled<To>(from + e, count, found.inverses[i],
                                  found.near, run);
      };
      ForEachRun(head_dim, to, output.element_stride, store);
    }
  }
  if (job.saturated != nullptr) *job.saturated += beyond;
}

template <class To>
void StoreHeadsAsBytes(const StoreHeadsJob& job) {
  if (job.scales.made) return StoreMade<To>(job);
  const TileOutput& output = job.output;
  const TileScales& scales = job.scales;
  const float* from = job.tile;
  int64_t beyond = 0;
  for (int64_t t = 0; t < job.shape.tokens; ++t) {
    for (int64_t h = 0; h < job.shape.heads; ++h, from += job.shape.head_dim) {
      uint8_t* to = static_cast<uint8_t*>(output.data) +
                    t * output.token_stride + h * output.head_stride;
      FetchHead(job, t * job.shape.heads + h);
      beyond += StoreGiven<To>(
          job, from, to, t * scales.token_stride + h * scales.head_stride);
    }
  }
  if (job.saturated != nullptr) *job.saturated += beyond;
}

// Q8_0: blocks [first, first + count) of a tile.
HWY_INLINE void StoreSomeBlocks(const StoreHeadsJob& job, int64_t first,
                                int64_t count) {
  const TileOutput& output = job.output;
  const int64_t in_head = job.shape.head_dim / kBlockElements;
  const float* from = job.tile + first * kBlockElements;
  char* blocks[kGroups];
  int64_t token = first / in_head / job.shape.heads;
  int64_t head = first / in_head % job.shape.heads;
  int64_t block = first % in_head;
  for (int64_t i = 0; i < count; ++i) {
    blocks[i] =
        static_cast<char*>(output.data) +
        (token * output.token_stride + head * output.head_stride + block) *
            kBlockBytes;
    if (++block < in_head) continue;
    block = 0;
    if (++head < job.shape.heads) continue;
    head = 0;
    ++token;
  }
  GroupScales found;
  FindScales<I8>(from, count, kBlockElements, &found);
  for (int64_t i = 0; i < count; ++i) {
    StoreScale<I8>(i, kF16, blocks[i], 0, &found);
  }
  FindInverses(count, &found);
  int64_t beyond = 0;
  for (int64_t i = 0; i < count; ++i, from += kBlockElements) {
    if ((first + i) % in_head == 0) FetchHead(job, (first + i) / in_head);
    beyond += StoreScaled<I8>(
        from, kBlockElements, found.inverses[i], found.near,
        reinterpret_cast<uint8_t*>(blocks[i]) + sizeof(uint16_t));
  }
  if (job.saturated != nullptr) *job.saturated += beyond;
}

void StoreHeadsAsBlocks(const StoreHeadsJob& job) {
  const int64_t blocks = job.shape.tokens * job.shape.heads *
                         (job.shape.head_dim / kBlockElements);
  for (int64_t i = 0; i < blocks; i += kGroups) {
    StoreSomeBlocks(job, i, std::min(kGroups, blocks - i));
  }
}

void StoreHeads(const StoreHeadsJob& job) {
  switch (job.output.storage) {
    case kStoredF32:
      return StoreHeadsAs<F32>(job);
    case kStoredF16:
      return StoreHeadsAs<F16>(job);
    case kStoredBF16:
      return StoreHeadsAs<BF16>(job);
    case kStoredI8:
      return StoreHeadsAsBytes<I8>(job);
    case kStoredE4M3:
      return StoreHeadsAsBytes<E4M3>(job);
    case kStoredE5M2:
      return StoreHeadsAsBytes<E5M2>(job);
    default:
      return StoreHeadsAsBlocks(job);
  }
}

#if HWY_TARGET == HWY_AVX3
void StoreHeadsNatively(const StoreHeadsJob& job) {
  if (job.output.storage != kStoredBF16) return StoreHeads(job);
  StoreHeadsAs<StoredBF16>(job);
}
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const StoreHeadsKernel kStoreHeads[kNumTargets] =
    ROTARY_PER_TARGET_AND(StoreHeads, ROTARY_ON_AVX3(StoreHeadsNatively));

}  // namespace rotary

#endif  // HWY_ONCE
