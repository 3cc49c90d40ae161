// Apply calls of every kind, at once and as prepared ones.
#include <cstring>

#include "tests/fuzz/apply_case.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {

bool FuzzApply(Input* input) {
  Arena& arena = Arena::Get();
  ApplyCase& apply = SharedApplyCase();
  apply.Draw(input, &arena);
  const bool checks = input->Once(32);
  arena.Seal();
  rotary_apply_args args = apply.args();
  return HasSameResults(
      apply.outputs(), &arena,
      [&](const char* target, int variant, rotary_error* error) {
        args.target = target;
        args.num_threads = variant % 3;
        return rotary_apply(&args, error);
      },
      [&] {
        if (checks) apply.CheckResult(arena);
      });
}

bool FuzzPrepared(Input* input) {
  Arena& arena = Arena::Get();
  ApplyCase& apply = SharedApplyCase();
  apply.Draw(input, &arena);
  size_t bytes;
  Check(rotary_prepared_bytes_needed(apply.args().num_tensors, &bytes,
                                     nullptr) == ROTARY_OK,
        "a prepared call has no size");
  void* const memory = arena.Take(bytes);
  std::memset(memory, 0, bytes);
  const int64_t slices = input->Integer(1, 5);
  const bool backwards = input->Flag();
  arena.Seal();
  Outputs outputs = apply.outputs();
  outputs.Add({static_cast<uint8_t*>(memory),
               {1, 1, 1},
               {0, 0, 0},
               static_cast<int64_t>(bytes),
               0});
  rotary_apply_args args = apply.args();
  return HasSameResults(
      outputs, &arena,
      [&](const char* target, int variant, rotary_error* error) {
        args.target = target;
        // At once, or so many slices.
        if (variant == 1) return rotary_apply(&args, error);
        rotary_prepared* prepared = nullptr;
        const rotary_status status =
            rotary_prepare(&args, memory, bytes, &prepared, error);
        if (status != ROTARY_OK) return status;
        Check(static_cast<void*>(prepared) == memory &&
                  rotary_prepared_slices(prepared) >= 1,
              "a prepared call is not in its memory");
        const int64_t count = variant == 0 ? 1 : slices + variant - 2;
        for (int64_t i = 0; i < count; ++i) {
          const int64_t slice = backwards ? count - 1 - i : i;
          Check(rotary_prepared_run(prepared, slice, count, error) == ROTARY_OK,
                "a slice cannot be run");
        }
        // It holds its target, so it differs from call to call.
        std::memset(memory, 0, bytes);
        return status;
      },
      [] {});
}

}  // namespace rotary_test
