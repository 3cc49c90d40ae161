// The kinds of calls.  Each function makes calls as its input says, checks what
// becomes of them, and returns whether they were valid.
#ifndef TESTS_FUZZ_KINDS_H_
#define TESTS_FUZZ_KINDS_H_

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/input.h"

namespace rotary_test {

bool FuzzApply(Input* input);
bool FuzzPrepared(Input* input);
bool FuzzCorrupt(Input* input);
bool FuzzConfig(Input* input);
bool FuzzRows(Input* input);
bool FuzzCorruptRows(Input* input);
bool FuzzObjects(Input* input);
bool FuzzExport(Input* input);
bool FuzzFlat(Input* input);
bool FuzzWeights(Input* input);
bool FuzzShard(Input* input);
bool FuzzSlots(Input* input);
bool FuzzNames(Input* input);
bool FuzzFused(Input* input);
bool FuzzMove(Input* input);
bool FuzzBackward(Input* input);
bool FuzzCorruptFused(Input* input);
bool FuzzCorruptMove(Input* input);
bool FuzzCorruptBackward(Input* input);

// Runs an input: its first byte chooses the kind, but if the environment has
// ROTARY_FUZZ_KIND, which is the name of one.  With ROTARY_FUZZ_STATS the
// program tells at its end how many inputs of each there were, how many valid.
void RunInput(const uint8_t* data, size_t size);

}  // namespace rotary_test

#endif  // TESTS_FUZZ_KINDS_H_
