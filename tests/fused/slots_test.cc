// Slots: every way to say where tokens go, and what is refused.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/support/objects.h"
#include "tests/support/random.h"

namespace rotary_test {
namespace {

rotary_slots_args MakeArgs(int64_t batch, int64_t tokens, int64_t num_slots,
                           const rotary_positions* positions) {
  rotary_slots_args args;
  rotary_slots_args_init(&args, sizeof(args));
  args.batch = batch;
  args.tokens = tokens;
  args.num_slots = num_slots;
  args.positions = positions;
  return args;
}

rotary_positions Starts(const std::vector<int64_t>& starts) {
  rotary_positions positions = MakePositions(starts);
  positions.kind = ROTARY_POSITION_STARTS;
  return positions;
}

// Slots and the memory that they are in, with canaries behind.
class Slots {
 public:
  explicit Slots(const rotary_slots_args& args) {
    const int64_t count = args.batch * args.tokens;
    rotary_error ignored;
    size_t bytes = 0;
    if (rotary_slots_bytes_needed(count, args.num_slots, &bytes, &ignored) !=
        ROTARY_OK) {
      bytes = 1024;
    }
    memory_.assign(bytes / 8 + 3, kCanary);
    status_ = rotary_slots_init(memory_.data(), bytes, &args, &slots_, &error_);
    for (size_t i = (bytes + 7) / 8; i < memory_.size(); ++i) {
      REQUIRE(memory_[i] == kCanary);
    }
    if (status_ != ROTARY_OK) return;
    for (int64_t b = 0; count > 0 && b < args.batch; ++b) {
      for (int64_t t = 0; t < args.tokens; ++t) {
        all_.push_back(rotary_slots_at(slots_, b, t));
      }
    }
  }

  rotary_status status() const { return status_; }
  const rotary_error& error() const { return error_; }
  const std::vector<int64_t>& all() const { return all_; }
  const rotary_slots* get() const { return slots_; }

