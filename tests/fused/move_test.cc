// What is in a cache, rotated again and moved: against the formulas, untouched
// where nothing turns, the same bits on every target; and which moves are
// refused.
#include <doctest/doctest.h>
#include <rotary/rotary.h>

#include <cmath>
#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include "tests/fused/move_case.h"
#include "tests/fused/stored.h"
#include "tests/support/effort.h"
#include "tests/support/objects.h"
#include "tests/support/targets.h"

namespace rotary_test {
namespace {

TEST_CASE("moves: random ones") {
  const uint64_t count = Effort<uint64_t>(80, 10000);
  for (uint64_t seed = 1; seed <= count; ++seed) {
    CAPTURE(seed);
    MoveCase move(seed);
    const std::string described = move.Describe();
    CAPTURE(described);
    move.Run(nullptr, 1);
    REQUIRE(move.Check() == "");
    const std::vector<uint8_t> expected = move.Result();
    ForEachTarget([&](const char* target) {
      move.Run(target, 1);
      REQUIRE(move.Result() == expected);
    });
    move.Run(nullptr, 3);
    REQUIRE(move.Result() == expected);
  }
}

// Three tokens of one head of 32 from slots 0, 1, 2 of a cache to those of
// another, or of the same.
struct Small {
  Small() {
    rotary_tensor_init(&tensor, sizeof(tensor));
    tensor.head_dim = 32;
    rotary_cache_init(&source, sizeof(source));
    source.data = from.data();
    source.dtype = ROTARY_F32;
    cache = source;
    cache.data = to.data();
    rotary_fusion_init(&fusion, sizeof(fusion));
    fusion.rotates = 0;
    fusion.source = &source;
    fusion.cache = &cache;
  }
  Small(const Small&) = delete;
  Small& operator=(const Small&) = delete;
  ~Small() = default;

  rotary_status Run(rotary_error* error) {
    memory[0] = MakeSlots(source_slots, num_source_slots, shared, &slots[0]);
    memory[1] = MakeSlots(target_slots, 6, shared_targets, &slots[1]);
    const std::vector<rotary_tensor> tensors = {tensor};
    const rotary_apply_args apply = MakeApplyArgs(1, 3, tensors);
    rotary_fused_args args;
    rotary_fused_args_init(&args, sizeof(args));
    args.apply = &apply;
    args.fusions = &fusion;
    args.slots = slots[1];
    args.source_slots = has_sources ? slots[0] : nullptr;
    return rotary_apply_fused(&args, error);
  }

  static std::vector<uint64_t> MakeSlots(const std::vector<int64_t>& ids,
                                         int64_t num_slots, bool shared,
                                         rotary_slots** slots) {
    const rotary_positions positions = MakePositions(ids);
    rotary_slots_args args;
    rotary_slots_args_init(&args, sizeof(args));
    args.tokens = 3;
    args.num_slots = num_slots;
    args.positions = &positions;
    args.shared = shared ? 1 : 0;
    rotary_error error;
    size_t bytes;
    RequireOk(rotary_slots_bytes_needed(3, num_slots, &bytes, &error), error);
    std::vector<uint64_t> memory(bytes / 8 + 1);
    RequireOk(rotary_slots_init(memory.data(), bytes, &args, slots, &error),
              error);
    return memory;
  }

  // 6 slots, and 2 more where blocks have gaps.
  std::vector<uint32_t> from = std::vector<uint32_t>(8 * 32, 0x3f800000);
  std::vector<uint32_t> to = std::vector<uint32_t>(6 * 32);
  rotary_tensor tensor;
  rotary_cache source;
  rotary_cache cache;
  rotary_fusion fusion;
  std::vector<int64_t> source_slots = {0, 1, 2};
  std::vector<int64_t> target_slots = {0, 1, 2};
  int64_t num_source_slots = 6;
  bool shared = false;
  bool shared_targets = false;
  bool has_sources = true;
  std::vector<uint64_t> memory[2];
  rotary_slots* slots[2];
};

TEST_CASE("moves: infinity and NaN of fp8") {
  for (const rotary_dtype dtype : {ROTARY_F8_E4M3, ROTARY_F8_E5M2}) {
    CAPTURE(dtype);
    Small small;
    small.source.dtype = dtype;
    auto* bytes = reinterpret_cast<uint8_t*>(small.from.data());
    for (int i = 0; i < 96; ++i) bytes[i] = static_cast<uint8_t>(160 + i);
    rotary_error error;
    RequireOk(small.Run(&error), error);
    for (size_t i = 0; i < 96; ++i) {
      float got;
      std::memcpy(&got, &small.to[i], sizeof(got));
      const double expected = ByteValue(dtype, bytes[i]);
      CAPTURE(i);
      CHECK((static_cast<double>(got) == expected ||
             (std::isnan(got) && std::isnan(expected))));
    }
  }
}

TEST_CASE("moves: which are refused") {
  const auto refused = [](auto change, const char* argument,
                          rotary_status status = ROTARY_ERROR_ARGUMENT) {
    Small small;
    change(&small);
    rotary_error error = {};
    const std::vector<uint32_t> from = small.from;
    const std::vector<uint32_t> to = small.to;
    CAPTURE(argument);
    CHECK(small.Run(&error) == status);
    CHECK(std::string(error.argument) == argument);
    CHECK(small.from == from);
    CHECK(small.to == to);
  };
  const auto in_place = [](Small* s) { s->cache.data = s->from.data(); };
  refused([](Small* s) { s->has_sources = false; }, "source_slots");
  refused([](Small* s) { s->tensor.input = s->from.data(); },
          "tensors[0].input");
  refused([](Small* s) { s->shared_targets = true; }, "slots");
  refused([](Small* s) { s->source.dtype = 0; }, "fusions[0].source.dtype");
  refused([](Small* s) { s->source.data = nullptr; }, "fusions[0].source.data");
  refused([](Small* s) { s->source.slot_stride = INT64_MAX; },
          "fusions[0].source.slot_stride");
  refused([](Small* s) { s->source.struct_size = 1; },
          "fusions[0].source.struct_size", ROTARY_ERROR_STRUCT_SIZE);
  refused([](Small* s) { s->source.dtype = ROTARY_I8; },
          "fusions[0].source.scale_kind");
  refused(
      [&](Small* s) {
        in_place(s);
        s->target_slots = {1, 3, 4};
      },
      "source_slots", ROTARY_ERROR_SLOT);
  refused(
      [&](Small* s) {
        in_place(s);
        s->cache.slot_stride = 33;
      },
      "fusions[0].cache.data", ROTARY_ERROR_OVERLAP);
  refused(
      [&](Small* s) {
        in_place(s);
        s->source.block_stride = s->cache.block_stride = 3 * 32;
        s->source.block_size = 2;
        s->cache.block_size = 3;
      },
      "fusions[0].cache.data", ROTARY_ERROR_OVERLAP);
  refused(
      [&](Small* s) {
        in_place(s);
        s->num_source_slots = 5;
      },
      "source_slots");
  // In another cache, or where it is free, each may go anywhere; forks too.
  Small free;
  free.target_slots = {1, 2, 0};
  rotary_error error;
  RequireOk(free.Run(&error), error);
  Small fork;
  in_place(&fork);
  fork.shared = true;
  fork.source_slots = {0, 0, 0};
  fork.target_slots = {3, 4, 5};
  RequireOk(fork.Run(&error), error);
}

}  // namespace
}  // namespace rotary_test
