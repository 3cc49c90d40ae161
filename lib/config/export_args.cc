#include "lib/config/export_args.h"

#include "lib/config/cos_sin_arg.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/config/rows_args.h"

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

}  // namespace rotary
