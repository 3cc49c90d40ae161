// Rotation of f32 inputs, for every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/rotate_f32.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/native_bf16-inl.h"
#include "lib/kernels/rotate-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

constexpr RotateKernels kKernels = RotateFrom<F32>();

#if HWY_TARGET == HWY_AVX3
constexpr RotateKernels NativeKernels() {
  RotateKernels kernels = kKernels;
  kernels.kernels[kHalf][kBF16][kHalf] =
      &RotateRun<Half<F32>, Half<StoredBF16>>;
  return kernels;
}
constexpr RotateKernels kNativeKernels = NativeKernels();
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const RotateKernels* const kRotateF32[kNumTargets] =
    ROTARY_PER_TARGET_AND(kKernels, ROTARY_ON_AVX3(kNativeKernels));

}  // namespace rotary

#endif  // HWY_ONCE
