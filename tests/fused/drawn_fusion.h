// A random fusion: tokens, heads, norm, weights and scales.  Used by the tests
// of fused passes, forward and backward.
#ifndef TESTS_FUSED_DRAWN_FUSION_H_
#define TESTS_FUSED_DRAWN_FUSION_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/fused/fused_reference.h"
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

// All but the slots.
void DrawRows(Random* random, FusedRows* rows);

class DrawnFusion {
 public:
  // The tokens and the heads.
  DrawnFusion(const FusedRows& shared, Random* random);
  DrawnFusion(const DrawnFusion&) = delete;
  DrawnFusion& operator=(const DrawnFusion&) = delete;
  ~DrawnFusion() = default;

  void DrawNorm(Random* random);
  void DrawScales(Random* random);
  // Strides of many kinds for a tensor of the shape.
  Strides DrawStrides(Random* random) const;

  const Shape& shape() const { return shape_; }
  rotary_fusion& fusion() { return fusion_; }
  const rotary_fusion& fusion() const { return fusion_; }
  bool rotates() const { return fusion_.rotates == 1; }

  // The row of token t of the tensor's.
  int64_t Row(int64_t b, int64_t t) const {
    return b * shared_.tokens + t + fusion_.first_token;
  }

  // What is done with that token.
  FusedSteps Steps(int64_t b, int64_t t, int64_t rotary_offset,
                   rotary_pairing from, rotary_pairing to) const;
  std::string Describe() const;

 private:
  const FusedRows& shared_;
  Shape shape_;
  rotary_fusion fusion_;
  rotary_norm norm_;
  std::vector<uint32_t> weight_;  // memory of any dtype
  std::vector<uint32_t> bias_;
  std::vector<double> weight_values_;
  std::vector<double> bias_values_;
  std::vector<float> token_scales_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_DRAWN_FUSION_H_
