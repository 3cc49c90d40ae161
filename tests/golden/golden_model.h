// A golden case's parameters as an embedding and positions of the library.
// Used by golden_rope.cc and golden_compatible.cc.
#ifndef TESTS_GOLDEN_GOLDEN_MODEL_H_
#define TESTS_GOLDEN_GOLDEN_MODEL_H_

#include <rotary/rotary.h>

#include <memory>
#include <vector>

#include "tests/golden/golden_case.h"

namespace rotary_test {

class GoldenModel {
 public:
  // Positions alone.
  explicit GoldenModel(const GoldenCase& golden);
  // A compatible one has the third party's inv_freq.f32 and gain.
  GoldenModel(const GoldenCase& golden, rotary_arithmetic arithmetic,
              rotary_xpos xpos = ROTARY_XPOS_NONE);

  // Parts of a head that are rotated one by one, by the same embedding: how
  // many, and how wide.
  int64_t blocks() const { return blocks_; }
  int64_t block_dim() const { return rotary_dim_ / blocks_; }

  int64_t tokens() const { return tokens_; }
  const rotary_embedding* embedding() const { return embedding_.get(); }
  rotary_positions Positions(int64_t block) const;
  double log_n_length() const { return log_n_length_; }

  // Of M-RoPE's sections, for a case that has them.
  static rotary_axes_layout MropeLayout(const nlohmann::json& params);

 private:
  void ReadPositions(const GoldenCase& golden);
  void ReadAxes(const nlohmann::json& params, rotary_axes* axes) const;
  void MultiplyAngles(const nlohmann::json& params);
  std::vector<float> InvFreq(const GoldenCase& golden) const;

  int64_t tokens_ = 0;
  int64_t axes_ = 0;
  int64_t rotary_dim_ = 0;
  int64_t blocks_ = 1;
  double log_n_length_ = 0;
  bool real_ = false;
  std::vector<int64_t> ids_;     // [axes][tokens]
  std::vector<double> numbers_;  // the same, if they are no whole numbers
  std::unique_ptr<rotary_embedding, decltype(&rotary_embedding_destroy)>
      embedding_ = {nullptr, rotary_embedding_destroy};
};

}  // namespace rotary_test

#endif  // TESTS_GOLDEN_GOLDEN_MODEL_H_
