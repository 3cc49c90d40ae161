// The trig table: cos and sin of digit * 256^k * inv_freq in f64, from which
// kernels make rows.  Filled once, by the embedding that owns it.

#ifndef ROTARY_LIB_ROWS_TABLE_H_
#define ROTARY_LIB_ROWS_TABLE_H_

#include <stdint.h>

#include "lib/kernels/kernels.h"

namespace rotary {

// Digits 0 .. 255 of the first three places, 0 .. 127 of the fourth: every
// position below 2^31.
constexpr int64_t kTableEntries =
    (kDigits - 1) * (int64_t{1} << kDigitBits) +
    (int64_t{1} << (31 - (kDigits - 1) * kDigitBits));

// Doubles in a table for so many pairs; see MakeRowsJob for their order.
constexpr int64_t TableSize(int64_t pairs) {
  return kTableEntries * 2 * PaddedPairs(pairs);
}

// Fills `table`, TableSize(pairs) doubles.
void FillTable(const double* inv_freq, int64_t pairs, double* table);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_TABLE_H_
