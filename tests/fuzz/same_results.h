// Runs a call on every target: all succeed with the same bytes and write to
// outputs only, or all fail alike and write nothing.  Used by most kinds.
#ifndef TESTS_FUZZ_SAME_RESULTS_H_
#define TESTS_FUZZ_SAME_RESULTS_H_

#include <rotary/rotary.h>

#include <cstddef>
#include <cstdint>

#include "tests/fuzz/arena.h"
#include "tests/fuzz/caches.h"
#include "tests/fuzz/check.h"

namespace rotary_test {

// Bytes that a call may write: runs of elements, [size[0]][size[1]][size[2]] of
// them, with strides in bytes.
struct Written {
  uint8_t* data;
  int64_t size[3];
  int64_t stride[3];
  int64_t run;
  rotary_dtype dtype;  // whose NaN are all equal; 0: bytes as they are
};

// What a call writes, to be filled anew for each input.
class Outputs {
 public:
  void Clear() { count_ = 0; }
  void Add(const Written& written);
  // All of a block of the arena, by a byte in it; NULL: nothing.
  void AddBlock(const Arena& arena, const void* at);
  const Written* begin() const { return written_; }
  const Written* end() const { return written_ + count_; }

 private:
  static constexpr size_t kMax = 128;
  Written written_[kMax];
  size_t count_ = 0;
};

int Targets(const char* const** names);

// Whether nothing but outputs differs from what was sealed; as it was, then.
bool UndoOutputs(const Outputs& outputs, Arena* arena);

// Whether the memory is as it was kept, but for the bits of NaN.
bool IsAlike(const Outputs& outputs, Arena* arena);

// run(target, variant, error) runs the call: on all targets, each another
// variant, the first 0; some as if it filled the caches.  After the first
// success check() sees the result.  Returns whether it succeeded.
template <typename Run, typename Verify>
bool HasSameResults(const Outputs& outputs, Arena* arena, const Run& run,
                    const Verify& check) {
  const char* const* names;
  const int count = Targets(&names);
  Told first;
  const rotary_status status = run(nullptr, 0, first.error());
  first.CheckStatus(status);
  if (status == ROTARY_OK) {
    check();
    arena->Keep();
    Check(UndoOutputs(outputs, arena), "other memory than outputs was written");
  } else {
    Check(arena->IsAsSealed(), "a call that fails wrote");
  }
  for (int i = 0; i < count; ++i) {
    Told told;
    const int variant = i + 1;
    SetSmallCaches(variant % 3 != 0);
    const rotary_status other = run(names[i], variant, told.error());
    SetSmallCaches(false);
    told.CheckStatus(other);
    Check(other == status, "targets return another status");
    if (status == ROTARY_OK) {
      Check(arena->IsAsKept() || IsAlike(outputs, arena),
            "targets have other results");
      arena->Restore();
    } else {
      Check(told.Is(first), "targets fail in other ways");
      Check(arena->IsAsSealed(), "a call that fails wrote");
    }
  }
  return status == ROTARY_OK;
}

// The same of a drawn pass, whose result is compared with the reference if
// `checks`.
template <typename Pass>
bool PassHasSameResults(bool checks, Arena* arena, Pass* pass) {
  return HasSameResults(
      pass->outputs(), arena,
      [&](const char* target, int variant, rotary_error* error) {
        return pass->Run(target, variant, error);
      },
      [&] {
        if (checks) pass->CheckResult(*arena);
      });
}

}  // namespace rotary_test

#endif  // TESTS_FUZZ_SAME_RESULTS_H_
