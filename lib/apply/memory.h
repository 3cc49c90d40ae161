// How work that does not fit into the caches is best moved.  Called by config,
// where a call's size is known.

#ifndef ROTARY_LIB_APPLY_MEMORY_H_
#define ROTARY_LIB_APPLY_MEMORY_H_

#include <stdint.h>

namespace rotary {

// No last-level cache is smaller, so what follows is false of so many bytes and
// of fewer.
constexpr int64_t kSmallCache = int64_t{1} << 22;

// Whether so many bytes fill the last-level cache, or more.
bool FillsCaches(int64_t bytes);

// Whether input that comes from memory is better fetched by software.
bool PrefetchPays();

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_MEMORY_H_
