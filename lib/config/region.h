// Memory that a tensor reads or writes, and the rule of what may overlap
// (rotary.h, "Aliasing").  Used by config/apply_args.cc.

#ifndef ROTARY_LIB_CONFIG_REGION_H_
#define ROTARY_LIB_CONFIG_REGION_H_

#include <stdint.h>

#include "lib/apply/call.h"

namespace rotary {

// Runs of `run` bytes at base + the sum of i_k * stride[k], 0 <= i_k < size[k].
// Dimensions of size 1 are left out, strides are positive and descend.
struct Region {
  uintptr_t base;
  int64_t run;  // 0: empty
  int dims;
  int64_t size[3];
  int64_t stride[3];  // bytes
  int source[3];      // 0 batch, 1 tokens, 2 heads
  uintptr_t end;      // one past the last byte
};

// False if an address or a difference of two does not fit.
bool MakeRegion(const void* data, int64_t batch, int64_t tokens, int64_t heads,
                int64_t run, const Strides& strides, int64_t element_size,
                Region* region);

// Contiguous memory.
Region MakeRegion(const void* data, int64_t bytes);

// Whether the two provably share no byte.
bool Disjoint(const Region& a, const Region& b);

// 0 if no two elements of the region share a byte; else (or if that is not
// provable: the dimensions are interleaved) the position, from 1 on, of the
// dimension whose stride is less than what is inside it.
int CoincidingDim(const Region& region);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_REGION_H_
