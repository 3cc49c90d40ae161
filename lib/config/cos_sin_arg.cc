#include "lib/config/cos_sin_arg.h"

#include <stdio.h>

#include <algorithm>
#include <cstdlib>

#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// The memory of an array whose elements are [low, high].
rotary_status ReadSpan(const char* name, const void* data, Dtype dtype,
                       int64_t low, int64_t high, Span* span,
                       rotary_error* error) {
  if (const rotary_status status = CheckCosSinData(name, data, dtype, error)) {
    return status;
  }
  const uintptr_t at = reinterpret_cast<uintptr_t>(data);
  const int64_t size = ElementSize(dtype);
  span->low = at + static_cast<uintptr_t>(low * size);
  span->end = at + static_cast<uintptr_t>((high + 1) * size);
  if (span->low > at || span->end <= at) {
    return FailArgument(error, name, static_cast<int64_t>(at),
                        "with the strides this leaves memory");
  }
  return ROTARY_OK;
}

// The memory of all rows that may be used.
rotary_status ReadSpans(const rotary_cos_sin& from, const CosSin& cos_sin,
                        const CosSinFormat& format, const Shape& shape,
                        int64_t heads, Sources* sources, rotary_error* error) {
  const int64_t sequences = cos_sin.by_position ? 1 : shape.batch;
  const int64_t rows = cos_sin.by_position ? from.rows : shape.tokens;
  // None are read.
  if (heads == 0 || Empty(shape) || rows == 0) return ROTARY_OK;
  const struct {
    const char* name;
    int64_t size;
    int64_t stride;
  } dims[] = {
      {"cos_sin.element_stride", format.elements, format.element_stride},
      {"cos_sin.head_stride", heads, cos_sin.head_stride},
      {"cos_sin.row_stride", rows, cos_sin.row_stride},
      {"cos_sin.batch_stride", sequences, cos_sin.batch_stride}};
  int64_t low = 0;
  int64_t high = 0;
  for (const auto& dim : dims) {
    if (!Reach(dim.size, dim.stride, &low, &high) || low < -kMaxSpan / 4 ||
        high > kMaxSpan / 4) {
      return FailArgument(error, dim.name, dim.stride,
                          "reaches further than memory can");
    }
  }
  if (const rotary_status status =
          ReadSpan("cos_sin.cos", from.cos, format.dtype, low, high,
                   sources->Add(), error)) {
    return status;
  }
  return ReadSpan("cos_sin.sin", from.sin, format.dtype, low, high,
                  sources->Add(), error);
}

}  // namespace

rotary_status ReadCosSinFormat(rotary_dtype dtype, rotary_width width,
                               int64_t pairs, int64_t element_stride,
                               const CosSinNames& names, CosSinFormat* format,
                               rotary_error* error) {
  if (!ReadDtype(dtype, &format->dtype)) {
    return FailArgument(error, names.dtype, dtype,
                        "must be ROTARY_F32, F16 or BF16");
  }
  if (element_stride == ROTARY_DENSE) element_stride = 1;
  format->elements = width == ROTARY_WIDTH_PAIRS ? pairs : 2 * pairs;
  // One that does not fit is refused where it is used.
  if (__builtin_mul_overflow(format->elements, std::abs(element_stride),
                             &format->dense_row)) {
    format->dense_row = INT64_MAX;
  }
  if (format->elements == 1) element_stride = 1;
  // Times 65536 it still is a number.
  if (element_stride > kMaxSpan >> 16 || element_stride < -(kMaxSpan >> 16)) {
    return FailArgument(error, names.element_stride, element_stride,
                        "reaches further than memory can");
  }
  format->element_stride = element_stride;
  format->pair_stride = element_stride;
  switch (width) {
    case ROTARY_WIDTH_PAIRS:
      format->twin = 0;
      return ROTARY_OK;
    case ROTARY_WIDTH_HALVES:
      format->twin = pairs * element_stride;
      return ROTARY_OK;
    case ROTARY_WIDTH_NEIGHBORS:
      format->pair_stride = 2 * element_stride;
      format->twin = element_stride;
      return ROTARY_OK;
    default:
      return FailArgument(error, names.width, width,
                          "must be ROTARY_WIDTH_PAIRS, _HALVES or _NEIGHBORS");
  }
}

