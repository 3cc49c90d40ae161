#include "lib/config/rows_args.h"

#include <stdio.h>

#include "lib/config/common_args.h"
#include "lib/config/cos_sin_arg.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// One of the arrays that so many rows are copied to.
rotary_status ReadExportRegion(const rotary_rows* rows, int64_t count,
                               const char* name, const void* data,
                               const CosSinFormat& format, int64_t row_stride,
                               Region* region, rotary_error* error) {
  if (const rotary_status status =
          CheckCosSinData(name, data, format.dtype, error)) {
    return status;
  }
  // Of rows of elements.
  const Strides strides = {row_stride, format.element_stride, 0};
  const auto fail = [&](int dim, rotary_status status, const char* reason) {
    Failure failure = {status, dim == 1 ? "row_stride" : "element_stride"};
    failure.value = dim == 1 ? row_stride : format.element_stride;
    return Fail(error, failure, reason);
  };
  if (const int dim = MakeRegion(data, {count, format.elements}, 1, 1, strides,
                                 ElementSize(format.dtype), region)) {
    return fail(dim, ROTARY_ERROR_ARGUMENT, "reaches further than memory can");
  }
  if (const int dim = CoincidingDim(*region)) {
    return fail(dim, ROTARY_ERROR_OVERLAP,
                "less than what it steps over: elements coincide");
  }
  if (!Disjoint(*region, MakeRegion(rows, static_cast<int64_t>(rows->bytes)))) {
    Failure failure = {ROTARY_ERROR_OVERLAP, name};
    failure.value = reinterpret_cast<intptr_t>(data);
    return Fail(error, failure, "it overlaps the rows");
  }
  return ROTARY_OK;
}

}  // namespace

rotary_status ReadRowsShape(const rotary_embedding* embedding, int64_t count,
                            size_t* bytes, rotary_error* error) {
  if (embedding == nullptr) return FailNull(error, "embedding");
  if (count < 0) {
    return FailArgument(error, "count", count, "must not be negative");
  }
  if (!RowsBytes(embedding->pairs, count, bytes)) {
    return FailArgument(error, "count", count, "too large");
  }
  return ROTARY_OK;
}

rotary_status CheckMemory(const void* memory, size_t bytes, size_t needed,
                          rotary_error* error) {
  if (memory == nullptr) return FailNull(error, "memory");
  constexpr uintptr_t kAlignment = 8;
  if (reinterpret_cast<uintptr_t>(memory) % kAlignment != 0) {
    return FailArgument(error, "memory", reinterpret_cast<intptr_t>(memory),
                        "must be aligned to 8 bytes");
  }
  if (bytes < needed) {
    char reason[64];
    snprintf(reason, sizeof(reason), "less than the %zu that are needed",
             needed);
    return FailArgument(error, "bytes", static_cast<int64_t>(bytes), reason);
  }
  return ROTARY_OK;
}

rotary_status CheckRows(const rotary_rows* rows, rotary_error* error) {
  if (rows == nullptr) return FailNull(error, "rows");
  if (!AreRows(rows)) {
    return FailArgument(error, "rows", reinterpret_cast<intptr_t>(rows),
                        "these are not rows that were initialized");
  }
  return ROTARY_OK;
}

rotary_status CheckRowRange(const rotary_rows* rows, int64_t first_row,
                            int64_t count, const char* count_name,
                            rotary_error* error) {
  if (count < 0) {
    return FailArgument(error, count_name, count, "must not be negative");
  }
  if (first_row < 0 || first_row > rows->count) {
    return FailArgument(error, "first_row", first_row, "not in the rows");
  }
  if (count > rows->count - first_row) {
    return FailArgument(error, count_name, count,
                        "rows from first_row on are more than there are");
  }
  return ROTARY_OK;
}

