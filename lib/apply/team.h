// Threads: runs slices on an OpenMP team, or in the calling thread.  The only
// place that knows OpenMP.

#ifndef ROTARY_LIB_APPLY_TEAM_H_
#define ROTARY_LIB_APPLY_TEAM_H_

#include <stdint.h>

namespace rotary {

using SliceFunction = void (*)(const void* work, int64_t slice,
                               int64_t num_slices);

// Whether this build has OpenMP.
bool HasOpenMP();

// Runs every slice of `work` once, in as many threads as there are `useful`
// slices, processors, and in what num_threads allows: 1 = this thread, without
// entering the OpenMP runtime; n = at most n; 0 = any number.
void RunTeam(int32_t num_threads, int64_t useful, SliceFunction function,
             const void* work);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_TEAM_H_
