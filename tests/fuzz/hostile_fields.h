// The fields of structs, and values for them that a call must refuse or can
// take without leaving its memory.  Used by the kinds of corrupt passes.
#ifndef TESTS_FUZZ_HOSTILE_FIELDS_H_
#define TESTS_FUZZ_HOSTILE_FIELDS_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/input.h"

namespace rotary_test {

// What may become of a field.
enum class Rule {
  kSize,        // int64_t: less, or what nothing has
  kLess,        // int64_t: less, or negative
  kBadSize,     // int64_t: what nothing has
  kStride,      // int64_t: nearer to 0, or what no memory has
  kAny64,       // int64_t: anything
  kAny32,       // int32_t: anything
  kBad32,       // int32_t: no dtype or flag
  kNone32,      // int32_t: no value of any enum
  kBadReal,     // double: negative, infinite or NaN
  kPointer,     // NULL
  kMisaligned,  // NULL, or not aligned
  kStructSize   // size_t: that of another version, or of none
};

class HostileFields {
 public:
  void Clear() { count_ = 0; }
  void Add(void* field, Rule rule);
  void AddTensor(rotary_tensor* tensor);
  void AddFusion(rotary_fusion* fusion);
  void AddNorm(rotary_norm* norm);
  void AddCache(rotary_cache* cache);
  void AddGradient(rotary_fusion_gradient* gradient);
  void AddApply(rotary_apply_args* apply);
  void AddPositions(rotary_positions* positions);
  void AddRowsArgs(rotary_rows_args* args);

  // Changes one field, and takes it away: of what is hostile already no rule
  // could tell what is within memory.
  void Corrupt(Input* input);

 private:
  struct Field {
    void* at;
    Rule rule;
  };
  static constexpr size_t kMax = 256;
  Field fields_[kMax];
  size_t count_ = 0;
};

}  // namespace rotary_test

#endif  // TESTS_FUZZ_HOSTILE_FIELDS_H_
