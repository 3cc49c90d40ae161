// One tensor of a random backward pass: gradients, what the forward pass took,
// its fusion, and whether what a run wrote is right.  Used by backward_case.cc.
#ifndef TESTS_FUSED_BACKWARD_PART_H_
#define TESTS_FUSED_BACKWARD_PART_H_

#include <rotary/rotary.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "tests/fused/backward_reference.h"
#include "tests/fused/drawn_fusion.h"
#include "tests/fused/stored.h"
#include "tests/support/random.h"
#include "tests/support/strided.h"

namespace rotary_test {

class BackwardPart {
 public:
  BackwardPart(const FusedRows& shared, Random* random);

  const rotary_tensor& tensor() const { return tensor_; }
  const rotary_fusion& fusion() const { return drawn_.fusion(); }
  const rotary_fusion_gradient& gradient() const { return gradient_; }

  // How many weights and biases have gradients.
  int64_t Sums() const;

  // Everything as it was before the first run.
  void Reset();
  // Empty, or what is wrong with the result of a run; `transposed` as the
  // forward pass was.
  std::string Check(bool transposed) const;
  // All bytes that were written.
  std::vector<uint8_t> Result() const;
  std::string Describe() const;

 private:
  void DrawTensors(Random* random);
  void DrawGradient(Random* random);
  View Output() const;
  std::vector<double> Values(const View& view, int64_t b, int64_t t) const;
  std::string CheckInputGradient(int64_t b, int64_t t,
                                 const TokenGradients& expected) const;
  std::string CheckUntouched() const;

  const FusedRows& shared_;
  DrawnFusion drawn_;
  const Shape& shape_;
  rotary_tensor tensor_;
  rotary_fusion_gradient gradient_;
  rotary_pairing from_;  // of the forward pass
  rotary_pairing to_;
  std::unique_ptr<StridedTensor> gradients_;
  std::unique_ptr<Snapshot> before_;
  std::unique_ptr<StridedTensor> output_;
  std::unique_ptr<StridedTensor> input_;  // of the forward pass
  std::unique_ptr<Snapshot> input_before_;
  std::unique_ptr<StridedTensor> weight_;
  std::unique_ptr<StridedTensor> bias_;
};

}  // namespace rotary_test

#endif  // TESTS_FUSED_BACKWARD_PART_H_
