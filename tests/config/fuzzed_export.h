// Exports of rows in random layouts, with extreme or small values for
// arguments, and what must come of them.  Used by the fuzz tests.
#ifndef TESTS_CONFIG_FUZZED_EXPORT_H_
#define TESTS_CONFIG_FUZZED_EXPORT_H_

#include <rotary/rotary.h>

#include <cstdint>

#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {

// The arguments of rotary_rows_export.
struct Export {
  static constexpr int64_t kCount = 7;  // rows that there are
  static constexpr int64_t kPairs = 3;

  int64_t first_row, count;
  rotary_dtype dtype;
  rotary_width width;
  char* cos;
  char* sin;
  int64_t row_stride, element_stride;

  rotary_status Run(const rotary_rows* rows, rotary_error* error) const {
    return rotary_rows_export(rows, first_row, count, dtype, width, cos, sin,
                              row_stride, element_stride, error);
  }
};

// One that is valid, of a random layout around `at`.
Export RandomExport(char* at, Random* random);

// Sets an argument; pointers to somewhere around `at`, or in the rows.
void Corrupt(char* at, const rotary_rows* rows, Random* random, Export* to);

// Writes every element of an export that succeeds into a copy of its memory,
// [bytes].  False if one is outside of it, or two coincide.
bool WriteExport(const Export& to, const RowValues& values, const char* memory,
                 int64_t bytes, char* copy);

}  // namespace rotary_test

#endif  // TESTS_CONFIG_FUZZED_EXPORT_H_
