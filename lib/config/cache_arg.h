// A cache as an argument.  Used by config/fused_tensor.cc.

#ifndef ROTARY_LIB_CONFIG_CACHE_ARG_H_
#define ROTARY_LIB_CONFIG_CACHE_ARG_H_

#include "include/rotary/rotary.h"
#include "lib/apply/fused.h"
#include "lib/config/fused_failure.h"

namespace rotary {

// The storage of a dtype; false: it is none.
bool ReadStorage(rotary_dtype dtype, Storage* storage);

// Reads and checks a cache by itself, which tensor `index` with so many heads
// and slots goes to, or comes from.
rotary_status ReadCache(const rotary_cache* from, bool is_source, int64_t index,
                        int64_t heads, int64_t head_dim, int64_t num_slots,
                        Cache* cache, rotary_pairing* pairing,
                        int64_t** saturated, Uses* uses, rotary_error* error);

// Whether what is in one cache means the same in the other, in any slots.
bool AreAlike(const Cache& from, const Cache& to);

bool AreOneCache(const Cache& a, const Cache& b);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_CACHE_ARG_H_
