// One tensor of a random fused pass: its input, its fusion, what it writes, and
// whether that is right.  Used by fused_case.cc.
#ifndef TESTS_FUSED_FUSED_PART_H_
#define TESTS_FUSED_FUSED_PART_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fused/cache_memory.h"
#include "tests/fused/drawn_fusion.h"
#include "tests/fused/stored.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"

namespace rotary_test {

// One tensor of a case.
class FusedPart {
 public:
  FusedPart(const FusedRows& shared, Random* random);

  const rotary_tensor& tensor() const { return tensor_; }
  const rotary_fusion& fusion() const { return drawn_.fusion(); }

  // Everything as it was before the first run.
  void Reset();
  // Empty, or what is wrong with the result of a run.
  std::string Check() const;
  // All bytes that were written.
  std::vector<uint8_t> Result() const;
  std::string Describe() const;

 private:
  void MakeInput(Random* random);
  void MakeOutput(Random* random);

  int64_t Slot(int64_t b, int64_t t) const {
    return shared_.slots[static_cast<size_t>(drawn_.Row(b, t))];
  }
  bool IsLeftOut(int64_t b, int64_t t) const {
    return cache_ != nullptr && Slot(b, t) < 0;
  }
  StoredHead ReadHead(int64_t b, int64_t t, int64_t h) const;
  std::string CheckToken(int64_t b, int64_t t) const;

  const FusedRows& shared_;
  DrawnFusion drawn_;
  const Shape& shape_;
  rotary_tensor tensor_;
  std::unique_ptr<StridedTensor> input_;
  std::unique_ptr<Snapshot> before_;
  std::unique_ptr<StridedTensor> output_;
  std::unique_ptr<CacheMemory> cache_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_FUSED_PART_H_
