#include "lib/apply/slots.h"

#include <string.h>

#include <algorithm>

#include "lib/kernels/kernels.h"

namespace rotary {
namespace {

constexpr int64_t kBitsPerWord = 64;

// 8 bytes each, so that the bits are aligned.
size_t TokensBytes(int64_t count) {
  return (static_cast<size_t>(count) + 1) / 2 * 8;
}

size_t BitsBytes(int64_t num_slots) {
  return static_cast<size_t>((num_slots + kBitsPerWord - 1) / kBitsPerWord) * 8;
}

uint64_t* BitsOf(void* memory, int64_t count) {
  return reinterpret_cast<uint64_t*>(static_cast<char*>(memory) +
                                     sizeof(rotary_slots) + TokensBytes(count));
}

// False if it was set.
bool SetBit(uint64_t* bits, int64_t slot) {
  uint64_t* word = &bits[slot / kBitsPerWord];
  const uint64_t bit = uint64_t{1} << (slot % kBitsPerWord);
  const bool is_new = (*word & bit) == 0;
  *word |= bit;
  return is_new;
}

int64_t Block(const SlotsCall& call, int64_t s, int64_t i) {
  const int64_t at = s * call.table_stride + i;
  return call.table_i64 ? static_cast<const int64_t*>(call.table)[at]
                        : static_cast<const int32_t*>(call.table)[at];
}

// The slot of place p of sequence s.  False: it has none.
bool FindSlot(const SlotsCall& call, int64_t s, int64_t p, int64_t* slot,
              BadSlot* bad) {
  bad->kind = BadSlot::kPlace;
  bad->value = p;
  if (call.table != nullptr) {
    const int64_t i = p / call.block_size;
    if (i >= call.table_blocks) return false;
    const int64_t block = Block(call, s, i);
    bad->kind = BadSlot::kBlock;
    bad->value = block;
    if (block < 0 || block > call.num_slots / call.block_size) return false;
    *slot = block * call.block_size + p % call.block_size;
    return *slot < call.num_slots;
  }
  if (call.sequence_slots > 0 && p >= call.sequence_slots) return false;
  bad->kind = BadSlot::kSlot;
  if (__builtin_mul_overflow(s, call.sequence_slots, slot) ||
      __builtin_add_overflow(*slot, p, slot)) {
    return false;
  }
  bad->value = *slot;
  return *slot < call.num_slots;
}

// Calls each(b, t, slot, bad) for every token until it returns false; a slot of
// kNoSlot is none, one that is less is bad.
template <class Each>
void ForEachSlot(const SlotsCall& call, const Each& each) {
  constexpr int64_t kChunk = 64;
  constexpr int64_t kBad = kNoSlot - 1;
  int32_t places[kChunk];
  const bool packed = call.positions.cu_seqlens != nullptr;
  // Else any number of sequences would be gone through for nothing.
  if (call.tokens == 0) return;
  for (int64_t b = 0; b < call.batch; ++b) {
    for (int64_t first = 0; first < call.tokens; first += kChunk) {
      const int64_t count = std::min(kChunk, call.tokens - first);
      ReadPositions(call.positions, 0, b, first, count, places);
      for (int64_t i = 0; i < count; ++i) {
        const int64_t t = first + i;
        int64_t slot = kNoSlot;
        BadSlot bad = {};
        if (places[i] >= 0) {
          const int64_t s = packed ? SequenceAt(call.positions, t) : b;
          if (s >= 0 && !FindSlot(call, s, places[i], &slot, &bad)) slot = kBad;
        }
        if (!each(b, t, slot, bad)) return;
      }
    }
  }
}

}  // namespace

bool SlotsBytes(int64_t count, int64_t num_slots, size_t* bytes) {
  if (count > INT64_MAX / 8) return false;
  *bytes = sizeof(rotary_slots) + TokensBytes(count) + BitsBytes(num_slots);
  return true;
}

bool FindBadSlot(const SlotsCall& call, void* memory, BadSlot* bad) {
  // Slots that ascend need no bits.
  bool ascends = true;
  bool found = false;
  int64_t last = kNoSlot;
  ForEachSlot(call,
              [&](int64_t b, int64_t t, int64_t slot, const BadSlot& why) {
                if (slot < kNoSlot) {
                  *bad = why;
                  bad->batch = b;
                  bad->token = t;
                  found = true;
                } else if (slot != kNoSlot) {
                  ascends &= slot > last;
                  last = slot;
                }
                return !found;
              });
  if (found || ascends || call.shared) return found;
  uint64_t* bits = BitsOf(memory, call.batch * call.tokens);
  memset(bits, 0, BitsBytes(call.num_slots));
  ForEachSlot(call, [&](int64_t b, int64_t t, int64_t slot, const BadSlot&) {
    if (slot < 0 || slot >= call.num_slots) return true;
    found = !SetBit(bits, slot);
    if (found) *bad = {BadSlot::kTwice, b, t, slot};
    return !found;
  });
  return found;
}

bool HasSlot(const rotary_slots* slots, int64_t slot) {
  const uint64_t* bits =
      BitsOf(const_cast<rotary_slots*>(slots), slots->batch * slots->tokens);
  return (bits[slot / kBitsPerWord] >> (slot % kBitsPerWord) & 1) != 0;
}

rotary_slots* MakeSlots(const SlotsCall& call, void* memory) {
  const int64_t count = call.batch * call.tokens;
  rotary_slots* slots = static_cast<rotary_slots*>(memory);
  size_t bytes = 0;
  SlotsBytes(count, call.num_slots, &bytes);
  const uint64_t shared = call.shared ? 1 : 0;
  *slots = {kSlotsMagic, call.batch, call.tokens, call.num_slots,
            bytes,       shared,     {}};
  uint64_t* bits = BitsOf(memory, count);
  memset(bits, 0, BitsBytes(call.num_slots));
  int32_t* to = reinterpret_cast<int32_t*>(slots + 1);
  ForEachSlot(call, [&](int64_t, int64_t, int64_t slot, const BadSlot&) {
    // Should a position or a block have changed since: no slot.
    const bool is_slot = slot >= 0 && slot < call.num_slots &&
                         (SetBit(bits, slot) || call.shared);
    *to++ = is_slot ? static_cast<int32_t>(slot) : kNoSlot;
    return true;
  });
  return slots;
}

}  // namespace rotary
