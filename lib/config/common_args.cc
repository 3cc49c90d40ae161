#include "lib/config/common_args.h"

#include "lib/config/error.h"
#include "lib/config/structs.h"
#include "lib/kernels/target.h"

namespace rotary {
namespace {

bool ReadPositionType(rotary_dtype dtype, PositionType* type, int64_t* size) {
  switch (dtype) {
    case ROTARY_I32:
      *type = PositionType::kI32;
      *size = 4;
      return true;
    case ROTARY_U32:
      *type = PositionType::kU32;
      *size = 4;
      return true;
    case ROTARY_I64:
      *type = PositionType::kI64;
      *size = 8;
      return true;
    case ROTARY_U64:
      *type = PositionType::kU64;
      *size = 8;
      return true;
    default:
      return false;
  }
}

rotary_status ResolveTarget(const char* name, Target* found,
                            rotary_error* error) {
  const char* argument = name == nullptr ? "ROTARY_TARGET" : "target";
  const Target target =
      name == nullptr ? DefaultTarget(&name) : FindTarget(name);
  if (target == kNumTargets) {
    Failure failure = {ROTARY_ERROR_TARGET, argument};
    failure.text = name;
    failure.type = Failure::kText;
    return Fail(error, failure, "unknown, or not supported by this CPU");
  }
  *found = target;
  return ROTARY_OK;
}

}  // namespace

rotary_status ReadTokens(int64_t batch, int64_t tokens, rotary_error* error) {
  if (batch < 0) {
    return FailArgument(error, "batch", batch, "must not be negative");
  }
  if (tokens < 0) {
    return FailArgument(error, "tokens", tokens, "must not be negative");
  }
  int64_t product;
  if (__builtin_mul_overflow(batch, tokens, &product)) {
    return FailArgument(error, "batch", batch, "times tokens is too large");
  }
  return ROTARY_OK;
}

rotary_status ReadPositionsArg(const rotary_positions* from, int64_t batch,
                               int64_t tokens, Positions* positions,
                               Region* region, rotary_error* error) {
  rotary_positions copy;
  if (const rotary_status status = ReadStruct(
          from, "positions", "positions.struct_size", &copy, &from, error)) {
    return status;
  }
  int64_t size = 0;
  if (!ReadPositionType(from->dtype, &positions->type, &size)) {
    return FailArgument(error, "positions.dtype", from->dtype,
                        "must be ROTARY_I32, U32, I64 or U64");
  }
  const bool starts = from->kind == ROTARY_POSITION_STARTS;
  if (!starts && from->kind != ROTARY_POSITION_IDS) {
    return FailArgument(error, "positions.kind", from->kind,
                        "must be ROTARY_POSITION_IDS or _STARTS");
  }
  *region = MakeRegion(from->data, 0);
  if (batch == 0 || tokens == 0) return ROTARY_OK;
  if (from->data == nullptr && !starts) {
    return FailNull(error, "positions.data");
  }
  if (reinterpret_cast<uintptr_t>(from->data) % static_cast<uintptr_t>(size)) {
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
  const Strides strides = {positions->batch_stride, positions->token_stride, 0};
  if (from->data != nullptr &&
      !MakeRegion(from->data, batch, tokens, 1, 1, strides, size, region)) {
    return FailArgument(error, "positions.batch_stride", from->batch_stride,
                        "with token_stride is too large");
  }
  BadPosition bad;
  if (FindBadPosition(*positions, batch, tokens, &bad)) {
    const bool data = from->data != nullptr;
    Failure failure = {ROTARY_ERROR_POSITION,
                       data ? "positions.data" : "positions.offset"};
    failure.value = data ? bad.value : from->offset;
    failure.token = bad.batch * tokens + bad.token;
    return Fail(error, failure,
                "the position must be within (-2^31, 2^31), with the offset "
                "and, after a start, the token's index");
  }
  return ROTARY_OK;
}

rotary_status ReadMode(rotary_mode mode, double gain, RowFactors* factors,
                       rotary_error* error) {
  switch (mode) {
    case ROTARY_FORWARD:
      *factors = {gain, gain};
      return ROTARY_OK;
    case ROTARY_INVERSE:
      *factors = {1.0 / gain, -1.0 / gain};
      return ROTARY_OK;
    case ROTARY_SHIFT:
      *factors = {1.0, 1.0};
      return ROTARY_OK;
    default:
      return FailArgument(error, "mode", mode,
                          "must be ROTARY_FORWARD, INVERSE or SHIFT");
  }
}

rotary_status ReadTarget(const char* name, Kernels* kernels,
                         rotary_error* error) {
  Target target = kNumTargets;
  if (const rotary_status status = ResolveTarget(name, &target, error)) {
    return status;
  }
  *kernels = KernelsOf(target);
  return ROTARY_OK;
}

rotary_status ReadDefaultTarget(const char** name, rotary_error* error) {
  Target target = kNumTargets;
  if (const rotary_status status = ResolveTarget(nullptr, &target, error)) {
    return status;
  }
  if (name == nullptr) return FailNull(error, "name");
  *name = TargetName(target);
  return ROTARY_OK;
}

rotary_status ReadThreads(int32_t num_threads, rotary_error* error) {
  if (num_threads < 0) {
    return FailArgument(error, "num_threads", num_threads,
                        "must not be negative");
  }
  return ROTARY_OK;
}

}  // namespace rotary
