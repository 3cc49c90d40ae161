// Valid apply calls with fields set to extreme or small values, prepared ones
// too.
#include <cstring>
#include <vector>

#include "tests/config/corruptions.h"
#include "tests/config/fuzzed_call.h"
#include "tests/config/tensor_elements.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {
namespace {

// What a call may write, if it is valid.
void FindOutputs(const FuzzedCall& call, Outputs* outputs) {
  for (int64_t i = 0; i < call.args.num_tensors; ++i) {
    const TensorSide side = OutputOf(call.args, call.tensors[i]);
    if (side.empty()) continue;
    outputs->Add({reinterpret_cast<uint8_t*>(side.data),
                  {side.size[0], side.size[1], side.size[2]},
                  {side.stride[0], side.stride[1], side.stride[2]},
                  side.run,
                  OutputDtype(call.tensors[i])});
  }
}

}  // namespace

bool FuzzCorrupt(Input* input) {
  static const std::vector<Corruption> corruptions = AllCorruptions();
  static FuzzedCall call;
  static const std::vector<int64_t> ids = call.ids;
  static const std::vector<uint32_t> table = call.table;
  static std::vector<uint64_t> prepared_memory = [] {
    size_t bytes;
    Check(rotary_prepared_bytes_needed(3, &bytes, nullptr) == ROTARY_OK,
          "a prepared call has no size");
    return std::vector<uint64_t>(bytes / 8 + 1);
  }();
  call.ResetFields();
  const int64_t source = input->Integer(0, 5);
  if (source == 0) call.UseRows();
  if (source == 1 || source == 2) call.UseCosSin(source == 1);
  if (source == 0 && input->Flag()) {
    call.args.row_batch_stride = input->Integer(0, 1);
    call.args.row_head_stride = input->Integer(1, 2);
  }
  if (input->Flag()) {
    for (rotary_tensor& tensor : call.tensors) SetFormats(&tensor, input);
  }
  for (int64_t n = input->Integer(1, 3); n > 0; --n) {
    input->Choose(corruptions)(&call, input);
  }
  Arena& arena = Arena::Get();
  arena.Attach(call.memory.data(), call.memory.size() * sizeof(float));
  arena.Seal();
  // Whether it is valid is not known yet, so neither is what it may write.
  Outputs outputs;
  {
    Told told;
    const rotary_status status = rotary_apply(&call.args, told.error());
    if (status == ROTARY_OK) FindOutputs(call, &outputs);
    if (status == ROTARY_OK) arena.Restore();
  }
  const bool prepares = input->Flag();
  rotary_apply_args args = call.args;
  const bool valid = HasSameResults(
      outputs, &arena,
      [&](const char* target, int variant, rotary_error* error) {
        if (target != nullptr && call.args.target == nullptr) {
          args.target = target;
        }
        if (!prepares || variant != 1) return rotary_apply(&args, error);
        rotary_prepared* prepared = nullptr;
        const rotary_status status =
            rotary_prepare(&args, prepared_memory.data(),
                           8 * prepared_memory.size(), &prepared, error);
        if (status != ROTARY_OK) {
          Check(prepared == nullptr, "a call that fails wrote");
          return status;
        }
        Check(rotary_prepared_run(prepared, 0, 1, error) == ROTARY_OK,
              "a slice cannot be run");
        return status;
      },
      [] {});
  Check(call.ids == ids && call.table == table,
        "positions or cos and sin were written");
  return valid;
}

}  // namespace rotary_test
