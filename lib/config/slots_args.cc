#include "lib/config/slots_args.h"

#include <limits>

#include "lib/config/common_args.h"
#include "lib/config/error.h"
#include "lib/config/region.h"
#include "lib/config/rows_args.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

constexpr int64_t kMostSlots = std::numeric_limits<int32_t>::max();

rotary_status CheckNumSlots(int64_t num_slots, rotary_error* error) {
  if (num_slots >= 0 && num_slots <= kMostSlots) return ROTARY_OK;
  return FailArgument(error, "num_slots", num_slots, "must be 0 to 2^31 - 1");
}

// Where it is, and how far it goes; `sequences` have a row each.
rotary_status ReadTableMemory(const SlotsCall& call, int64_t sequences,
                              Sources* sources, rotary_error* error) {
  const int64_t size = call.table_i64 ? 8 : 4;
  const uintptr_t at = reinterpret_cast<uintptr_t>(call.table);
  if (at % static_cast<uintptr_t>(size) != 0) {
    return FailArgument(error, "block_table", static_cast<int64_t>(at),
                        "must be aligned to its element");
  }
  Region region;
  const Strides strides = {call.table_stride, 1, 0};
  if (const int dim = MakeRegion(call.table, {sequences, call.table_blocks}, 1,
                                 1, strides, size, &region)) {
    return FailArgument(error, dim == 1 ? "table_stride" : "table_blocks",
                        dim == 1 ? call.table_stride : call.table_blocks,
                        "reaches further than memory can");
  }
  *sources->Add() = region.span;
  return ROTARY_OK;
}

rotary_status ReadTable(const rotary_slots_args& from, SlotsCall* call,
                        Sources* sources, rotary_error* error) {
  call->table = from.block_table;
  call->sequence_slots = from.sequence_slots;
  if (from.block_table == nullptr) {
    if (from.sequence_slots < 0) {
      return FailArgument(error, "sequence_slots", from.sequence_slots,
                          "must not be negative");
    }
    if (from.table_blocks != 0) return FailNull(error, "block_table");
    if (from.block_size != 0) {
      return FailArgument(error, "block_size", from.block_size,
                          "must be 0 without a block table");
    }
    return ROTARY_OK;
  }
  if (from.sequence_slots != 0) {
    return FailArgument(error, "sequence_slots", from.sequence_slots,
                        "must be 0 with a block table");
  }
  if (from.table_dtype != ROTARY_I32 && from.table_dtype != ROTARY_I64) {
    return FailArgument(error, "table_dtype", from.table_dtype,
                        "must be ROTARY_I32 or I64");
  }
  if (from.block_size < 1 || from.block_size > kMostSlots) {
    return FailArgument(error, "block_size", from.block_size,
                        "must be 1 to 2^31 - 1");
  }
  if (from.table_blocks < 0) {
    return FailArgument(error, "table_blocks", from.table_blocks,
                        "must not be negative");
  }
  call->table_i64 = from.table_dtype == ROTARY_I64;
  call->table_blocks = from.table_blocks;
  call->table_stride =
      from.table_stride == ROTARY_DENSE ? from.table_blocks : from.table_stride;
  call->block_size = from.block_size;
  const bool packed = call->positions.cu_seqlens != nullptr;
  return ReadTableMemory(*call,
                         packed ? call->positions.num_sequences : from.batch,
                         sources, error);
}

rotary_status FailSlot(const SlotsCall& call, const BadSlot& bad,
                       rotary_error* error) {
  Failure failure = {ROTARY_ERROR_SLOT, "positions"};
  failure.value = bad.value;
  failure.token = bad.batch * call.tokens + bad.token;
  switch (bad.kind) {
    case BadSlot::kPlace:
      return Fail(error, failure,
                  call.table != nullptr ? "beyond the blocks of its sequence"
                                        : "beyond sequence_slots");
    case BadSlot::kBlock:
      failure.argument = "block_table";
      return Fail(error, failure, "this block is not in the cache");
    case BadSlot::kSlot:
      return Fail(error, failure, "this slot is not less than num_slots");
    default:
      return Fail(error, failure, "this slot is that of another token too");
  }
}

}  // namespace

rotary_status ReadSlotsShape(int64_t count, int64_t num_slots, size_t* bytes,
                             rotary_error* error) {
  if (const rotary_status status = CheckNumSlots(num_slots, error)) {
    return status;
  }
  if (count < 0 || !SlotsBytes(count, num_slots, bytes)) {
    return FailArgument(error, "count", count,
                        "must not be negative, nor more than memory can hold");
  }
  return ROTARY_OK;
}

rotary_status ReadSlotsArgs(const rotary_slots_args* from, void* memory,
                            size_t bytes, SlotsCall* call,
                            rotary_error* error) {
  static constexpr PositionRange kAny = {-kMostSlots, kMostSlots, 0.0, 0.0};
  rotary_slots_args copy;
  rotary_status status =
      ReadStruct(from, "args", "args.struct_size", &copy, &from, error);
  if (status != ROTARY_OK) return status;
  status = ReadTokens(from->batch, from->tokens, error);
  if (status != ROTARY_OK) return status;
  if (from->shared != 0 && from->shared != 1) {
    return FailArgument(error, "shared", from->shared, "must be 0 or 1");
  }
  call->shared = from->shared == 1;
  call->batch = from->batch;
  call->tokens = from->tokens;
  call->num_slots = from->num_slots;
  size_t needed = 0;
  status = ReadSlotsShape(from->batch * from->tokens, from->num_slots, &needed,
                          error);
  if (status != ROTARY_OK) return status;
  status = CheckMemory(memory, bytes, needed, error);
  if (status != ROTARY_OK) return status;
  Sources sources;
  status = ReadPositionsArg(from->positions, from->batch, from->tokens,
                            {1, &kAny, false, ""}, &call->positions, &sources,
                            error);
  if (status != ROTARY_OK) return status;
  status = ReadTable(*from, call, &sources, error);
  if (status != ROTARY_OK) return status;
  const Region own = MakeRegion(memory, static_cast<int64_t>(needed));
  for (int i = 0; i < sources.count; ++i) {
    if (Apart(sources.spans[i], own.span)) continue;
    Failure failure = {ROTARY_ERROR_OVERLAP, "memory"};
    failure.value = reinterpret_cast<intptr_t>(memory);
    return Fail(error, failure, "it overlaps the positions or the block table");
  }
  BadSlot bad;
  if (FindBadSlot(*call, memory, &bad)) return FailSlot(*call, bad, error);
  return ROTARY_OK;
}

}  // namespace rotary
