// The arguments that several calls have: positions, mode, target, threads.

#ifndef ROTARY_LIB_CONFIG_COMMON_ARGS_H_
#define ROTARY_LIB_CONFIG_COMMON_ARGS_H_

#include "include/rotary/rotary.h"
#include "lib/config/region.h"
#include "lib/kernels/kernels.h"
#include "lib/rows/positions.h"
#include "lib/rows/rows.h"

namespace rotary {

// Reads and checks every position of [batch][tokens].  `region`: their memory.
rotary_status ReadPositionsArg(const rotary_positions* from, int64_t batch,
                               int64_t tokens, Positions* positions,
                               Region* region, rotary_error* error);

rotary_status ReadMode(rotary_mode mode, double gain, RowFactors* factors,
                       rotary_error* error);

rotary_status ReadTarget(const char* name, Kernels* kernels,
                         rotary_error* error);

rotary_status ReadDefaultTarget(const char** name, rotary_error* error);

rotary_status ReadThreads(int32_t num_threads, rotary_error* error);

// batch and tokens, and that their product fits.
rotary_status ReadTokens(int64_t batch, int64_t tokens, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_COMMON_ARGS_H_