rotary_status ReadRowsExport(const rotary_rows* rows, int64_t first_row,
                             int64_t count, rotary_dtype dtype,
                             rotary_width width, void* cos, void* sin,
                             int64_t row_stride, int64_t element_stride,
                             CosSinCopy* to, rotary_error* error) {
  if (const rotary_status status = CheckRows(rows, error)) return status;
  if (const rotary_status status =
          CheckRowRange(rows, first_row, count, "count", error)) {
    return status;
  }
  CosSinFormat format = {};
  const CosSinNames names = {"dtype", "width", "element_stride"};
  if (const rotary_status status = ReadCosSinFormat(
          dtype, width, rows->pairs, element_stride, names, &format, error)) {
    return status;
  }
  if (row_stride == ROTARY_DENSE) row_stride = format.dense_row;
  *to = {cos, sin, format.dtype, row_stride, format.pair_stride, format.twin};
  if (count == 0) return ROTARY_OK;
  Region cos_region;
  Region sin_region;
  if (const rotary_status status = ReadExportRegion(
          rows, count, "cos", cos, format, row_stride, &cos_region, error)) {
    return status;
  }
  if (const rotary_status status = ReadExportRegion(
          rows, count, "sin", sin, format, row_stride, &sin_region, error)) {
    return status;
  }
  if (!Disjoint(cos_region, sin_region)) {
    Failure failure = {ROTARY_ERROR_OVERLAP, "sin"};
    failure.value = reinterpret_cast<intptr_t>(sin);
    return Fail(error, failure, "not provably disjoint from cos");
  }
  return ROTARY_OK;
}

rotary_status ReadRowsArgs(rotary_rows* rows, const rotary_rows_args* from,
                           RowsCall* call, int32_t* num_threads,
                           rotary_error* error) {
  if (const rotary_status status = CheckRows(rows, error)) return status;
  rotary_rows_args copy;
  if (const rotary_status status =
          ReadStruct(from, "args", "args.struct_size", &copy, &from, error)) {
    return status;
  }
  if (const rotary_status status =
          ReadTokens(from->batch, from->tokens, error)) {
    return status;
  }
  if (from->embedding == nullptr) return FailNull(error, "embedding");
  if (from->embedding->pairs != rows->pairs) {
    return FailArgument(error, "embedding", 2 * from->embedding->pairs,
                        "its rotary_dim is not the rows'");
  }
  if (const rotary_status status = CheckRowRange(
          rows, from->first_row, from->batch * from->tokens, "tokens", error)) {
    return status;
  }
  if (const rotary_status status =
          ReadMode(from->mode, from->embedding->gain, &call->factors, error)) {
    return status;
  }
  if (const rotary_status status = ReadThreads(from->num_threads, error)) {
    return status;
  }
  if (const rotary_status status =
          ReadTarget(from->target, &call->target, error)) {
    return status;
  }
  Sources positions;
  if (const rotary_status status = ReadPositionsArg(
          from->positions, from->batch, from->tokens, kAllPositions,
          &call->positions, &positions, error)) {
    return status;
  }
  const Region block = MakeRegion(rows, static_cast<int64_t>(rows->bytes));
  if (positions.count > 1 && !Apart(positions.spans[1], block.span)) {
    Failure failure = {ROTARY_ERROR_OVERLAP, "positions.cu_seqlens"};
    failure.value = reinterpret_cast<intptr_t>(from->positions->cu_seqlens);
    return Fail(error, failure, "these overlap the rows");
  }
  if (!Apart(positions.spans[0], block.span) &&
      !Disjoint(PositionsRegion(call->positions, {from->batch, from->tokens}),
                block)) {
    Failure failure = {ROTARY_ERROR_OVERLAP, "positions.data"};
    failure.value = reinterpret_cast<intptr_t>(from->positions->data);
    return Fail(error, failure, "these overlap the rows");
  }
  call->rows = rows;
  call->first_row = from->first_row;
  call->batch = from->batch;
  call->tokens = from->tokens;
  call->embedding = from->embedding;
  *num_threads = from->num_threads;
  return ROTARY_OK;
}

}  // namespace rotary
