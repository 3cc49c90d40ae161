// A golden case: what a third-party implementation computed, as case.json and
// raw little-endian arrays.  Used by golden_test.cc and golden_rope.cc.
#ifndef TESTS_GOLDEN_GOLDEN_CASE_H_
#define TESTS_GOLDEN_GOLDEN_CASE_H_

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace rotary_test {

// Reads JSON; throws std::runtime_error on a syntax error or a repeated key.
nlohmann::json ReadJson(const std::filesystem::path& path);

class GoldenCase {
 public:
  // Reads `folder`/case.json.  Throws std::runtime_error if it has a field that
  // this reader does not know, or one of another type than it should have: a
  // parameter that is overlooked would make the comparison meaningless.
  explicit GoldenCase(const std::filesystem::path& folder);

  const nlohmann::json& all() const { return json_; }
  const nlohmann::json& params() const { return json_.at("params"); }
  std::string kind() const { return json_.at("kind").get<std::string>(); }

  // An array of `files`; throws if its type, shape or size is another.
  std::vector<float> ReadF32(const std::string& name,
                             const std::vector<int64_t>& shape) const;
  std::vector<double> ReadF64(const std::string& name,
                              const std::vector<int64_t>& shape) const;
  // Of "bfloat16" or "float16", as bits.
  std::vector<uint16_t> ReadBits(const std::string& name,
                                 const std::string& dtype,
                                 const std::vector<int64_t>& shape) const;

 private:
  template <typename T>
  std::vector<T> Read(const std::string& name, const std::string& dtype,
                      const std::vector<int64_t>& shape) const;

  std::filesystem::path folder_;
  nlohmann::json json_;
};

}  // namespace rotary_test

#endif  // TESTS_GOLDEN_GOLDEN_CASE_H_
