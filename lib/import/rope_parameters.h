// The scaling that the rope_parameters (rope_scaling) of a config.json state.
// Used by config_model.cc.

#ifndef ROTARY_LIB_IMPORT_ROPE_PARAMETERS_H_
#define ROTARY_LIB_IMPORT_ROPE_PARAMETERS_H_

#include "lib/import/json_object.h"
#include "lib/import/rotation.h"

namespace rotary_import {

// What a scaling takes from elsewhere in the file, and from the caller.
struct RopeContext {
  Found<double> max_length;       // max_position_embeddings
  Found<double> original_length;  // original_max_position_embeddings
  double length = 0.0;            // of the sequences; 0: not stated
  bool yarn_is_longrope = false;
};

// Sets the scaling; throws a Refusal at a key that it does not know, or that
// its kind of scaling does not have.  What is no scaling's (rope_theta,
// mrope_section ..) has been read before.
void ReadScaling(const JsonObject& rope, const RopeContext& context,
                 Rotation* rotation);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_ROPE_PARAMETERS_H_
