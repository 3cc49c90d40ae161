// Fused passes beside the passes that do the same one after the other, and
// beside the streams of both.  Used by rotate_bench.cc.

#ifndef ROTARY_BENCH_FUSED_BENCH_H_
#define ROTARY_BENCH_FUSED_BENCH_H_

#include "bench/memory.h"

namespace rotary_bench {

// Registers fused/<what>/<model>-<step>/<input>-<cache>/t<threads>.
void RegisterFused(const Memory& memory);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_FUSED_BENCH_H_
