// The scaling of a golden case as the library takes it.  Used by
// golden_rope.cc.
#ifndef TESTS_GOLDEN_GOLDEN_SCALING_H_
#define TESTS_GOLDEN_GOLDEN_SCALING_H_

#include <rotary/rotary.h>

#include <nlohmann/json.hpp>
#include <vector>

namespace rotary_test {

// Not copied: it points into itself.
class GoldenScaling {
 public:
  // Throws std::runtime_error on what it does not know.
  explicit GoldenScaling(const nlohmann::json& params);
  GoldenScaling(const GoldenScaling&) = delete;
  GoldenScaling& operator=(const GoldenScaling&) = delete;

  const rotary_scaling* get() const { return &scaling_; }
  // ggml's attn_factor, which multiplies the attention factor.
  double gain() const { return gain_; }

 private:
  void Read(const std::string& name, const nlohmann::json& value);

  rotary_scaling scaling_;
  double gain_ = 1;
  std::vector<double> factors_;
  std::vector<double> short_factors_;
  std::vector<double> long_factors_;
};

}  // namespace rotary_test

#endif  // TESTS_GOLDEN_GOLDEN_SCALING_H_
