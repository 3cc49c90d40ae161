// Names of statuses and targets, functions of NULL, and the init functions
// with any size.
#include <strings.h>

#include <cstring>

#include "tests/config/fuzzed_call.h"
#include "tests/fuzz/arena.h"
#include "tests/fuzz/check.h"
#include "tests/fuzz/kinds.h"
#include "tests/fuzz/models.h"
#include "tests/fuzz/same_results.h"

namespace rotary_test {
namespace {

// A function that sets the defaults of a struct in memory, of that size.
struct Init {
  void (*run)(void* memory, size_t size);
  size_t size;
};

template <typename Struct, void (*kInit)(Struct*, size_t)>
constexpr Init InitOf() {
  return {[](void* memory, size_t size) {
            kInit(static_cast<Struct*>(memory), size);
          },
          sizeof(Struct)};
}

constexpr Init kInits[] = {
    InitOf<rotary_axes, rotary_axes_init>(),
    InitOf<rotary_embedding_config, rotary_embedding_config_init>(),
    InitOf<rotary_positions, rotary_positions_init>(),
    InitOf<rotary_rows_args, rotary_rows_args_init>(),
    InitOf<rotary_cos_sin, rotary_cos_sin_init>(),
    InitOf<rotary_tensor, rotary_tensor_init>(),
    InitOf<rotary_apply_args, rotary_apply_args_init>(),
    InitOf<rotary_slots_args, rotary_slots_args_init>(),
    InitOf<rotary_norm, rotary_norm_init>(),
    InitOf<rotary_cache, rotary_cache_init>(),
    InitOf<rotary_fusion, rotary_fusion_init>(),
    InitOf<rotary_fused_args, rotary_fused_args_init>(),
    InitOf<rotary_fusion_gradient, rotary_fusion_gradient_init>(),
    InitOf<rotary_backward_args, rotary_backward_args_init>(),
    {[](void* memory, size_t size) {
       rotary_scaling_init(static_cast<rotary_scaling*>(memory), size,
                           ROTARY_SCALING_YARN);
     },
     sizeof(rotary_scaling)},
};

bool FuzzInit(Input* input) {
  const Init& init = input->Of(kInits);
  Arena& arena = Arena::Get();
  const size_t size = input->Flag() ? init.size
                                    : static_cast<size_t>(input->Integer(
                                          0, static_cast<int64_t>(init.size)));
  // No larger than it says.
  uint8_t* const memory = arena.Take(size, 8);
  arena.Seal();
  init.run(memory, size);
  const bool wrote = !arena.IsAsSealed();
  if (wrote) {
    size_t told;
    Check(size >= sizeof(told), "an init function wrote to a smaller struct");
    std::memcpy(&told, memory, sizeof(told));
    Check(told == size, "a struct has another size than it was given");
  }
  Check(wrote || size < init.size, "an init function did nothing");
  return wrote;
}

bool FuzzTarget(Input* input) {
  char name[16] = {};
  const char* const* names;
  const int count = Targets(&names);
  std::strncpy(name, names[input->Integer(0, count - 1)], sizeof(name) - 1);
  for (char& letter : name) {
    if (letter == 0 || input->Flag()) continue;
    letter = static_cast<char>(letter ^ (input->Once(16) ? 1 : 0x20));
  }
  if (input->Once(8)) name[input->Integer(0, 14)] = 0;
  bool valid = false;
  for (int i = 0; i < count; ++i) {
    valid = valid || strcasecmp(name, names[i]) == 0;
  }
  rotary_apply_args args;
  rotary_apply_args_init(&args, sizeof(args));
  args.rows = ModelAt(0).rows.get();
  args.target = name;
  args.num_threads = 1;
  Told told;
  const rotary_status status = rotary_apply(&args, told.error());
  told.CheckStatus(status);
  Check(status == (valid ? ROTARY_OK : ROTARY_ERROR_TARGET),
        "a target is unknown, or what is none is taken");
  return valid;
}

}  // namespace

bool FuzzNames(Input* input) {
  const int32_t value =
      input->Flag() ? Value32(input) : static_cast<int32_t>(input->Bits());
  const char* const text = rotary_status_string(value);
  Check(text != nullptr && std::strlen(text) > 0, "a status has no name");
  const char* const name = rotary_target_name(value);
  Check((name != nullptr) == (value >= 0 && value < rotary_target_count()),
        "a target has no name, or what is none has one");
  if (input->Once(8)) {
    Check(rotary_embedding_rotary_dim(nullptr) == 0 &&
              rotary_embedding_gain(nullptr) == 0 &&
              rotary_embedding_bytes(nullptr) == 0 &&
              rotary_embedding_softmax_multiplier(nullptr) == 0 &&
              rotary_embedding_fingerprint(nullptr) == 0 &&
              rotary_embedding_axes(nullptr) == 0 &&
              rotary_embedding_heads(nullptr) == 0 &&
              rotary_rows_count(nullptr) == 0 &&
              rotary_rows_rotary_dim(nullptr) == 0 &&
              rotary_rows_bytes(nullptr) == 0 &&
              rotary_prepared_slices(nullptr) == 0 &&
              rotary_slots_at(nullptr, value, value) == -1,
          "NULL has something");
  }
  return input->Flag() ? FuzzInit(input) : FuzzTarget(input);
}

}  // namespace rotary_test
