#include "lib/config/common_args.h"

#include <stdio.h>

#include "lib/config/error.h"
#include "lib/config/structs.h"
#include "lib/kernels/target.h"
#include "lib/rows/embedding.h"

namespace rotary {
namespace {

bool ReadPositionType(rotary_dtype dtype, PositionType* type) {
  switch (dtype) {
    case ROTARY_I32:
      *type = PositionType::kI32;
      return true;
    case ROTARY_U32:
      *type = PositionType::kU32;
      return true;
    case ROTARY_I64:
      *type = PositionType::kI64;
      return true;
    case ROTARY_U64:
      *type = PositionType::kU64;
      return true;
    case ROTARY_F32:
      *type = PositionType::kF32;
      return true;
    case ROTARY_F64:
      *type = PositionType::kF64;
      return true;
    default:
      return false;
  }
}

Strides StridesOf(const Positions& positions) {
  return {positions.batch_stride, positions.token_stride,
          positions.axis_stride};
}

// Of their data.
Shape DataShape(const Positions& positions, const Shape& shape) {
  if (positions.cu_seqlens == nullptr) return shape;
  return {positions.num_sequences, 1};
}

rotary_status ReadCuSeqlens(const rotary_positions& from, int64_t batch,
                            int64_t tokens, Positions* positions, Span* span,
                            rotary_error* error) {
  if (batch > 1) {
    return FailArgument(error, "batch", batch,
                        "must be 1 with packed positions");
  }
  if (from.cu_seqlens == nullptr) {
    return FailNull(error, "positions.cu_seqlens");
  }
  if (from.cu_seqlens_dtype != ROTARY_I32 &&
      from.cu_seqlens_dtype != ROTARY_I64) {
    return FailArgument(error, "positions.cu_seqlens_dtype",
                        from.cu_seqlens_dtype, "must be ROTARY_I32 or I64");
  }
  if (from.num_sequences < 0 || from.num_sequences > kMaxSpan / 8) {
    return FailArgument(error, "positions.num_sequences", from.num_sequences,
                        "must not be negative, nor more than memory can hold");
  }
  positions->cu_seqlens = from.cu_seqlens;
  positions->cu_seqlens_i64 = from.cu_seqlens_dtype == ROTARY_I64;
  positions->num_sequences = from.num_sequences;
  const uintptr_t low = reinterpret_cast<uintptr_t>(from.cu_seqlens);
  const uintptr_t size = positions->cu_seqlens_i64 ? 8 : 4;
  const uintptr_t end =
      low + static_cast<uintptr_t>(from.num_sequences + 1) * size;
  if (low % size != 0 || end < low) {
    return FailArgument(error, "positions.cu_seqlens",
                        reinterpret_cast<intptr_t>(from.cu_seqlens),
                        "must be aligned to its element, and in memory");
  }
  *span = {low, end};
  int64_t before = 0;
  for (int64_t s = 0; s <= from.num_sequences; ++s) {
    const int64_t begin = SequenceBegin(*positions, s);
    if (begin < before || begin > tokens) {
      Failure failure = {ROTARY_ERROR_ARGUMENT, "positions.cu_seqlens"};
      failure.value = begin;
      return Fail(error, failure,
                  "must ascend from 0 or more to at most tokens");
    }
    before = begin;
  }
  return ROTARY_OK;
}

// Dimension dim, from 1 on, reaches too far.
[[gnu::cold]] rotary_status FailStride(const Positions& positions, int dim,
                                       rotary_error* error) {
  const char* const names[] = {"positions.batch_stride",
                               "positions.token_stride",
                               "positions.axis_stride"};
  const int64_t strides[] = {positions.batch_stride, positions.token_stride,
                             positions.axis_stride};
  return FailArgument(error, names[dim - 1], strides[dim - 1],
                      "reaches further than memory can");
}

[[gnu::cold]] rotary_status FailPosition(const Positions& positions,
                                         const PositionRule& rule,
                                         const BadPosition& bad, int64_t tokens,
                                         rotary_error* error) {
  const bool data = positions.data != nullptr;
  const bool real = IsReal(positions.type);
  const PositionRange& range = rule.ranges[bad.axis];
  Failure failure = {ROTARY_ERROR_POSITION,
                     data ? "positions.data" : "positions.offset"};
  failure.value = data ? bad.value : positions.offset;
  char value[32];
  if (data && positions.type == PositionType::kU64) {
    snprintf(value, sizeof(value), "%llu",
             static_cast<unsigned long long>(bad.value));
    failure.text = value;
    failure.type = Failure::kText;
  }
  if (real) failure.type = Failure::kReal;
  failure.real_value = bad.real_value;
  failure.token = bad.batch * tokens + bad.token;
  char bounds[80];
  if (real) {
    snprintf(bounds, sizeof(bounds), "%.17g to %.17g", range.real_low,
             range.real_high);
  } else {
    snprintf(bounds, sizeof(bounds), "%lld to %lld",
             static_cast<long long>(range.low),
             static_cast<long long>(range.high));
  }
  char axis[32] = "";
  if (rule.axes > 1) {
    snprintf(axis, sizeof(axis), " on axis %lld",
             static_cast<long long>(bad.axis));
  }
  char reason[200];
  snprintf(reason, sizeof(reason),
           "with the offset (%lld) and, after a start, the token's index, the "
           "position%s must be %s%s",
           static_cast<long long>(positions.offset), axis, bounds, rule.reason);
  return Fail(error, failure, reason);
}

}  // namespace

rotary_status ReadPositionsArg(const rotary_positions* from, int64_t batch,
                               int64_t tokens, const PositionRule& rule,
                               Positions* positions, Sources* sources,
                               rotary_error* error) {
  Span* span = sources->Add();
  *span = {0, 0};
  rotary_positions copy;
  if (const rotary_status status = ReadStruct(
          from, "positions", "positions.struct_size", &copy, &from, error)) {
    return status;
  }
  positions->type = PositionType::kI32;
  if (from->data != nullptr &&
      (!ReadPositionType(from->dtype, &positions->type) ||
       (!rule.real && IsReal(positions->type)))) {
    return FailArgument(error, "positions.dtype", from->dtype,
                        rule.real
                            ? "must be ROTARY_I32, U32, I64, U64, F32 or F64"
                            : "must be ROTARY_I32, U32, I64 or U64");
  }
  if (from->kind != ROTARY_POSITION_IDS &&
      from->kind != ROTARY_POSITION_STARTS &&
      from->kind != ROTARY_POSITION_PACKED) {
    return FailArgument(error, "positions.kind", from->kind,
                        "must be ROTARY_POSITION_IDS, _STARTS or _PACKED");
  }
  if (from->reserved != 0) {
    return FailArgument(error, "positions.reserved", from->reserved,
                        "must be 0");
  }
  const bool starts = from->kind != ROTARY_POSITION_IDS;
  positions->cu_seqlens = nullptr;
  if (from->kind == ROTARY_POSITION_PACKED) {
    if (const rotary_status status = ReadCuSeqlens(
            *from, batch, tokens, positions, sources->Add(), error)) {
      return status;
    }
  } else if (from->cu_seqlens != nullptr) {
    return FailArgument(error, "positions.kind", from->kind,
                        "must be ROTARY_POSITION_PACKED with cu_seqlens");
  }
  const int64_t size = ElementSize(positions->type);
  if (batch == 0 || tokens == 0) return ROTARY_OK;
  if (from->data == nullptr && !starts) {
    return FailNull(error, "positions.data");
  }
  // A power of two.
  if ((reinterpret_cast<uintptr_t>(from->data) &
       (static_cast<uintptr_t>(size) - 1)) != 0) {
    return FailArgument(error, "positions.data",
                        reinterpret_cast<intptr_t>(from->data),
                        "must be aligned to its element");
  }
  positions->data = from->data;
  positions->batch_stride = from->batch_stride;
  if (from->batch_stride == ROTARY_DENSE) {
    positions->batch_stride = starts ? 1 : tokens;
  }
  positions->token_stride = from->token_stride;
  if (from->token_stride == ROTARY_DENSE) positions->token_stride = 1;
  if (starts) positions->token_stride = 0;
  positions->token_step = starts ? 1 : 0;
  positions->offset = from->offset;
  positions->axis_stride = from->axis_stride;
  if (rule.axes == 1) {
    positions->axis_stride = 0;
  } else if (from->axis_stride == ROTARY_DENSE) {
    const Shape shape = DataShape(*positions, {batch, tokens});
    positions->axis_stride = starts ? shape.batch : batch * tokens;
  }
  if (from->data != nullptr) {
    const Shape shape = DataShape(*positions, {batch, tokens});
    const uintptr_t low = reinterpret_cast<uintptr_t>(from->data);
    const uintptr_t end =
        low + static_cast<uintptr_t>(
                  size * NestedSpan(shape, 1, 1, StridesOf(*positions)));

    *span = {low, end};
    if (end <= low || rule.axes > 1) {
      Region region;
      const int dim = MakeRegion(from->data, shape, rule.axes, 1,
                                 StridesOf(*positions), size, &region);
      if (dim != 0) return FailStride(*positions, dim, error);
      *span = region.span;
    }
  }
  BadPosition bad;
  if (FindBadPosition(*positions, batch, tokens, rule.axes, rule.ranges,
                      &bad)) {
    return FailPosition(*positions, rule, bad, tokens, error);
  }
  return ROTARY_OK;
}

rotary_status CheckRotaryDim(int64_t rotary_dim, const char* name,
                             rotary_error* error) {
  if (rotary_dim >= 2 && rotary_dim % 2 == 0 && rotary_dim <= kMaxRotaryDim) {
    return ROTARY_OK;
  }
  return FailArgument(error, name, rotary_dim, "must be even, 2 to 65536");
}

rotary_status FailTarget(const char* name, rotary_error* error) {
  Failure failure = {ROTARY_ERROR_TARGET,
                     name == nullptr ? "ROTARY_TARGET" : "target"};
  char wish[64];
  DefaultTargetWish(wish, sizeof(wish));
  failure.text = name == nullptr ? wish : name;
  failure.type = Failure::kText;
  return Fail(error, failure, "unknown, or not supported by this CPU");
}

rotary_status ReadDefaultTarget(const char** name, rotary_error* error) {
  Target target = kNumTargets;
  if (const rotary_status status = ReadTarget(nullptr, &target, error)) {
    return status;
  }
  if (name == nullptr) return FailNull(error, "name");
  *name = TargetName(target);
  return ROTARY_OK;
}

Region PositionsRegion(const Positions& positions, int64_t axes,
                       const Shape& shape) {
  Region region;
  MakeRegion(positions.data, DataShape(positions, shape), axes, 1,
             StridesOf(positions), ElementSize(positions.type), &region);
  return region;
}

}  // namespace rotary
