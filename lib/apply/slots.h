// Slots in memory: which place of a cache each token of a step has.  Made by
// api, checked by config/slots_args.cc, read by apply/fused.cc.

#ifndef ROTARY_LIB_APPLY_SLOTS_H_
#define ROTARY_LIB_APPLY_SLOTS_H_

#include <stddef.h>
#include <stdint.h>

#include "lib/rows/positions.h"

// The head of a block of memory without pointers: this, then the slots, int32
// each, [batch][tokens], then a bit for each slot of the cache: whether a token
// has it.
struct rotary_slots {
  uint64_t magic;
  int64_t batch;
  int64_t tokens;
  int64_t num_slots;
  uint64_t bytes;
  uint64_t shared;
  uint64_t reserved[2];
};

namespace rotary {

// "rotslot" and the version of the layout, in a little-endian number.
constexpr uint64_t kSlotsMagic = 0x31746f6c73746f72;

constexpr int32_t kNoSlot = -1;

inline bool AreSlots(const rotary_slots* slots) {
  return reinterpret_cast<uintptr_t>(slots) % alignof(rotary_slots) == 0 &&
         slots->magic == kSlotsMagic;
}

inline const int32_t* SlotsOf(const rotary_slots* slots) {
  return reinterpret_cast<const int32_t*>(slots + 1);
}

// Tokens have places in their sequences; a place has a slot.
struct SlotsCall {
  int64_t batch;
  int64_t tokens;
  int64_t num_slots;
  Positions positions;
  const void* table;  // or nullptr: then slots follow each other
  bool table_i64;
  int64_t table_stride;
  int64_t table_blocks;
  int64_t block_size;
  int64_t sequence_slots;  // 0: any
  bool shared;             // slots are those of several tokens
};

// The bytes that slots of `count` tokens need; false if they are too many for
// size_t.
bool SlotsBytes(int64_t count, int64_t num_slots, size_t* bytes);

// Why a token has no slot, and what was wrong.
struct BadSlot {
  enum Kind { kPlace, kBlock, kSlot, kTwice } kind;
  int64_t batch;
  int64_t token;
  int64_t value;  // the place, the block or the slot
};

// The first token whose slot is not in the cache, or is that of another.  Uses
// the bits of `memory`.
bool FindBadSlot(const SlotsCall& call, void* memory, BadSlot* bad);

// Whether some token has a slot; the slots are not shared.
bool HasSlot(const rotary_slots* slots, int64_t slot);

// Writes slots that have been checked.
rotary_slots* MakeSlots(const SlotsCall& call, void* memory);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_SLOTS_H_
