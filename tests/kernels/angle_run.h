// One job of the kernel AngleRows, run on every target, and its truth.  Used by
// angle_rows_test.
#ifndef TESTS_KERNELS_ANGLE_RUN_H_
#define TESTS_KERNELS_ANGLE_RUN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "lib/kernels/kernels.h"
#include "tests/kernels/deviation.h"

namespace rotary_test {

class AngleRun {
 public:
  // Of so many groups of rotary::kPairPadding pairs.  All inv_freq and
  // positions are 0.
  AngleRun(int64_t axes, int64_t count, int64_t groups);

  int64_t axes() const { return axes_; }
  int64_t count() const { return count_; }
  int64_t pairs() const { return pairs_; }

  double& InvFreq(int64_t axis, int64_t pair) {
    return inv_freq_[static_cast<size_t>(axis * axis_stride() + pair)];
  }
  double& Position(int64_t axis, int64_t row) {
    return positions_[static_cast<size_t>(axis * position_stride() + row)];
  }
  bool HasPosition(int64_t row);

  // x of each pair, or empty.
  std::vector<double> powers;
  double power_scale = 0;
  double power_origin = 0;
  double cos_factor = 1;
  double sin_factor = 1;

  // Makes the rows on every target, as sums and, if no pair has two axes, also
  // by each pair's own: the bits must agree, rows without a position and what
  // lies between rows must be left alone.
  void Run();

  float Cos(int64_t row, int64_t pair) const { return cos_[At(row, pair)]; }
  float Sin(int64_t row, int64_t pair) const { return sin_[At(row, pair)]; }

  // Compares what Run made with the truth.  The bound, where f is the factor
  // and the power of two: 0.5 ulp of f32 + f * 2^-50 + the truth * 2^-43.
  void AddTo(Deviation* deviation);

 private:
  // Unequal to what a dense array has.
  int64_t axis_stride() const { return pairs_ + 5; }
  int64_t position_stride() const { return count_ + 2; }
  int64_t row_stride() const { return pairs_ + 3; }
  size_t At(int64_t row, int64_t pair) const {
    return static_cast<size_t>(row * row_stride() + pair);
  }
  bool IsSummed();
  void RunOnTargets(bool summed);
  void SetAngle(int64_t row, int64_t pair, Mp* angle);
  void CheckUntouched(const std::vector<float>& values);

  int64_t axes_;
  int64_t count_;
  int64_t pairs_;
  std::vector<double> inv_freq_;
  std::vector<double> positions_;
  std::vector<float> cos_;
  std::vector<float> sin_;
};

}  // namespace rotary_test

#endif  // TESTS_KERNELS_ANGLE_RUN_H_
