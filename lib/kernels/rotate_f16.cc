// Rotation of f16 inputs, for every target.

#include "lib/kernels/target.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "lib/kernels/rotate_f16.cc"
// clang-format off
#include "hwy/foreach_target.h"  // IWYU pragma: keep
#include "hwy/highway.h"
#include "lib/kernels/rotate-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace rotary {
namespace HWY_NAMESPACE {
namespace {

constexpr RotateKernels kKernels = RotateFrom<F16>();

}  // namespace
// NOLINTNEXTLINE(google-readability-namespace-comments)
}  // namespace HWY_NAMESPACE
}  // namespace rotary
HWY_AFTER_NAMESPACE();

#if HWY_ONCE

#include "lib/kernels/per_target.h"

namespace rotary {

const RotateKernels* const kRotateF16[kNumTargets] =
    ROTARY_PER_TARGET(kKernels);

}  // namespace rotary

#endif  // HWY_ONCE
