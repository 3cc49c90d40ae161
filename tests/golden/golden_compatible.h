// Rows in HF's arithmetic against the third party's own cos and sin.  Used by
// golden_rope.cc.
#ifndef TESTS_GOLDEN_GOLDEN_COMPATIBLE_H_
#define TESTS_GOLDEN_GOLDEN_COMPATIBLE_H_

#include "tests/golden/golden_case.h"
#include "tests/golden/golden_model.h"

namespace rotary_test {

// Throws if a case's cos.f32 or sin.f32, if it has them, are further away than
// 1 unit in the last place, or 2 with a gain.
void CompareRows(const GoldenCase& golden, const GoldenModel& model);

}  // namespace rotary_test

#endif  // TESTS_GOLDEN_GOLDEN_COMPATIBLE_H_
