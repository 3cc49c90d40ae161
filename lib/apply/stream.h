// When an output is better written past the caches.

#ifndef ROTARY_LIB_APPLY_STREAM_H_
#define ROTARY_LIB_APPLY_STREAM_H_

#include <stdint.h>

namespace rotary {

// Whether outputs of so many bytes, written out of place, do not fit into the
// last-level cache anyway.
bool StreamPays(int64_t bytes);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_STREAM_H_
