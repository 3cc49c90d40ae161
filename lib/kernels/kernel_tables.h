// The kernels of every target: one table a kernel file, nullptr where the
// target is not compiled in.  Included by the kernel files and target.cc.

#ifndef ROTARY_LIB_KERNELS_KERNEL_TABLES_H_
#define ROTARY_LIB_KERNELS_KERNEL_TABLES_H_

#include "lib/kernels/kernels.h"
#include "lib/kernels/target.h"

namespace rotary {

extern const RotateKernels* const kRotateF32[kNumTargets];
extern const MakeRowsKernel kMakeRows[kNumTargets];

}  // namespace rotary

#endif  // ROTARY_LIB_KERNELS_KERNEL_TABLES_H_
