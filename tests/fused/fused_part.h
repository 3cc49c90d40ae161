// One tensor of a random fused pass: its input, its fusion, what it writes, and
// whether that is right.  Used by fused_case.cc.
#ifndef TESTS_FUSED_FUSED_PART_H_
#define TESTS_FUSED_FUSED_PART_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fused/stored.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"

namespace rotary_test {

// What the tensors of a case share.
struct FusedRows {
  int64_t batch;
  int64_t tokens;
  int64_t rotary_dim;
  std::vector<int64_t> ids;    // [batch][tokens]
  std::vector<int64_t> slots;  // [batch][tokens], -1: none
  int64_t num_slots;
  Embedding embedding;
  rotary_positions positions;
  Rows rows;
  RowValues values;
  std::vector<uint64_t> slots_memory;
  rotary_slots* map;
};

// Memory that a pass writes: bytes between guard pages.
struct Written {
  std::unique_ptr<GuardedBuffer> buffer;
  std::vector<uint8_t> before;
  std::vector<bool> may_change;
};

// One tensor of a case.
class FusedPart {
 public:
  FusedPart(const FusedRows& shared, Random* random);

  const rotary_tensor& tensor() const { return tensor_; }
  const rotary_fusion& fusion() const { return fusion_; }

  // Everything as it was before the first run.
  void Reset();
  // Empty, or what is wrong with the result of a run.
  std::string Check() const;
  // All bytes that were written.
  std::vector<uint8_t> Result() const;
  std::string Describe() const;

 private:
  void MakeInput(Random* random);
  void MakeNorm(Random* random);
  void MakeScales(Random* random);
  void MakeOutput(Random* random);
  void MakeCache(Random* random);
  void MakeCacheScales(Random* random);
  Written Write(size_t bytes, Random* random) const;

  int64_t Token(int64_t t) const { return t + fusion_.first_token; }
  bool IsLeftOut(int64_t b, int64_t t) const;
  StoredHead ReadHead(int64_t b, int64_t t, int64_t h) const;
  std::string CheckToken(int64_t b, int64_t t) const;
  std::string CheckUntouched(const Written& written) const;
  int64_t CacheAt(int64_t slot, int64_t h, int64_t e) const;
  int64_t ScaleAt(int64_t slot, int64_t h, int64_t e) const;
  void MarkCache();

  const FusedRows& shared_;
  Shape shape_;
  rotary_tensor tensor_;
  rotary_fusion fusion_;
  rotary_norm norm_;
  rotary_cache cache_;
  std::vector<uint32_t> weight_;  // memory of any dtype
  std::vector<uint32_t> bias_;
  std::vector<double> weight_values_;
  std::vector<double> bias_values_;
  std::vector<float> token_scales_;
  std::unique_ptr<StridedTensor> input_;
  std::unique_ptr<Snapshot> before_;
  std::unique_ptr<StridedTensor> output_;
  Written data_;
  Written scales_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_FUSED_PART_H_
