// Valid passes, forward and backward, with hostile values for some fields.
#include "tests/fuzz/arena.h"
#include "tests/fuzz/backward_pass.h"
#include "tests/fuzz/fused_pass.h"
#include "tests/fuzz/hostile_fields.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {
namespace {

template <typename Pass>
bool FuzzCorruptPass(Input* input, Pass* pass) {
  static HostileFields fields;
  static Outputs outputs;
  Arena& arena = Arena::Get();
  pass->Expose(&fields, &outputs);
  for (int64_t n = input->Integer(1, 2); n > 0; --n) fields.Corrupt(input);
  arena.Seal();
  return HasSameResults(
      outputs, &arena,
      [&](const char* target, int, rotary_error* error) {
        return pass->RunExposed(target, error);
      },
      [] {});
}

bool FuzzCorruptFused(Input* input, bool from_caches) {
  static FusedPass pass;
  pass.Draw(input, &Arena::Get(), from_caches, true);
  return FuzzCorruptPass(input, &pass);
}

}  // namespace

bool FuzzCorruptFused(Input* input) { return FuzzCorruptFused(input, false); }

bool FuzzCorruptMove(Input* input) { return FuzzCorruptFused(input, true); }

bool FuzzCorruptBackward(Input* input) {
  static BackwardPass pass;
  pass.Draw(input, &Arena::Get(), true);
  return FuzzCorruptPass(input, &pass);
}

}  // namespace rotary_test
