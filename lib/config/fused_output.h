// What of a fused tensor is read in several files: the tensor and its fusion,
// and where its output goes.  Used by config/fused_tensor.cc.

#ifndef ROTARY_LIB_CONFIG_FUSED_OUTPUT_H_
#define ROTARY_LIB_CONFIG_FUSED_OUTPUT_H_

#include "include/rotary/rotary.h"
#include "lib/apply/fused.h"
#include "lib/config/fused_failure.h"
#include "lib/config/tensor_failure.h"
#include "lib/config/tensor_read.h"

namespace rotary {

// A tensor and its fusion while they are read.
struct FusedReader {
  const rotary_tensor& in;
  const rotary_fusion& fusion;
  const FusedCall& call;
  int64_t index;
  FusedTensor* out;
  Uses* uses;
  rotary_error* error;

  // Of no tokens there need not be any memory.
  int64_t NumSlots(int64_t num_slots) const {
    return call.apply.batch * call.apply.tokens == 0 ? 0 : num_slots;
  }
  TensorFailure OfTensor() const { return {index, error}; }
  FusionFailure OfFusion() const { return {index, error}; }
};

// One side in memory.
rotary_status AddSide(const FusedReader& r, const Side& side, const void* data,
                      int64_t element_size, const Shape& shape,
                      const Strides& strides, bool writes);

// Where the output goes, in which pairing, and whether that is in place.
rotary_status ReadFusedOutput(const FusedReader& r, const Shape& shape,
                              const Format& input, rotary_pairing* pairing,
                              bool* in_place);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_FUSED_OUTPUT_H_
