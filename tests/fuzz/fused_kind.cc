// Fused passes of every kind, and moves of what is in a cache.
#include "tests/fuzz/arena.h"
#include "tests/fuzz/fused_pass.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {
namespace {

bool FuzzPass(Input* input, bool from_caches) {
  static FusedPass pass;
  Arena& arena = Arena::Get();
  // Caches hold no special ones.
  pass.Draw(input, &arena, from_caches, from_caches);
  const bool checks = input->Once(64);
  arena.Seal();
  return PassHasSameResults(checks, &arena, &pass);
}

}  // namespace

bool FuzzFused(Input* input) { return FuzzPass(input, false); }

bool FuzzMove(Input* input) { return FuzzPass(input, true); }

}  // namespace rotary_test