rotary_status CheckCosSinData(const char* name, const void* data, Dtype dtype,
                              rotary_error* error) {
  if (data == nullptr) return FailNull(error, name);
  const intptr_t at = reinterpret_cast<intptr_t>(data);
  if (at % ElementSize(dtype) == 0) return ROTARY_OK;
  return FailArgument(error, name, at, "must be aligned to its element");
}

rotary_status ReadCosSin(const rotary_apply_args& args, ApplyCall* call,
                         Sources* sources, rotary_error* error) {
  int64_t heads;
  if (const rotary_status status = ReadMostHeads(args, &heads, error)) {
    return status;
  }
  rotary_cos_sin copy;
  const rotary_cos_sin* from;
  if (const rotary_status status =
          ReadStruct(args.cos_sin, "cos_sin", "cos_sin.struct_size", &copy,
                     &from, error)) {
    return status;
  }
  if (const rotary_status status =
          CheckRotaryDim(from->rotary_dim, "cos_sin.rotary_dim", error)) {
    return status;
  }
  CosSin& cos_sin = call->cos_sin;
  cos_sin.by_position = args.positions != nullptr;
  if (cos_sin.by_position && from->rows < 0) {
    return FailArgument(error, "cos_sin.rows", from->rows,
                        "must not be negative");
  }
  call->rows = nullptr;
  call->embedding = nullptr;
  call->pairs = from->rotary_dim / 2;
  CosSinFormat format = {};
  const CosSinNames names = {"cos_sin.dtype", "cos_sin.width",
                             "cos_sin.element_stride"};
  if (const rotary_status status =
          ReadCosSinFormat(from->dtype, from->width, call->pairs,
                           from->element_stride, names, &format, error)) {
    return status;
  }
  cos_sin.cos = from->cos;
  cos_sin.sin = from->sin;
  cos_sin.dtype = format.dtype;
  cos_sin.pair_stride = format.pair_stride;
  cos_sin.twin = format.twin;
  cos_sin.head_stride = from->head_stride;
  cos_sin.row_stride =
      from->row_stride == ROTARY_DENSE ? format.dense_row : from->row_stride;
  cos_sin.batch_stride = from->batch_stride;
  if (from->batch_stride == ROTARY_DENSE) {
    // Wrapping: where it does not fit, row_stride is refused or never used.
    cos_sin.batch_stride =
        static_cast<int64_t>(static_cast<uint64_t>(args.tokens) *
                             static_cast<uint64_t>(cos_sin.row_stride));
  }
  call->by_head = cos_sin.head_stride != 0 && heads > 1;
  call->positions.cu_seqlens = nullptr;
  if (cos_sin.by_position) {
    const PositionRange range = {
        0, std::min(from->rows, int64_t{INT32_MAX} + 1) - 1, 0.0, 0.0};
    const PositionRule rule = {1, &range, false, " (cos_sin.rows - 1)"};
    if (const rotary_status status =
            ReadPositionsArg(args.positions, args.batch, args.tokens, rule,
                             &call->positions, sources, error)) {
      return status;
    }
  }
  return ReadSpans(*from, cos_sin, format, {args.batch, args.tokens}, heads,
                   sources, error);
}

rotary_status CheckCosSinValues(const rotary_apply_args& args,
                                const ApplyCall& call, rotary_error* error) {
  if (call.cos_sin.twin == 0) return ROTARY_OK;
  int64_t heads;
  if (const rotary_status status = ReadMostHeads(args, &heads, error)) {
    return status;
  }
  BadTwin bad;
  if (heads == 0 || Empty({args.batch, args.tokens}) ||
      !FindBadTwin(call.cos_sin, call.positions, call.target, args.batch,
                   args.tokens, heads, call.pairs, &bad)) {
    return ROTARY_OK;
  }
  Failure failure = {ROTARY_ERROR_ARGUMENT,
                     bad.is_sin ? "cos_sin.sin" : "cos_sin.cos"};
  failure.type = Failure::kNone;
  failure.value = bad.pair;
  failure.token = bad.batch * args.tokens + bad.token;
  char reason[80];
  snprintf(reason, sizeof(reason),
           "has two different values for pair %lld of token %lld",
           static_cast<long long>(bad.pair),
           static_cast<long long>(failure.token));
  return Fail(error, failure, reason);
}

}  // namespace rotary
