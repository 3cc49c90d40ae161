// A prepared call: a checked call and, behind it, its tensors, or the fused
// call that it is of, in the caller's memory.  Made and run by api.

#ifndef ROTARY_LIB_APPLY_PREPARED_H_
#define ROTARY_LIB_APPLY_PREPARED_H_

#include <stddef.h>
#include <stdint.h>

#include "lib/apply/call.h"
#include "lib/apply/fused.h"

struct rotary_prepared {
  uint64_t magic;
  rotary::ApplyCall call;
};

namespace rotary {

// "rotprep" and the version of the layout, in a little-endian number.
constexpr uint64_t kPreparedMagic = 0x31706572'70746f72;
constexpr uint64_t kPreparedFusedMagic = 0x31706566'70746f72;  // "rotpfep"

inline size_t PreparedBytes(int64_t num_tensors) {
  return sizeof(rotary_prepared) +
         static_cast<size_t>(num_tensors) * sizeof(Tensor);
}

inline Tensor* PreparedTensors(rotary_prepared* prepared) {
  return reinterpret_cast<Tensor*>(prepared + 1);
}

constexpr size_t kPreparedFusedBytes =
    sizeof(rotary_prepared) + sizeof(FusedCall);

// nullptr if it is of no fused call.
inline const FusedCall* PreparedFused(const rotary_prepared* prepared) {
  return prepared->magic == kPreparedFusedMagic
             ? reinterpret_cast<const FusedCall*>(prepared + 1)
             : nullptr;
}

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_PREPARED_H_
