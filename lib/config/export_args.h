// Where rows are copied to.  Called by api.

#ifndef ROTARY_LIB_CONFIG_EXPORT_ARGS_H_
#define ROTARY_LIB_CONFIG_EXPORT_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/rows/rows.h"

namespace rotary {

// Rows [first_row, first_row + count) are to be copied to cos and sin.
rotary_status ReadRowsExport(const rotary_rows* rows, int64_t first_row,
                             int64_t count, rotary_dtype dtype,
                             rotary_width width, void* cos, void* sin,
                             int64_t row_stride, int64_t element_stride,
                             CosSinCopy* to, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_EXPORT_ARGS_H_
