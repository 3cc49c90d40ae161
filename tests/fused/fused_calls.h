// Short ways to make slots and to run fused passes from valid arguments; a
// failure ends the test.  Used by the tests of fused passes.
#ifndef TESTS_FUSED_FUSED_CALLS_H_
#define TESTS_FUSED_FUSED_CALLS_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace rotary_test {

// Slots in memory of their own.
struct OwnSlots {
  std::vector<uint64_t> memory;

  const rotary_slots* get() const {
    return reinterpret_cast<const rotary_slots*>(memory.data());
  }
};

// Token i of all, [batch][tokens], has slot slots[i], or none if that is
// negative.
OwnSlots SlotsAt(int64_t batch, const std::vector<int64_t>& slots,
                 int64_t num_slots);

// Structs with their defaults.
rotary_fusion MakeFusion(int32_t rotates = 1);
rotary_cache MakeCache(void* data, rotary_dtype dtype);
rotary_fused_args MakeFusedArgs(const rotary_apply_args* apply,
                                const std::vector<rotary_fusion>& fusions,
                                const OwnSlots* slots = nullptr);

// Runs a pass that must succeed.
void FuseOk(const rotary_fused_args& args);

}  // namespace rotary_test

#endif  // TESTS_FUSED_FUSED_CALLS_H_
