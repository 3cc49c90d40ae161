// A random fused pass: tensors with fusions of every kind, into tensors and
// caches.  Used by the tests of fused passes.
#ifndef TESTS_FUSED_FUSED_CASE_H_
#define TESTS_FUSED_FUSED_CASE_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fused/fused_part.h"

namespace rotary_test {

class FusedCase {
 public:
  explicit FusedCase(uint64_t seed);

  // From the same memory each time; by kept rows or by the embedding.
  void Run(const char* target, int32_t num_threads, bool kept_rows);
  // From what is there.  Only the library's calls take much stack here.
  rotary_status RunUnchecked(const char* target, int32_t num_threads,
                             bool kept_rows);
  // The same in slices, from the last to the first.
  void RunPrepared(int64_t num_slices);
  std::string Check() const;
  std::vector<uint8_t> Result() const;
  std::string Describe() const;

 private:
  rotary_fused_args Args(rotary_apply_args* apply, bool kept_rows) const;

  FusedRows shared_;
  std::vector<std::unique_ptr<FusedPart>> parts_;
  std::vector<rotary_tensor> tensors_;
  std::vector<rotary_fusion> fusions_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_FUSED_CASE_H_
