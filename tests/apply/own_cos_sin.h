// A caller's own cos and sin in guarded memory of any layout.  Used by the
// tests of cos_sin.
#ifndef TESTS_APPLY_OWN_COS_SIN_H_
#define TESTS_APPLY_OWN_COS_SIN_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>

#include "tests/apply/call_check.h"
#include "tests/apply/own_positions.h"
#include "tests/support/guarded_buffer.h"

namespace rotary_test {

// Sizes and strides as in rotary_cos_sin, but never ROTARY_DENSE.
struct CosSinLayout {
  rotary_dtype dtype;
  rotary_width width;
  int64_t rotary_dim;
  int64_t batch;  // 1 with positions
  int64_t rows;   // tokens of a sequence, or what positions choose from
  int64_t heads = 1;
  int64_t element_stride = 1;
  int64_t row_stride = 0;
  int64_t batch_stride = 0;
  int64_t head_stride = 0;
  int64_t sin_at = 0;  // elements from cos to sin; 0: in memory of its own

  int64_t elements() const {
    return width == ROTARY_WIDTH_PAIRS ? rotary_dim / 2 : rotary_dim;
  }
};
std::string Describe(const CosSinLayout& layout);

// Dense: [batch][rows][heads, if there are several][elements].
CosSinLayout DenseLayout(rotary_dtype dtype, rotary_width width,
                         int64_t rotary_dim, int64_t batch, int64_t rows,
                         int64_t heads = 1);

// cos and sin, which end and begin exactly where their memory does.  Gaps are
// NaN.  The values are random numbers of the dtype, no cosines.
class OwnCosSin {
 public:
  OwnCosSin(const CosSinLayout& layout, uint64_t seed);

  // ROTARY_DENSE stands for the strides that are so.
  rotary_cos_sin Struct() const;

  // Element e of a row, which may be one that is not read.
  uint32_t Get(bool is_sin, int64_t b, int64_t row, int64_t head,
               int64_t e) const;
  void Set(bool is_sin, int64_t b, int64_t row, int64_t head, int64_t e,
           uint32_t bits);
  // Sets all places of a pair.
  void SetPair(bool is_sin, int64_t b, int64_t row, int64_t head, int64_t pair,
               uint32_t bits);
  // Where the values of a pair are: elements of the row, equal if it has one.
  int64_t FirstPlace(int64_t pair) const;
  int64_t SecondPlace(int64_t pair) const;

  // What the heads of [batch][tokens] are rotated by; positions may be null.
  HeadRows Rows(int64_t batch, int64_t tokens,
                const OwnPositions* positions = nullptr) const;

  const CosSinLayout& layout() const { return layout_; }

 private:
  void* Data(bool is_sin) const { return is_sin ? sin_ : cos_; }
  int64_t Place(int64_t b, int64_t row, int64_t head, int64_t e) const;

  CosSinLayout layout_;
  std::unique_ptr<GuardedBuffer> buffers_[2];
  void* cos_;
  void* sin_;
};

}  // namespace rotary_test

#endif  // TESTS_APPLY_OWN_COS_SIN_H_
