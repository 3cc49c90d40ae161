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

// Runs every slice of `work` once.  num_threads: 1 = in this thread, without
// entering the OpenMP runtime; n = in at most n; 0 = as many as the processor
// has.  `useful` is how many slices are worth a thread for num_threads 0, and
// `units` how many there can be.
void RunTeam(int32_t num_threads, int64_t useful, int64_t units,
             SliceFunction function, const void* work);

}  // namespace rotary

#endif  // ROTARY_LIB_APPLY_TEAM_H_
