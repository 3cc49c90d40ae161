// Where Highway's cache control is called outside of vector code.

#include "hwy/cache_control.h"
#include "lib/kernels/kernels.h"

namespace rotary {

void FenceStreams() { hwy::FlushStream(); }

}  // namespace rotary
