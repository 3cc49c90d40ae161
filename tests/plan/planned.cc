#include "tests/plan/planned.h"

#include <doctest/doctest.h>

#include "lib/apply/memory.h"
#include "lib/config/apply_args.h"
#include "lib/config/fused_args.h"

namespace rotary_test {
namespace {

constexpr size_t kMost = size_t{1} << 36;

}  // namespace

int64_t LeastThatFills() {
  int64_t low = 0;  // does not
  int64_t high = int64_t{1} << 40;
  while (high - low > 1) {
    const int64_t middle = low + (high - low) / 2;
    (rotary::FillsCaches(middle) ? high : low) = middle;
  }
  return high;
}

LargeCall::LargeCall(int64_t rotary_dim)
    : embedding_(MakeEmbedding(rotary_dim)),
      memory_(2 * kMost),
      input_(memory_.As<char>()),
      output_(memory_.As<char>(kMost)) {
  rotary_positions_init(&positions_, sizeof(positions_));
  positions_.kind = ROTARY_POSITION_STARTS;
  rotary_tensor_init(&tensor, sizeof(tensor));
  tensor.head_dim = kHeadDim;
  tensor.input_pairing = ROTARY_HALF;
  tensor.input = input_;
  tensor.output = output_;
}

rotary_apply_args LargeCall::Args() {
  given_ = {tensor};
  rotary_apply_args args = MakeApplyArgs(1, tokens_, given_);
  args.embedding = embedding_.get();
  args.positions = &positions_;
  return args;
}

rotary::ApplyCall LargeCall::Plan() {
  const rotary_apply_args args = Args();
  const rotary_apply_args* from = &args;
  rotary_apply_args copy;
  rotary::ApplyCall call;
  rotary_error error;
  RequireOk(rotary::CheckApplyArgs(&from, &copy, planned_, &call, &error),
            error);
  REQUIRE(call.num_tensors == 1);
  return call;
}

rotary::Tensor LargeCall::PlanTensor() { return Plan().tensors[0]; }

rotary::FusedCall LargeCall::PlanFused(const rotary_fusion& fusion) {
  const rotary_apply_args args = Args();
  rotary_fused_args fused;
  rotary_fused_args_init(&fused, sizeof(fused));
  fused.apply = &args;
  fused.fusions = &fusion;
  rotary::FusedCall call;
  int32_t num_threads = -1;
  rotary_error error;
  RequireOk(
      rotary::CheckFusedArgs(&fused, nullptr, 0, &call, &num_threads, &error),
      error);
  return call;
}

}  // namespace rotary_test
