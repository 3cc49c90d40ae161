// The strict check of a golden case's fields.  Used by golden_case.cc.
#ifndef TESTS_GOLDEN_GOLDEN_FIELDS_H_
#define TESTS_GOLDEN_GOLDEN_FIELDS_H_

#include <nlohmann/json.hpp>

namespace rotary_test {

// Throws std::runtime_error if case.json has a field that the format does not
// name, or one of another type than it should have.
void CheckGoldenFields(const nlohmann::json& all);

}  // namespace rotary_test

#endif  // TESTS_GOLDEN_GOLDEN_FIELDS_H_
