#include "lib/config/fused_args.h"

#include "lib/config/fused_call.h"
#include "lib/config/fused_plan.h"
#include "lib/config/fused_tensor.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// The slots of one kind, or NULL.
rotary_status ReadSlots(const rotary_slots* slots, const char* name,
                        const rotary_apply_args& apply, const int32_t** to,
                        int64_t* num_slots, Uses* uses, rotary_error* error) {
  *to = nullptr;
  *num_slots = 0;
  if (slots == nullptr) return ROTARY_OK;
  if (!AreSlots(slots)) {
    return FailArgument(error, name, reinterpret_cast<intptr_t>(slots),
                        "not slots that were initialized");
  }
  if (slots->batch != apply.batch || slots->tokens != apply.tokens) {
    return FailArgument(error, name, slots->batch * slots->tokens,
                        "these are not of this call's batch and tokens");
  }
  *to = SlotsOf(slots);
  *num_slots = slots->num_slots;
  uses->Add(-1, name, slots, false)->region =
      MakeRegion(slots, static_cast<int64_t>(slots->bytes));
  return ROTARY_OK;
}

rotary_status ReadBothSlots(const rotary_fused_args& args,
                            const rotary_apply_args& apply, FusedCall* call,
                            Uses* uses, rotary_error* error) {
  const rotary_status status = ReadSlots(
      args.slots, "slots", apply, &call->slots, &call->num_slots, uses, error);
  if (status != ROTARY_OK) return status;
  if (args.slots != nullptr && args.slots->shared != 0) {
    return FailArgument(error, "slots", reinterpret_cast<intptr_t>(args.slots),
                        "shared ones are to be read from only");
  }
  return ReadSlots(args.source_slots, "source_slots", apply,
                   &call->source_slots, &call->num_source_slots, uses, error);
}

// In one cache a token stays, or goes where no other comes from.
rotary_status CheckMoves(const rotary_fused_args& args, const FusedCall& call,
                         rotary_error* error) {
  const int64_t count = call.apply.batch * call.apply.tokens;
  for (int64_t i = 0; i < count; ++i) {
    const int32_t from = call.source_slots[i];
    if (from < 0 || from >= call.num_slots || from == call.slots[i] ||
        !HasSlot(args.slots, from)) {
      continue;
    }
    Failure failure = {ROTARY_ERROR_SLOT, "source_slots"};
    failure.value = from;
    failure.token = i;
    return Fail(error, failure,
                "this slot of the same cache is written for another token");
  }
  return ROTARY_OK;
}

}  // namespace

rotary_status CheckFusedArgs(const rotary_fused_args* from, const void* kept,
                             size_t kept_bytes, FusedCall* call,
                             int32_t* num_threads, rotary_error* error) {
  rotary_fused_args copy;
  rotary_status status =
      ReadStruct(from, "args", "args.struct_size", &copy, &from, error);
  if (status != ROTARY_OK) return status;
  FusedReading reading;
  status = ReadFusedCall(from->apply, from->fusions, &reading, call,
                         num_threads, error);
  if (status != ROTARY_OK) return status;
  rotary_fused_args args = *from;
  args.apply = reading.apply;
  status = ReadBothSlots(args, *args.apply, call, &reading.uses, error);
  if (status != ROTARY_OK) return status;
  bool moves = false;
  for (int64_t i = 0; i < call->num_tensors; ++i) {
    status = ReadFusedTensor(args, i, call, &reading, error);
    if (status != ROTARY_OK) return status;
    PlanForward(*call, &call->tensors[i], &reading.in_place[i]);
    status = CheckTile(call->tensors[i], i, error);
    if (status != ROTARY_OK) return status;
    const FusedTensor& fused = call->tensors[i];
    moves |= reading.in_place[i] && fused.to_cache;
    if (fused.from_cache && fused.to_cache &&
        fused.source.data == fused.cache.data &&
        call->num_slots != call->num_source_slots) {
      return FailArgument(error, "source_slots", call->num_source_slots,
                          "their num_slots is not that of `slots`, though a "
                          "cache is its own source");
    }
  }
  if (kept != nullptr) {
    reading.uses.Add(-1, "memory", kept, true)->region =
        MakeRegion(kept, static_cast<int64_t>(kept_bytes));
  }
  status = CheckUses(reading, error);
  if (status != ROTARY_OK) return status;
  if (moves) {
    status = CheckMoves(args, *call, error);
    if (status != ROTARY_OK) return status;
  }
  return FinishFusedCall(reading, call, error);
}

}  // namespace rotary
