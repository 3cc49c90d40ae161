// A random backward pass: gradients of tensors with fusions of every kind. Used
// by the tests of backward passes.
#ifndef TESTS_FUSED_BACKWARD_CASE_H_
#define TESTS_FUSED_BACKWARD_CASE_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fused/backward_part.h"

namespace rotary_test {

// Where the rotation comes from.
enum class RowSource { kKept, kEmbedding, kCosSin };

class BackwardCase {
 public:
  explicit BackwardCase(uint64_t seed);

  // From the same memory each time.
  void Run(const char* target, int32_t num_threads, RowSource source);
  // From what is there.  Only the library's calls take much stack here.
  rotary_status RunUnchecked(const char* target, int32_t num_threads,
                             RowSource source);
  // Whether some token has no position: then cos_sin gives another result.
  bool HasUnrotated() const;
  std::string Check() const;
  std::vector<uint8_t> Result() const;
  std::string Describe() const;

 private:
  FusedRows shared_;
  int32_t transpose_;
  std::vector<std::unique_ptr<BackwardPart>> parts_;
  std::vector<rotary_tensor> tensors_;
  std::vector<rotary_fusion> fusions_;
  std::vector<rotary_fusion_gradient> gradients_;
  std::unique_ptr<GuardedBuffer> scratch_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_BACKWARD_CASE_H_
