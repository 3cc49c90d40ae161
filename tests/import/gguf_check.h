// A GGUF that is imported from a file, from memory and by way of callbacks, and
// compared with what is expected of it.  Used by this folder's tests.

#ifndef TESTS_IMPORT_GGUF_CHECK_H_
#define TESTS_IMPORT_GGUF_CHECK_H_

#include <cstdint>
#include <string>
#include <vector>

#include "tests/import/expected_rotation.h"
#include "tests/import/gguf_writer.h"
#include "tests/import/imported.h"

namespace rotary_test {

// Fails the test if the three ways do not give the same.
Model ImportThreeWays(const GgufWriter& gguf,
                      const rotary_import_options* options = nullptr);

std::string Repeat(const std::string& layers, int count);

// `length` is an option; `trained` is what the file states, or 0.
void CheckGguf(const GgufWriter& gguf, const std::string& layers,
               const std::vector<ExpectedRotation>& expected, double length = 0,
               double trained = 0);

ExpectedRotation Rotation(const std::string& pairing, int64_t head_dim,
                          int64_t rotary_dim, double base);
void SetYarn(double factor, double original, ExpectedRotation* e);

}  // namespace rotary_test

#endif  // TESTS_IMPORT_GGUF_CHECK_H_
