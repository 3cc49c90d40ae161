// A tensor of a backward pass with a fusion of any kind.  Used by
// backward_kind.cc.
#ifndef TESTS_FUZZ_DRAWN_BACKWARD_H_
#define TESTS_FUZZ_DRAWN_BACKWARD_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "tests/fused/bounded.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/drawn_fused.h"
#include "tests/fuzz/hostile_fields.h"
#include "tests/fuzz/input.h"
#include "tests/fuzz/same_results.h"
#include "tests/support/strided.h"

namespace rotary_test {

class DrawnBackward {
 public:
  void Draw(Input* input, Arena* arena, const SharedFused& shared);
  void AddOutputs(Outputs* outputs) const;
  // The fields behind pointers, and all memory that outputs are in.
  void Expose(HostileFields* fields, Outputs* outputs);
  void CheckResult(const Arena& arena, const SharedFused& shared,
                   bool transposed) const;

  rotary_tensor tensor;
  rotary_fusion_gradient gradient;
  rotary_fusion fusion() const { return steps_.fusion; }

 private:
  float* DrawSums(Arena* arena);
  void CheckSums(const float* got, const std::vector<Bounded>& expected) const;

  DrawnSteps steps_;
  rotary_pairing from_;  // of the forward pass
  rotary_pairing to_;
  View gradients_;
  View output_;
  View input_;  // of the forward pass
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_DRAWN_BACKWARD_H_
