// A model's scaling as an argument.  Used by config/embedding_config.cc.

#ifndef ROTARY_LIB_CONFIG_SCALING_CONFIG_H_
#define ROTARY_LIB_CONFIG_SCALING_CONFIG_H_

#include "include/rotary/rotary.h"
#include "lib/frequencies/scaling.h"

namespace rotary {

// Reads and checks *scaling (nullptr: none) into `model`, whose count,
// freq_dim and base are there, all but the elements of its lists.
rotary_status ReadScaling(const rotary_scaling* scaling, Model* model,
                          rotary_error* error);

// The elements.
rotary_status CheckLists(const Model& model, rotary_error* error);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_SCALING_CONFIG_H_
