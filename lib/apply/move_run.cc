#include "lib/apply/move_run.h"

#include <string.h>

#include "lib/apply/chunk.h"

namespace rotary {
namespace {

// `count` elements of each head, of `size` bytes each.
void Copy(const Place& from, const Place& to, int64_t heads, int64_t count,
          int64_t size) {
  const bool dense = from.element_stride == 1 && to.element_stride == 1;
  for (int64_t h = 0; h < heads; ++h) {
    const char* x = from.data + h * from.head_stride * size;
    char* y = to.data + h * to.head_stride * size;
    if (dense) {
      memcpy(y, x, static_cast<size_t>(count * size));
      continue;
    }
    for (int64_t e = 0; e < count; ++e) {
      memcpy(y + e * to.element_stride * size,
             x + e * from.element_stride * size, static_cast<size_t>(size));
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
  const int64_t count = StoredElements(to.storage, fused.tensor.head_dim);
  for (int64_t i = 0; i < run.end - run.token; ++i) {
    const int64_t source = run.source_slot + i;
    const int64_t slot = run.slot + i;
    Copy(PlaceIn(from, source), PlaceIn(to, slot), heads, count, size);
    if (!to.makes_scales || to.scales == nullptr) continue;
    Copy(ScalesPlaceIn(from, source), ScalesPlaceIn(to, slot), heads, 1,
         ElementSize(to.scales_dtype));
  }
}

}  // namespace rotary
