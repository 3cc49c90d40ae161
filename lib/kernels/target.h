// The SIMD targets: which are compiled in, which this CPU runs, their names and
// their kernels.  Called by config (a call's target), rows and api (queries).

#ifndef ROTARY_LIB_KERNELS_TARGET_H_
#define ROTARY_LIB_KERNELS_TARGET_H_

#include <stddef.h>

#include <atomic>

#include "lib/kernels/kernels.h"

namespace rotary {

// Best last.  The values index the tables below.
enum Target : int {
  kTargetScalar,
  kTargetSsse3,
  kTargetSse4,
  kTargetAvx2,
  kTargetAvx3,
  kTargetAvx3Bf16,  // AVX3 whose bf16 are rounded by instructions for that
  kTargetNeon,
  kNumTargets
};

// The kernels of each: nullptr where the target is not compiled in.
extern const RotateKernels* const kRotateF32[kNumTargets];
extern const RotateKernels* const kRotateF16[kNumTargets];
extern const RotateKernels* const kRotateBF16[kNumTargets];
extern const MakeRowsKernel kMakeRows[kNumTargets];
extern const MakeAxisRowsKernel kMakeAxisRows[kNumTargets];
extern const AngleRowsKernel kAngleRows[kNumTargets];
extern const CompatibleRowsKernel kMakeCompatibleRows[kNumTargets];
extern const GatherRowsKernel kGatherRows[kNumTargets];

// The kernel from one dtype and pairing to another: that of the scalar target
// where a target has none.
inline RotateKernel FindRotate(Target target, Dtype input_dtype,
                               Pairing input_pairing, Dtype output_dtype,
                               Pairing output_pairing) {
  static constexpr const RotateKernels* const* kOfInput[kNumDtypes] = {
      kRotateF32, kRotateF16, kRotateBF16};
  const auto on = [&](Target t) {
    return kOfInput[input_dtype][t]
        ->kernels[input_pairing][output_dtype][output_pairing];
  };
  const RotateKernel kernel = on(target);
  return kernel != nullptr ? kernel : on(kTargetScalar);
}

// Rotates the pairs of a job from `pair` on, of its tokens [begin, end), by
// another kernel.
void RotateRest(const RotateJob& job, int64_t begin, int64_t end, int64_t pair,
                RotateKernel kernel);

// How many targets are compiled in and run on this CPU, and the i-th, best
// first.
int SupportedTargets();
Target SupportedTarget(int i);

const char* TargetName(Target target);

// The supported target of that name, whatever its case, or kNumTargets.
Target FindTarget(const char* name);

// What DefaultTarget found, once it has been asked; before, -1.
extern std::atomic<int> default_target;
Target DetectDefaultTarget();

// The target that calls use which name none: what ROTARY_TARGET says (the
// environment is read once), or the best.  kNumTargets if it says nonsense:
// then DefaultTargetWish is what it says.
inline Target DefaultTarget() {
  const int target = default_target.load(std::memory_order_acquire);
  return target >= 0 ? static_cast<Target>(target) : DetectDefaultTarget();
}
void DefaultTargetWish(char* text, size_t size);

}  // namespace rotary

#endif  // ROTARY_LIB_KERNELS_TARGET_H_
