#include "tests/fused/fused_calls.h"

#include "tests/support/objects.h"

namespace rotary_test {

OwnSlots SlotsAt(int64_t batch, const std::vector<int64_t>& slots,
                 int64_t num_slots) {
  const auto count = static_cast<int64_t>(slots.size());
  rotary_positions positions = MakePositions(slots);
  rotary_slots_args args;
  rotary_slots_args_init(&args, sizeof(args));
  args.batch = batch;
  args.tokens = batch == 0 ? 0 : count / batch;
  args.num_slots = num_slots;
  args.positions = &positions;
  size_t bytes;
  rotary_error error;
  RequireOk(rotary_slots_bytes_needed(count, num_slots, &bytes, &error), error);
  OwnSlots own;
  own.memory.resize((bytes + 7) / 8);
  rotary_slots* made;
  RequireOk(rotary_slots_init(own.memory.data(), bytes, &args, &made, &error),
            error);
  return own;
}

rotary_fusion MakeFusion(int32_t rotates) {
  rotary_fusion fusion;
  rotary_fusion_init(&fusion, sizeof(fusion));
  fusion.rotates = rotates;
  return fusion;
}

rotary_cache MakeCache(void* data, rotary_dtype dtype) {
  rotary_cache cache;
  rotary_cache_init(&cache, sizeof(cache));
  cache.data = data;
  cache.dtype = dtype;
  return cache;
}

rotary_fused_args MakeFusedArgs(const rotary_apply_args* apply,
                                const std::vector<rotary_fusion>& fusions,
                                const OwnSlots* slots) {
  rotary_fused_args args;
  rotary_fused_args_init(&args, sizeof(args));
  args.apply = apply;
  args.fusions = fusions.data();
  args.slots = slots == nullptr ? nullptr : slots->get();
  return args;
}

void FuseOk(const rotary_fused_args& args) {
  rotary_error error;
  RequireOk(rotary_apply_fused(&args, &error), error);
}

}  // namespace rotary_test
