// Rows of positions of several axes, of any dtype, on every target, and their
// truth by MPFR.  Used by the tests of axes and of rows against MPFR.
#ifndef TESTS_ROWS_AXIS_ROWS_H_
#define TESTS_ROWS_AXIS_ROWS_H_

#include <rotary/rotary.h>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

#include "tests/rows/true_row.h"
#include "tests/support/guarded_buffer.h"
#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {

// Stands for the sentinel of every dtype.
constexpr double kNone = std::numeric_limits<double>::quiet_NaN();

inline const std::vector<rotary_dtype>& PositionDtypes() {
  static const std::vector<rotary_dtype> all = {
      ROTARY_I32, ROTARY_U32, ROTARY_I64, ROTARY_U64, ROTARY_F32, ROTARY_F64};
  return all;
}

inline bool IsReal(rotary_dtype dtype) {
  return dtype == ROTARY_F32 || dtype == ROTARY_F64;
}

inline bool IsUnsigned(rotary_dtype dtype) {
  return dtype == ROTARY_U32 || dtype == ROTARY_U64;
}

// What a position becomes in a dtype: whole, not negative, an f32.
double Representable(rotary_dtype dtype, double position);

// Of random sign and significand, in magnitude below 2^bits, as likely small as
// large.
double RandomReal(Random* random, int bits);

// The elements of a caller's array of positions, kNone among them, that ends
// (or begins) at a guard page.
class PositionData {
 public:
  PositionData(rotary_dtype dtype, const std::vector<double>& elements,
               Flush flush = Flush::kEnd);

  rotary_dtype dtype() const { return dtype_; }
  const void* At(int64_t element) const;

 private:
  rotary_dtype dtype_;
  GuardedBuffer buffer_;
};

// The default positions, of that data.
rotary_positions PositionsOf(const PositionData& data);
rotary_positions PositionsOf(PositionData&& data) = delete;

// Rows [batch][tokens][heads], on every target: their bits must agree.
RowValues RowsOnAllTargets(const rotary_embedding* embedding,
                           const rotary_positions& positions, int64_t batch,
                           int64_t tokens, rotary_mode mode = ROTARY_FORWARD);

// Adds how far rows [count][heads] of positions [axes][count] are from the
// truth of the embedding's matrix and gain; those with kNone on some axis must
// be cos 1, sin 0.
void AddErrors(const rotary_embedding* embedding,
               const std::vector<double>& positions, const RowValues& values,
               ErrorCount* errors, rotary_mode mode = ROTARY_FORWARD);

// Sets what cos and sin of a pair are multiplied by at a position, that on the
// first axis.
using ScaleOf = std::function<void(double position, int64_t pair, Mp* scale)>;

// The same of rows that are multiplied by something else than the gain:
// `scale_of` knows the mode, too.
void AddErrors(const rotary_embedding* embedding,
               const std::vector<double>& positions, const RowValues& values,
               ErrorCount* errors, rotary_mode mode, const ScaleOf& scale_of);

}  // namespace rotary_test

#endif  // TESTS_ROWS_AXIS_ROWS_H_
