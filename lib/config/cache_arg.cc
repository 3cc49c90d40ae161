#include "lib/config/cache_arg.h"

#include <algorithm>

#include "lib/config/common_args.h"
#include "lib/config/structs.h"

namespace rotary {
namespace {

// The names of fields, for errors; strides by the dimension of a region.
struct CacheNames {
  const char* struct_size;
  const char* data;
  const char* block_size;
  const char* strides[kRegionDims];
  const char* dtype;
  const char* scale_kind;
  const char* scales_dtype;
  const char* scales;
  const char* scales_strides[kRegionDims];
  const char* saturated;
};
#define ROTARY_CACHE_NAMES(name)                                         \
  {                                                                      \
    name ".struct_size", name ".data", name ".block_size",               \
        {name ".block_stride", name ".slot_stride", name ".head_stride", \
         name ".element_stride"},                                        \
        name ".dtype", name ".scale_kind", name ".scales_dtype",         \
        name ".scales",                                                  \
        {name ".scales_block_stride", name ".scales_slot_stride",        \
         name ".scales_head_stride", name ".scales_element_stride"},     \
        name ".saturated"                                                \
  }
constexpr CacheNames kNames[] = {ROTARY_CACHE_NAMES("cache"),
                                 ROTARY_CACHE_NAMES("source")};

// What a cache is read for: its names, and where errors and memory go.
struct CacheReader {
  const CacheNames& names;
  int64_t index;
  bool writes;
  Uses* uses;
  FusionFailure fail;
};

int64_t At(const CacheStrides& strides, int dim) {
  const int64_t all[] = {strides.block, strides.slot, strides.head,
                         strides.element};
  return all[dim - 1];
}

struct CacheShape {
  int64_t blocks;
  int64_t block_size;
  int64_t heads;
  int64_t elements;  // of a head
};

// ROTARY_DENSE replaced by what it stands for, what is not used by 0.
CacheStrides ReadStrides(const CacheShape& shape, const CacheStrides& from) {
  // Wrapping: what does not fit is of dimensions that are refused.
  const uint64_t head = static_cast<uint64_t>(shape.elements);
  const uint64_t slot = static_cast<uint64_t>(shape.heads) * head;
  const uint64_t block = static_cast<uint64_t>(shape.block_size) * slot;
  CacheStrides strides = from;
  strides.block = ReadStride(from.block, shape.blocks, block);
  strides.slot = ReadStride(from.slot, shape.block_size, slot);
  strides.head = ReadStride(from.head, shape.heads, head);
  if (strides.element == ROTARY_DENSE) strides.element = 1;
  return strides;
}

rotary_status ReadMemory(const CacheReader& r, const CacheShape& shape,
                         const CacheStrides& strides, const char* const* names,
                         const char* data_name, const void* data, int64_t size,
                         int64_t alignment, bool writes) {
  const FusionFailure& fail = r.fail;
  if (data == nullptr) return fail.Null(data_name);
  if (reinterpret_cast<uintptr_t>(data) % static_cast<uintptr_t>(alignment) !=
      0) {
    return fail(data_name, reinterpret_cast<intptr_t>(data),
                "must be aligned to its element");
  }
  Use* use = r.uses->Add(r.index, data_name, data, writes);
  use->is_side = true;
  const Strides outer = {strides.block, strides.slot, strides.head};
  if (const int dim = MakeRegion(data, {shape.blocks, shape.block_size},
                                 shape.heads, shape.elements, outer,
                                 strides.element, size, &use->region)) {
    return fail(names[dim - 1], At(strides, dim),
                "reaches further than memory can");
  }
  if (!writes) return ROTARY_OK;
  const int dim = CoincidingDim(use->region);
  if (dim == 0) return ROTARY_OK;
  return fail(names[dim - 1], At(strides, dim),
              "less than what it steps over: elements coincide",
              ROTARY_ERROR_OVERLAP);
}

rotary_status ReadScales(const CacheReader& r, const rotary_cache& from,
                         const CacheShape& shape, Cache* cache) {
  const FusionFailure& fail = r.fail;
  cache->scales = nullptr;
  cache->makes_scales = from.scale_kind == ROTARY_SCALES_MADE;
  const bool bytes =
      cache->storage >= kStoredI8 && cache->storage <= kStoredE5M2;
  if (from.scale_kind != ROTARY_SCALES_NONE &&
      from.scale_kind != ROTARY_SCALES_MADE &&
      from.scale_kind != ROTARY_SCALES_GIVEN) {
    return fail(r.names.scale_kind, from.scale_kind,
                "must be ROTARY_SCALES_NONE, MADE or GIVEN");
  }
  if (from.scale_kind == ROTARY_SCALES_NONE) {
    if (cache->storage == kStoredI8) {
      return fail(r.names.scale_kind, from.scale_kind,
                  "must be ROTARY_SCALES_MADE or GIVEN for ROTARY_I8");
    }
    if (from.scales == nullptr) return ROTARY_OK;
    return fail.None(r.names.scales, "is given, but not its scale_kind");
  }
  if (!bytes) {
    return fail(r.names.scale_kind, from.scale_kind,
                "must be ROTARY_SCALES_NONE for this dtype");
  }
  if (!ReadDtype(from.scales_dtype, &cache->scales_dtype)) {
    return fail(r.names.scales_dtype, from.scales_dtype,
                "must be ROTARY_F32, F16 or BF16");
  }
  CacheShape scales = shape;
  scales.elements = 1;
  cache->scales_strides = ReadStrides(
      scales, {from.scales_block_stride, from.scales_slot_stride,
               from.scales_head_stride, from.scales_element_stride});
  if (cache->makes_scales && from.scales_element_stride != 0) {
    return fail(r.names.scales_strides[3], from.scales_element_stride,
                "must be 0 where scales are made");
  }
  if (from.scales_element_stride != 0) scales.elements = shape.elements;
  cache->scales = from.scales;
  const int64_t size = ElementSize(cache->scales_dtype);
  return ReadMemory(r, scales, cache->scales_strides, r.names.scales_strides,
                    r.names.scales, from.scales, size, size,
                    r.writes && cache->makes_scales);
}

}  // namespace

bool ReadStorage(rotary_dtype dtype, Storage* storage) {
  switch (dtype) {
    case ROTARY_F32:
      *storage = kStoredF32;
      return true;
    case ROTARY_F16:
      *storage = kStoredF16;
      return true;
    case ROTARY_BF16:
      *storage = kStoredBF16;
      return true;
    case ROTARY_I8:
      *storage = kStoredI8;
      return true;
    case ROTARY_F8_E4M3:
      *storage = kStoredE4M3;
      return true;
    case ROTARY_F8_E5M2:
      *storage = kStoredE5M2;
      return true;
    case ROTARY_Q8_0:
      *storage = kStoredQ8_0;
      return true;
    default:
      return false;
  }
}

rotary_status ReadCache(const rotary_cache* from, bool is_source, int64_t index,
                        int64_t heads, int64_t head_dim, int64_t num_slots,
                        Cache* cache, rotary_pairing* pairing,
                        int64_t** saturated, Uses* uses, rotary_error* error) {
  const CacheNames& names = kNames[is_source ? 1 : 0];
  const CacheReader r = {names, index, !is_source, uses, {index, error}};
  const FusionFailure& fail = r.fail;
  rotary_cache copy;
  const rotary_cache* view = ViewStruct(from, &copy);
  if (view == nullptr) {
    return fail(names.struct_size, static_cast<int64_t>(from->struct_size),
                "no known size (was its init function called?), or a field is "
                "set that this version has not",
                ROTARY_ERROR_STRUCT_SIZE);
  }
  const rotary_cache& in = *view;
  if (!ReadStorage(in.dtype, &cache->storage)) {
    return fail(names.dtype, in.dtype,
                "must be ROTARY_F32, F16, BF16, I8, F8_E4M3, F8_E5M2 or Q8_0");
  }
  if (in.block_size < 0) {
    return fail(names.block_size, in.block_size, "must not be negative");
  }
  const bool blocks = cache->storage == kStoredQ8_0;
  if (blocks && head_dim % kBlockElements != 0) {
    return fail(names.dtype, in.dtype, "needs a head_dim of whole blocks");
  }
  if (blocks && in.element_stride != ROTARY_DENSE && in.element_stride != 1) {
    return fail(names.strides[3], in.element_stride,
                "must be 1 for ROTARY_Q8_0");
  }
  *pairing = in.pairing;
  *saturated = in.saturated;
  if (in.saturated != nullptr && r.writes) {
    if (reinterpret_cast<uintptr_t>(in.saturated) % sizeof(int64_t) != 0) {
      return fail(names.saturated, reinterpret_cast<intptr_t>(in.saturated),
                  "must be aligned to its element");
    }
    Use* use = uses->Add(index, names.saturated, in.saturated, true);
    use->counts = true;
    use->region = MakeRegion(in.saturated, sizeof(int64_t));
  }
  const int64_t block_size =
      in.block_size == 0 ? std::max(num_slots, int64_t{1}) : in.block_size;
  const CacheShape shape = {(num_slots - 1) / block_size + 1, block_size, heads,
                            StoredElements(cache->storage, head_dim)};
  cache->data = in.data;
  cache->block_size = block_size;
  cache->strides = ReadStrides(shape, {in.block_stride, in.slot_stride,
                                       in.head_stride, in.element_stride});
  // Of no slots or heads there need not be any memory.
  if (num_slots == 0 || heads == 0) {
    cache->scales = nullptr;
    return ROTARY_OK;
  }
  const int64_t size = StorageSize(cache->storage);
  const rotary_status status =
      ReadMemory(r, shape, cache->strides, names.strides, names.data, in.data,
                 size, blocks ? 2 : size, r.writes);
  if (status != ROTARY_OK) return status;
  return ReadScales(r, in, shape, cache);
}

bool AreAlike(const Cache& from, const Cache& to) {
  if (from.storage != to.storage || from.makes_scales != to.makes_scales) {
    return false;
  }
  if (from.scales == nullptr || to.scales == nullptr) {
    return from.scales == to.scales;
  }
  if (from.scales_dtype != to.scales_dtype) return false;
  if (to.makes_scales) return true;
  // Given scales are the same for all slots, or they may differ.
  const CacheStrides& a = from.scales_strides;
  const CacheStrides& b = to.scales_strides;
  return from.scales == to.scales && a.block == 0 && b.block == 0 &&
         a.slot == 0 && b.slot == 0 && a.head == b.head &&
         a.element == b.element;
}

bool AreOneCache(const Cache& a, const Cache& b) {
  const auto equal = [](const CacheStrides& x, const CacheStrides& y) {
    return x.block == y.block && x.slot == y.slot && x.head == y.head &&
           x.element == y.element;
  };
  return a.data == b.data && a.storage == b.storage &&
         a.block_size == b.block_size && equal(a.strides, b.strides) &&
         a.scales == b.scales &&
         (a.scales == nullptr || equal(a.scales_strides, b.scales_strides));
}

}  // namespace rotary
