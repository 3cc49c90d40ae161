// Rows: made, set, read.

#include <stdlib.h>
#include <string.h>

#include "include/rotary/rotary.h"
#include "lib/apply/apply.h"
#include "lib/config/defaults.h"
#include "lib/config/error.h"
#include "lib/config/export_args.h"
#include "lib/config/rows_args.h"

void rotary_positions_init(rotary_positions* positions, size_t struct_size) {
  rotary::SetDefaults(positions, struct_size);
}

void rotary_rows_args_init(rotary_rows_args* args, size_t struct_size) {
  rotary::SetDefaults(args, struct_size);
}

rotary_status rotary_rows_bytes_needed(const rotary_embedding* embedding,
                                       int64_t count, size_t* bytes,
                                       rotary_error* error) {
  size_t needed;
  if (const rotary_status status =
          rotary::ReadRowsShape(embedding, count, &needed, error)) {
    return status;
  }
  if (bytes == nullptr) return rotary::FailNull(error, "bytes");
  *bytes = needed;
  return ROTARY_OK;
}

rotary_status rotary_rows_init(void* memory, size_t bytes,
                               const rotary_embedding* embedding, int64_t count,
                               rotary_rows** rows, rotary_error* error) {
  size_t needed;
  if (const rotary_status status =
          rotary::ReadRowsShape(embedding, count, &needed, error)) {
    return status;
  }
  if (const rotary_status status =
          rotary::CheckMemory(memory, bytes, needed, error)) {
    return status;
  }
  if (rows == nullptr) return rotary::FailNull(error, "rows");
  *rows = rotary::InitRows(memory, embedding->pairs, count);
  return ROTARY_OK;
}

rotary_status rotary_rows_create(const rotary_embedding* embedding,
                                 int64_t count, rotary_rows** rows,
                                 rotary_error* error) {
  size_t needed;
  if (const rotary_status status =
          rotary::ReadRowsShape(embedding, count, &needed, error)) {
    return status;
  }
  if (rows == nullptr) return rotary::FailNull(error, "rows");
  // needed is a multiple of this alignment.
  void* memory = aligned_alloc(64, needed);
  if (memory == nullptr) return rotary::FailMemory(error, needed);
  *rows = rotary::InitRows(memory, embedding->pairs, count);
  return ROTARY_OK;
}

void rotary_rows_destroy(rotary_rows* rows) { free(rows); }

rotary_status rotary_rows_set(rotary_rows* rows, const rotary_rows_args* args,
                              rotary_error* error) {
  rotary::RowsCall call;
  int32_t num_threads;
  if (const rotary_status status =
          rotary::ReadRowsArgs(rows, args, &call, &num_threads, error)) {
    return status;
  }
  rotary::Run(call, num_threads);
  return ROTARY_OK;
}

int64_t rotary_rows_count(const rotary_rows* rows) {
  return rows == nullptr ? 0 : rows->count;
}

int64_t rotary_rows_rotary_dim(const rotary_rows* rows) {
  return rows == nullptr ? 0 : 2 * rows->pairs;
}

size_t rotary_rows_bytes(const rotary_rows* rows) {
  return rows == nullptr ? 0 : rows->bytes;
}

rotary_status rotary_rows_read(const rotary_rows* rows, int64_t first_row,
                               int64_t count, float* cos, float* sin,
                               int64_t row_stride, rotary_error* error) {
  return rotary_rows_export(rows, first_row, count, ROTARY_F32,
                            ROTARY_WIDTH_PAIRS, cos, sin, row_stride,
                            ROTARY_DENSE, error);
}

rotary_status rotary_rows_export(const rotary_rows* rows, int64_t first_row,
                                 int64_t count, rotary_dtype dtype,
                                 rotary_width width, void* cos, void* sin,
                                 int64_t row_stride, int64_t element_stride,
                                 rotary_error* error) {
  rotary::CosSinCopy to;
  if (const rotary_status status =
          rotary::ReadRowsExport(rows, first_row, count, dtype, width, cos, sin,
                                 row_stride, element_stride, &to, error)) {
    return status;
  }
  rotary::CopyRows(rows, first_row, count, to);
  return ROTARY_OK;
}
