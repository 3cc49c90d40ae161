// Slots by any positions, with a block table or without, against the manual's
// formula; some with hostile fields.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "tests/config/fuzzed_call.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/drawn_positions.h"
#include "tests/fuzz/kinds.h"

namespace rotary_test {
namespace {

DrawnPositions positions;

struct Table {
  rotary_dtype dtype;
  uint8_t* memory;

  int64_t At(int64_t i) const {
    int64_t wide;
    int32_t narrow;
    if (dtype == ROTARY_I64) {
      std::memcpy(&wide, memory + 8 * i, sizeof(wide));
      return wide;
    }
    std::memcpy(&narrow, memory + 4 * i, sizeof(narrow));
    return narrow;
  }
};

constexpr int64_t kTableEntries = 64;

void DrawTable(Input* input, Arena* arena, rotary_slots_args* args,
               Table* table) {
  args->table_dtype = input->Flag() ? ROTARY_I32 : ROTARY_I64;
  args->block_size = input->Integer(1, 5);
  args->table_blocks = input->Integer(1, 9);
  args->table_stride =
      input->Flag() ? ROTARY_DENSE : args->table_blocks - input->Integer(0, 1);
  const size_t bytes = args->table_dtype == ROTARY_I32 ? 4 : 8;
  *table = {args->table_dtype, arena->Take(bytes * kTableEntries, bytes)};
  args->block_table = table->memory;
  const int64_t blocks = args->num_slots / args->block_size;
  for (int64_t i = 0; i < kTableEntries; ++i) {
    // Each once, but for few.
    int64_t block = blocks == 0 ? 0 : (i * 7) % blocks;
    if (input->Once(64)) block = input->Integer(-2, 3) * 97;
    std::memcpy(table->memory + static_cast<size_t>(i) * bytes, &block, bytes);
  }
}

// The slot of token i by the manual; -1: none, -2: not in the cache.
int64_t SlotOf(const rotary_slots_args& args, const Table& table, int64_t i) {
  if (positions.IsPadding(i) || !positions.HasPosition(i)) return -1;
  const auto place = static_cast<int64_t>(positions.At(0, i));
  if (place < 0) return -1;
  const int64_t s = positions.Sequence(i);
  int64_t slot = s * args.sequence_slots + place;
  if (args.block_table != nullptr) {
    const int64_t block = place / args.block_size;
    if (block >= args.table_blocks) return -2;
    const int64_t stride = args.table_stride == ROTARY_DENSE
                               ? args.table_blocks
                               : args.table_stride;
    const int64_t entry = table.At(s * stride + block);
    if (entry < 0) return -2;
    slot = entry * args.block_size + place % args.block_size;
  } else if (args.sequence_slots > 0 && place >= args.sequence_slots) {
    return -2;
  }
  return slot < args.num_slots ? slot : -2;
}

void Corrupt(Input* input, rotary_slots_args* args) {
  int64_t* const fields[] = {&args->batch,          &args->tokens,
                             &args->num_slots,      &args->table_stride,
                             &args->table_blocks,   &args->block_size,
                             &args->sequence_slots, nullptr};
  int64_t* const field = input->Of(fields);
  const int64_t value = Value64(input);
  if (field == nullptr) {
    (input->Flag() ? args->table_dtype : args->shared) = Value32(input);
  } else {
    // Not such that it is valid and reads outside of memory.
    const bool is_small = value > -100 && value < 100;
    if (is_small && field == &args->table_stride) {
      *field = 0;
    } else {
      *field = is_small ? std::min<int64_t>(*field, value) : value;
    }
  }
  if (input->Once(4)) args->positions = nullptr;
}

// Whether a token's slot is not in the cache, or taken by two.
bool IsRefused(const rotary_slots_args& args, const Table& table) {
  bool taken[1024] = {};
  for (int64_t i = 0; i < args.batch * args.tokens; ++i) {
    const int64_t slot = SlotOf(args, table, i);
    if (slot == -2) return true;
    if (slot < 0) continue;
    if (args.shared == 0 && taken[slot]) return true;
    taken[slot] = true;
  }
  return false;
}

}  // namespace

bool FuzzSlots(Input* input) {
  Arena& arena = Arena::Get();
  rotary_slots_args args;
  rotary_slots_args_init(&args, sizeof(args));
  args.batch = input->Once(3) ? input->Integer(0, 3) : 1;
  args.tokens = input->Integer(0, 8);
  args.num_slots = input->Integer(0, 255);
  args.positions = &positions.positions();
  args.shared = input->Once(3) ? 1 : 0;
  Table table = {};
  const bool has_table = input->Flag();
  int64_t reach = args.num_slots;
  if (has_table) {
    DrawTable(input, &arena, &args, &table);
    reach = args.table_blocks * args.block_size;
  } else {
    args.sequence_slots = input->Flag() ? 0 : args.num_slots / 3;
    if (args.sequence_slots > 0) reach = args.sequence_slots;
  }
  // Of a table, sequences have parts.
  positions.Draw(input, &arena, args.batch, args.tokens, 1,
                 input->Once(4) ? -20 : 0,
                 static_cast<double>(std::max<int64_t>(reach - 1, 0)), false);
  const bool is_corrupt = input->Once(4);
  const rotary_slots_args valid_args = args;
  if (is_corrupt) Corrupt(input, &args);
  size_t bytes;
  Check(rotary_slots_bytes_needed(valid_args.batch * valid_args.tokens,
                                  valid_args.num_slots, &bytes,
                                  nullptr) == ROTARY_OK,
        "slots have no size");
  if (input->Once(32)) bytes -= static_cast<size_t>(input->Integer(0, 8));
  uint8_t* const memory = arena.Take(bytes, 8);
  arena.Seal();
  rotary_slots* slots = nullptr;
  Told told;
  const rotary_status status =
      rotary_slots_init(memory, bytes, &args, &slots, told.error());
  told.CheckStatus(status);
  if (status != ROTARY_OK) {
    Check(slots == nullptr, "a call that fails wrote");
    if (status != ROTARY_ERROR_SLOT) {
      Check(arena.IsAsSealed(), "a call that fails wrote");
    }
    return false;
  }
  Check(static_cast<void*>(slots) == memory, "slots are not in their memory");
  if (is_corrupt) return true;
  Check(!IsRefused(args, table), "a slot that is not there, or twice");
  for (int64_t b = 0; b < args.batch; ++b) {
    for (int64_t t = 0; t < args.tokens; ++t) {
      Check(rotary_slots_at(slots, b, t) ==
                SlotOf(args, table, b * args.tokens + t),
            "a token has another slot");
    }
  }
  Check(rotary_slots_at(slots, -1, 0) == -1 &&
            rotary_slots_at(slots, args.batch, 0) == -1 &&
            rotary_slots_at(slots, 0, args.tokens) == -1,
        "a token that is not there has a slot");
  return true;
}

}  // namespace rotary_test
