// What an embedding's rows are made of, as numbers that are equal if the rows
// are.  Called by api.

#ifndef ROTARY_LIB_ROWS_FINGERPRINT_H_
#define ROTARY_LIB_ROWS_FINGERPRINT_H_

#include <stdint.h>

#include "lib/rows/embedding.h"

namespace rotary {

// A hash of all the numbers.  It must never change: callers keep it.
uint64_t Fingerprint(const rotary_embedding& embedding);

// Whether all the numbers are equal.
bool HaveSameRotation(const rotary_embedding& a, const rotary_embedding& b);

}  // namespace rotary

#endif  // ROTARY_LIB_ROWS_FINGERPRINT_H_
