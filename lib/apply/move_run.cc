#include "lib/apply/move_run.h"

#include <string.h>

namespace rotary {
namespace {

// Elements of one slot in a cache: `count` of each head.
struct Slot {
  char* data;
  int64_t head_stride;  // bytes
  int64_t element_stride;
};

Slot SlotIn(void* data, int64_t size, int64_t block_size,
            const CacheStrides& strides, int64_t slot) {
  const int64_t at =
      slot / block_size * strides.block + slot % block_size * strides.slot;
  return {static_cast<char*>(data) + at * size, strides.head * size,
          strides.element * size};
}

void Copy(const Slot& from, const Slot& to, int64_t heads, int64_t count,
          int64_t size) {
  for (int64_t h = 0; h < heads; ++h) {
    const char* x = from.data + h * from.head_stride;
    char* y = to.data + h * to.head_stride;
    if (from.element_stride == size && to.element_stride == size) {
      memcpy(y, x, static_cast<size_t>(count * size));
      continue;
    }
    for (int64_t e = 0; e < count; ++e) {
      memcpy(y + e * to.element_stride, x + e * from.element_stride,
             static_cast<size_t>(size));
    }
  }
}

}  // namespace

void MoveRun(const FusedCall& call, int64_t index, const HeadRun& run) {
  const FusedTensor& fused = call.tensors[index];
  const Cache& from = fused.source;
  const Cache& to = fused.cache;
  const int64_t size = StorageSize(to.storage);
  const int64_t heads = fused.tensor.heads;
  const int64_t head_dim = fused.tensor.head_dim;
  const int64_t count =
      to.storage == kStoredQ8_0 ? head_dim / kBlockElements : head_dim;
  for (int64_t i = 0; i < run.end - run.token; ++i) {
    Copy(SlotIn(from.data, size, from.block_size, from.strides,
                run.source_slot + i),
         SlotIn(to.data, size, to.block_size, to.strides, run.slot + i), heads,
         count, size);
    if (!to.makes_scales || to.scales == nullptr) continue;
    const int64_t scale_size = ElementSize(to.scales_dtype);
    Copy(SlotIn(from.scales, scale_size, from.block_size, from.scales_strides,
                run.source_slot + i),
         SlotIn(to.scales, scale_size, to.block_size, to.scales_strides,
                run.slot + i),
         heads, 1, scale_size);
  }
}

}  // namespace rotary
