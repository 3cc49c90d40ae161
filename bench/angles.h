// The angles of a workload by the formula, in long double.  Used by
// reference.cc, source.cc and peers/.

#ifndef ROTARY_BENCH_ANGLES_H_
#define ROTARY_BENCH_ANGLES_H_

#include <stdint.h>

#include "bench/workloads.h"

namespace rotary_bench {

// The frequency of a pair.  The axes have equal blocks of pairs, in each of
// which the frequencies begin again.
long double InvFreq(const Workload& workload, int64_t pair);

// The same as models of HF have it.
float HfInvFreq(const Workload& workload, int64_t pair);

// By how much a pair of a token turns; of a kHfEmbedding with the roundings
// that HF has.
long double Angle(const Workload& workload, int64_t token, int64_t pair);

}  // namespace rotary_bench

#endif  // ROTARY_BENCH_ANGLES_H_
