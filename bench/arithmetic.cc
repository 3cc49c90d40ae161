#include "bench/arithmetic.h"

#include <rotary/rotary.h>
#include <string.h>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "bench/arithmetic.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary_bench {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;

HWY_INLINE void Rotate(V c, V s, V& a, V& b) {
  const V first = hn::Sub(hn::Mul(a, c), hn::Mul(b, s));
  b = hn::Add(hn::Mul(b, c), hn::Mul(a, s));
  a = first;
}

// Four vectors of pairs, each of which waits for nothing but itself: enough to
// keep two multipliers of four cycles busy.
void RotateAll(int64_t pairs, volatile float* sink) {
  const D d;
  const V c = hn::Set(d, sink[0]), s = hn::Set(d, sink[1]);
  V a0 = c, a1 = s, a2 = hn::Add(c, s), a3 = hn::Sub(c, s);
  V b0 = s, b1 = c, b2 = a3, b3 = a2;
  const int64_t step = 4 * static_cast<int64_t>(hn::Lanes(d));
  for (; pairs > 0; pairs -= step) {
    Rotate(c, s, a0, b0);
    Rotate(c, s, a1, b1);
    Rotate(c, s, a2, b2);
    Rotate(c, s, a3, b3);
  }
  const V sum0 = hn::Add(hn::Add(a0, b0), hn::Add(a1, b1));
  const V sum1 = hn::Add(hn::Add(a2, b2), hn::Add(a3, b3));
  sink[2] = hn::GetLane(hn::Add(sum0, sum1));
}

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary_bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

namespace rotary_bench {

namespace {

using RotateAllFunction = void (*)(int64_t pairs, volatile float* sink);

// NULL where the target is not compiled in.
RotateAllFunction ForTarget(const char* target) {
#if HWY_TARGETS & HWY_AVX3
  if (strcmp(target, "avx3") == 0) return &N_AVX3::RotateAll;
#endif
#if HWY_TARGETS & HWY_AVX2
  if (strcmp(target, "avx2") == 0) return &N_AVX2::RotateAll;
#endif
#if HWY_TARGETS & HWY_SSE4
  if (strcmp(target, "sse4") == 0) return &N_SSE4::RotateAll;
#endif
#if HWY_TARGETS & HWY_SSSE3
  if (strcmp(target, "ssse3") == 0) return &N_SSSE3::RotateAll;
#endif
  static_cast<void>(target);
  return nullptr;
}

// That of the best target of this CPU that has one.
RotateAllFunction Best() {
  for (int32_t i = 0; i < rotary_target_count(); ++i) {
    const RotateAllFunction found = ForTarget(rotary_target_name(i));
    if (found != nullptr) return found;
  }
  return &HWY_STATIC_DISPATCH(RotateAll);
}

}  // namespace

void RotateInRegisters(int64_t pairs) {
  static const RotateAllFunction rotate = Best();
  volatile float sink[3] = {0.6f, 0.8f, 0.0f};
  rotate(pairs, sink);
}

}  // namespace rotary_bench

#endif  // HWY_ONCE
