// A prepared call: a checked call and, behind it, its tensors, in the caller's
// memory.  Made and run by api.

#ifndef ROTARY_LIB_APPLY_PREPARED_H_
#define ROTARY_LIB_APPLY_PREPARED_H_

#include <stddef.h>
#include <stdint.h>

#include "lib/apply/call.h"

struct rotary_prepared {
  uint64_t magic;
  rotary::ApplyCall call;
};

namespace rotary {

// "rotprep" and the version of the layout, in a little-endian number.
constexpr uint64_t kPreparedMagic = 0x31706572'70746f72;

inline size_t PreparedBytes(int64_t num_tensors) {
  return sizeof(rotary_prepared) +
         static_cast<size_t>(num_tensors) * sizeof(Tensor);
}

inline Tensor* PreparedTensors(rotary_prepared* prepared) {
  return reinterpret_cast<Tensor*>(prepared + 1);
}

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_PREPARED_H_
