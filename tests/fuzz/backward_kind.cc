// Backward passes of every kind.
#include "tests/fuzz/arena.h"
#include "tests/fuzz/backward_pass.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {

bool FuzzBackward(Input* input) {
  static BackwardPass pass;
  Arena& arena = Arena::Get();
  pass.Draw(input, &arena, false);
  const bool checks = input->Once(64);
  arena.Seal();
  return PassHasSameResults(checks, &arena, &pass);
}

}  // namespace rotary_test