 private:
  static constexpr uint64_t kCanary = 0x5a5a5a5a5a5a5a5a;
  std::vector<uint64_t> memory_;
  rotary_slots* slots_ = nullptr;
  rotary_error error_ = {};
  rotary_status status_;
  std::vector<int64_t> all_;
};

using List = std::vector<int64_t>;

TEST_CASE("slots: a mapping") {
  const List ids = {5, -1, 0, 9, INT64_MIN, 3};
  const rotary_positions positions = MakePositions(ids);
  const Slots slots(MakeArgs(2, 3, 10, &positions));
  REQUIRE(slots.status() == ROTARY_OK);
  CHECK(slots.all() == List{5, -1, 0, 9, -1, 3});
  CHECK(rotary_slots_at(slots.get(), 2, 0) == -1);
  CHECK(rotary_slots_at(slots.get(), 0, 3) == -1);
  CHECK(rotary_slots_at(slots.get(), -1, 0) == -1);
  CHECK(rotary_slots_at(nullptr, 0, 0) == -1);
}

TEST_CASE("slots: a contiguous cache") {
  const List starts = {2, 0};
  const rotary_positions positions = Starts(starts);
  rotary_slots_args args = MakeArgs(2, 3, 20, &positions);
  args.sequence_slots = 10;
  CHECK(Slots(args).all() == List{2, 3, 4, 10, 11, 12});
  args.sequence_slots = 4;
  const Slots full(args);
  CHECK(full.status() == ROTARY_ERROR_SLOT);
  CHECK(full.error().token == 2);
  CHECK(full.error().value == 4);
  CHECK(std::string(full.error().argument) == "positions");
}

TEST_CASE("slots: blocks") {
  const List starts = {3, 0, 7};
  const rotary_positions positions = Starts(starts);
  for (const bool wide : {false, true}) {
    const std::vector<int32_t> narrow_table = {4, 2, -1, 0, 1, 9, 6, 5, 3};
    const List wide_table(narrow_table.begin(), narrow_table.end());
    rotary_slots_args args = MakeArgs(3, 3, 28, &positions);
    args.block_table = wide ? static_cast<const void*>(wide_table.data())
                            : static_cast<const void*>(narrow_table.data());
    args.table_dtype = wide ? ROTARY_I64 : ROTARY_I32;
    args.table_blocks = 3;
    args.block_size = 4;
    // Sequence 0: place 3 of block 4, places 0 and 1 of block 2.
    CHECK(Slots(args).all() == List{19, 8, 9, 0, 1, 2, 23, 12, 13});
  }
}

TEST_CASE("slots: packed sequences") {
  const List starts = {4, 100, 0};
  const List ends = {1, 3, 3, 6};
  rotary_positions positions = MakePositions(starts);
  positions.kind = ROTARY_POSITION_PACKED;
  positions.cu_seqlens = ends.data();
  positions.cu_seqlens_dtype = ROTARY_I64;
  positions.num_sequences = 3;
  rotary_slots_args args = MakeArgs(1, 8, 300, &positions);
  args.sequence_slots = 100;
  CHECK(Slots(args).all() == List{-1, 4, 5, 200, 201, 202, -1, -1});
}

TEST_CASE("slots: random ones are those of the formula, or refused") {
  Random random(1);
  for (int i = 0; i < 2000; ++i) {
    const int64_t tokens = random.Integer(0, 200);
    const int64_t num_slots = random.Integer(0, 400);
    List ids;
    std::vector<int> taken(500);
    bool good = true;
    for (int64_t t = 0; t < tokens; ++t) {
      // Mostly in order, seldom out of range or twice.
      int64_t id = random.Integer(0, 999) == 0 ? random.Integer(-2, 450) : t;
      if (random.Integer(0, 1) == 0) id = 2 * t % 401;
      ids.push_back(id);
      if (id < 0) continue;
      good &= id < num_slots && ++taken[static_cast<size_t>(id)] == 1;
    }
    CAPTURE(i);
    const rotary_positions positions = MakePositions(ids);
    const Slots slots(MakeArgs(1, tokens, num_slots, &positions));
    REQUIRE(slots.status() == (good ? ROTARY_OK : ROTARY_ERROR_SLOT));
    for (size_t t = 0; good && t < ids.size(); ++t) {
      REQUIRE(slots.all()[t] == (ids[t] < 0 ? -1 : ids[t]));
    }
  }
}

TEST_CASE("slots: no tokens of any number of sequences take no time") {
  const List ids = {7};
  const rotary_positions positions = MakePositions(ids);
  for (const int64_t batch : {int64_t{0}, int64_t{1}, int64_t{1} << 61}) {
    const Slots slots(MakeArgs(batch, 0, 10, &positions));
    CHECK(slots.status() == ROTARY_OK);
    CHECK(rotary_slots_at(slots.get(), 0, 0) == -1);
  }
}

TEST_CASE("slots: a place twice") {
  const List ids = {7, 3, 8, 3};
  const rotary_positions positions = MakePositions(ids);
  const Slots slots(MakeArgs(1, 4, 10, &positions));
  CHECK(slots.status() == ROTARY_ERROR_SLOT);
  CHECK(slots.error().token == 3);
  CHECK(slots.error().value == 3);
}

TEST_CASE("slots: bad arguments") {
  const List starts = {3};
  const rotary_positions positions = Starts(starts);
  const std::vector<int32_t> table = {0, 2};
  const std::vector<int32_t> outside = {0, 3};
  rotary_slots_args good = MakeArgs(1, 3, 12, &positions);
  good.block_table = table.data();
  good.table_blocks = 2;
  good.block_size = 4;
  const auto refused = [&](auto change, const char* argument,
                           rotary_status status = ROTARY_ERROR_ARGUMENT) {
    rotary_slots_args args = good;
    change(&args);
    const Slots slots(args);
    CAPTURE(argument);
    CHECK(slots.status() == status);
    CHECK(std::string(slots.error().argument) == argument);
  };
  using Args = rotary_slots_args*;
  CHECK(Slots(good).all() == List{3, 8, 9});
  refused([&](Args a) { a->block_table = outside.data(); }, "block_table",
          ROTARY_ERROR_SLOT);
  refused([](Args a) { a->tokens = 8; }, "positions", ROTARY_ERROR_SLOT);
  refused([](Args a) { a->num_slots = -1; }, "num_slots");
  refused([](Args a) { a->num_slots = int64_t{1} << 31; }, "num_slots");
  refused([](Args a) { a->block_size = 0; }, "block_size");
  refused([](Args a) { a->table_blocks = -1; }, "table_blocks");
  refused([](Args a) { a->sequence_slots = 1; }, "sequence_slots");
  refused([](Args a) { a->table_dtype = ROTARY_U32; }, "table_dtype");
  refused([](Args a) { a->shared = 2; }, "shared");
  refused([](Args a) { a->tokens = -1; }, "tokens");
  refused([](Args a) { a->block_table = nullptr; }, "block_table");
  refused([](Args a) { a->positions = nullptr; }, "positions");
  refused([](Args a) { a->struct_size = 3; }, "args.struct_size",
          ROTARY_ERROR_STRUCT_SIZE);
  refused(
      [&](Args a) {
        a->block_table = reinterpret_cast<const char*>(table.data()) + 1;
      },
      "block_table");
}

TEST_CASE("slots: memory") {
  const List ids = {0};
  const rotary_positions positions = MakePositions(ids);
  const rotary_slots_args args = MakeArgs(1, 1, 1, &positions);
  size_t bytes;
  rotary_error error;
  rotary_slots* slots;
  RequireOk(rotary_slots_bytes_needed(1, 1, &bytes, &error), error);
  std::vector<uint64_t> memory(bytes / 8 + 2);
  char* at = reinterpret_cast<char*>(memory.data());
  CHECK(rotary_slots_init(nullptr, bytes, &args, &slots, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(rotary_slots_init(at + 1, bytes, &args, &slots, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(rotary_slots_init(at, bytes - 1, &args, &slots, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(rotary_slots_init(at, bytes, &args, nullptr, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(rotary_slots_bytes_needed(1, 1, nullptr, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(rotary_slots_bytes_needed(-1, 1, &bytes, &error) ==
        ROTARY_ERROR_ARGUMENT);
  CHECK(rotary_slots_bytes_needed(INT64_MAX, 1, &bytes, &error) ==
        ROTARY_ERROR_ARGUMENT);
  rotary_slots_args inside = args;
  rotary_positions own = positions;
  own.data = memory.data() + 2;
  inside.positions = &own;
  CHECK(rotary_slots_init(at, bytes, &inside, &slots, &error) ==
        ROTARY_ERROR_OVERLAP);
  // A block may be moved.
  RequireOk(rotary_slots_init(at, bytes, &args, &slots, &error), error);
  std::vector<uint64_t> copy(memory);
  CHECK(rotary_slots_at(reinterpret_cast<rotary_slots*>(copy.data()), 0, 0) ==
        0);
}

}  // namespace
}  // namespace rotary_test
