// Rotation of bf16 inputs, for every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/rotate_bf16.cc"
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

constexpr RotateKernels kKernels = RotateFrom<BF16>();

#if HWY_TARGET == HWY_AVX3
constexpr RotateKernel kNative[kNumPairings] = {
    &RotateRun<Half<NativeBF16>, Half<NativeBF16>>,
    &RotateRun<Interleaved<NativeBF16>, Interleaved<NativeBF16>>};
#endif

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const RotateKernels* const kRotateBF16[kNumTargets] =
    ROTARY_PER_TARGET(kKernels);

#if HWY_TARGETS & HWY_AVX3
const RotateKernel* const kRotateNativeBF16 = N_AVX3::kNative;
#else
const RotateKernel* const kRotateNativeBF16 = nullptr;
#endif

}  // namespace rotary

#endif  // HWY_ONCE
