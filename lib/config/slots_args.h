// Which slots the tokens of a step have.  Used by api/slots.cc.

#ifndef ROTARY_LIB_CONFIG_SLOTS_ARGS_H_
#define ROTARY_LIB_CONFIG_SLOTS_ARGS_H_

#include <stddef.h>
#include <stdint.h>

#include "include/rotary/rotary.h"
#include "lib/apply/slots.h"

namespace rotary {

rotary_status ReadSlotsShape(int64_t count, int64_t num_slots, size_t* bytes,
                             rotary_error* error);

// Reads and checks everything, slots included.
rotary_status ReadSlotsArgs(const rotary_slots_args* from, void* memory,
                            size_t bytes, SlotsCall* call, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_SLOTS_ARGS_H_
