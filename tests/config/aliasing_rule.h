// The part of the rule about overlapping memory that makes promises: what the
// library must accept (rotary.h, "Aliasing").  Used by overlap_random_test.cc.
#ifndef TESTS_CONFIG_ALIASING_RULE_H_
#define TESTS_CONFIG_ALIASING_RULE_H_

#include <rotary/rotary.h>

#include <cstdint>

#include "tests/config/tensor_elements.h"

namespace rotary_test {

// Bytes [low, high) behind a tensor's data: all of its, and what is between.
struct Span {
  int64_t low;
  int64_t high;
};
Span SpanOf(const TensorSide& side);

// Whether every output is nested (each stride steps over all that is inside),
// and disjoint by the manual's rule from what it must be disjoint from.
bool MustBeAccepted(const rotary_apply_args& args);

// Whether, of the outputs, nothing but the byte ranges needs to be looked at.
bool ByteRangesAreDisjoint(const rotary_apply_args& args);

}  // namespace rotary_test

#endif  // TESTS_CONFIG_ALIASING_RULE_H_
