// A prepared call in guarded memory of just its size, whose structs are gone.
// Used by the tests of calls that run in slices.
#ifndef TESTS_APPLY_PREPARED_CALL_H_
#define TESTS_APPLY_PREPARED_CALL_H_

#include <rotary/rotary.h>

#include <cstdint>

#include "tests/support/guarded_buffer.h"

namespace rotary_test {

class PreparedCall {
 public:
  PreparedCall(const rotary_apply_args& args, const char* target);

  const rotary_prepared* get() const { return prepared_; }
  bool GuardsIntact() const { return memory_.CanariesIntact(); }

  rotary_status Run(int64_t slice, int64_t num_slices) const {
    return rotary_prepared_run(prepared_, slice, num_slices, nullptr);
  }
  // Runs each slice once, in an order of its own.  Whether all of them could.
  bool RunShuffled(int64_t num_slices) const;

 private:
  GuardedBuffer memory_;
  rotary_prepared* prepared_ = nullptr;
};

}  // namespace rotary_test

#endif  // TESTS_APPLY_PREPARED_CALL_H_
