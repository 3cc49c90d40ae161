// The arguments of the calls on rows.  Called by api.

#ifndef ROTARY_LIB_CONFIG_ROWS_ARGS_H_
#define ROTARY_LIB_CONFIG_ROWS_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/apply/call.h"

namespace rotary {

// The bytes of `count` rows for an embedding.
rotary_status ReadRowsShape(const rotary_embedding* embedding, int64_t count,
                            size_t* bytes, rotary_error* error);

// Memory for `needed` bytes.
rotary_status CheckMemory(const void* memory, size_t bytes, size_t needed,
                          rotary_error* error);

// Whether these are rows at all.
rotary_status CheckRows(const rotary_rows* rows, rotary_error* error);

// Rows [first_row, first_row + count) of `rows`.
rotary_status CheckRowRange(const rotary_rows* rows, int64_t first_row,
                            int64_t count, const char* count_name,
                            rotary_error* error);

// Checks args in whole, positions included.
rotary_status ReadRowsArgs(rotary_rows* rows, const rotary_rows_args* from,
                           RowsCall* call, int32_t* num_threads,
                           rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_ROWS_ARGS_H_
