// The SIMD targets: which are compiled in, which this CPU runs, their names and
// their kernels.  Called by config (a call's target) and api (queries).

#ifndef ROTARY_LIB_KERNELS_TARGET_H_
#define ROTARY_LIB_KERNELS_TARGET_H_

#include "lib/kernels/kernels.h"

namespace rotary {

// Best last.  The values index the tables of per_target.h.
enum Target : int {
  kTargetScalar,
  kTargetSsse3,
  kTargetSse4,
  kTargetAvx2,
  kTargetAvx3,
  kTargetNeon,
  kNumTargets
};

// How many targets are compiled in and run on this CPU, and the i-th, best
// first.
int SupportedTargets();
Target SupportedTarget(int i);

const char* TargetName(Target target);

// The supported target of that name, whatever its case, or kNumTargets.
Target FindTarget(const char* name);

// The target that calls use which name none: what ROTARY_TARGET says (the
// environment is read once), or the best.  kNumTargets if it says nonsense:
// then *name is what it says.
Target DefaultTarget(const char** name);

// `target` must be supported.
Kernels KernelsOf(Target target);

}  // namespace rotary

#endif  // ROTARY_LIB_KERNELS_TARGET_H_
