// Runs a check for every target that the library has and this CPU runs.  Used
// by all tests that rotate or make rows.
#ifndef TESTS_SUPPORT_TARGETS_H_
#define TESTS_SUPPORT_TARGETS_H_

#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <string>
#include <vector>

namespace rotary_test {

// Best first, never empty. The last is `scalar` unless the compiler's baseline
// is higher, as on AArch64.
inline std::vector<const char*> Targets() {
  std::vector<const char*> names;
  for (int32_t i = 0; i < rotary_target_count(); ++i) {
    names.push_back(rotary_target_name(i));
    REQUIRE(names.back() != nullptr);
  }
  REQUIRE_FALSE(names.empty());
  return names;
}

// Calls check(target) for each target; what fails inside tells the target.
template <typename Check>
void ForEachTarget(const Check& check) {
  for (const char* name : Targets()) {
    const std::string target = name;
    CAPTURE(target);
    check(name);
  }
}

}  // namespace rotary_test

#endif  // TESTS_SUPPORT_TARGETS_H_
