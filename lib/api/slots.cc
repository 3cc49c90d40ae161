// Slots of a cache.

#include "lib/apply/slots.h"

#include "include/rotary/rotary.h"
#include "lib/config/defaults.h"
#include "lib/config/error.h"
#include "lib/config/slots_args.h"

void rotary_slots_args_init(rotary_slots_args* args, size_t struct_size) {
  rotary::SetDefaults(args, struct_size);
}

rotary_status rotary_slots_bytes_needed(int64_t count, int64_t num_slots,
                                        size_t* bytes, rotary_error* error) {
  size_t needed;
  if (const rotary_status status =
          rotary::ReadSlotsShape(count, num_slots, &needed, error)) {
    return status;
  }
  if (bytes == nullptr) return rotary::FailNull(error, "bytes");
  *bytes = needed;
  return ROTARY_OK;
}

rotary_status rotary_slots_init(void* memory, size_t bytes,
                                const rotary_slots_args* args,
                                rotary_slots** slots, rotary_error* error) {
  rotary::SlotsCall call;
  if (const rotary_status status =
          rotary::ReadSlotsArgs(args, memory, bytes, &call, error)) {
    return status;
  }
  if (slots == nullptr) return rotary::FailNull(error, "slots");
  *slots = rotary::MakeSlots(call, memory);
  return ROTARY_OK;
}

int64_t rotary_slots_at(const rotary_slots* slots, int64_t b, int64_t t) {
  if (slots == nullptr || b < 0 || b >= slots->batch || t < 0 ||
      t >= slots->tokens) {
    return rotary::kNoSlot;
  }
  return rotary::SlotsOf(slots)[b * slots->tokens + t];
}
