// A large call as it is planned, of memory that is never touched.  Used by the
// tests of plans.
#ifndef TESTS_PLAN_PLANNED_H_
#define TESTS_PLAN_PLANNED_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <vector>

#include "lib/apply/call.h"
#include "lib/apply/fused.h"
#include "tests/support/objects.h"
#include "tests/support/sparse_memory.h"

namespace rotary_test {

// The least bytes that fill the last-level cache.
int64_t LeastThatFills();

// One tensor of [1][tokens][heads][head_dim] of F32, whole heads, half pairs;
// out of place unless its output is taken away.
class LargeCall {
 public:
  explicit LargeCall(int64_t rotary_dim = kHeadDim);

  static constexpr int64_t kHeadDim = 128;
  static constexpr int64_t kTokenBytes = kHeadDim * sizeof(float);

  // As it is planned.
  rotary::ApplyCall Plan();
  rotary::Tensor PlanTensor();
  rotary::FusedCall PlanFused(const rotary_fusion& fusion);

  // So many tokens, each as long as a head of as many elements.
  void SetTokens(int64_t count) { tokens_ = count; }
  void InPlace() { tensor.output = nullptr; }
  char* output() { return output_; }

  rotary_tensor tensor;

 private:
  rotary_apply_args Args();

  Embedding embedding_;
  SparseMemory memory_;
  char* input_;
  char* output_;
  int64_t tokens_ = 1;
  rotary_positions positions_;
  std::vector<rotary_tensor> given_;
  rotary::Tensor planned_[8];
};

}  // namespace rotary_test

#endif  // TESTS_PLAN_PLANNED_H_
