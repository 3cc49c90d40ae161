// Rows that are kept: made for tokens, by one embedding or several.  Used by
// apply/apply.cc.

#ifndef ROTARY_LIB_APPLY_SET_ROWS_H_
#define ROTARY_LIB_APPLY_SET_ROWS_H_

#include "lib/apply/call.h"
#include "lib/apply/partition.h"

namespace rotary {

// Of tokens that are counted through all sequences.
void SetRows(const RowsCall& call, const Range& tokens);

// Where the number of the embedding of token t of sequence b is, of a call with
// several; nullptr in padding.
const int32_t* IndexAt(const RowsCall& call, int64_t b, int64_t t);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_SET_ROWS_H_
