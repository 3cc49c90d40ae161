// Numbers of a config.json that each model has under a name of its own, of a
// layer's kind.  Used by config_model.cc.

#ifndef ROTARY_LIB_IMPORT_CONFIG_VALUES_H_
#define ROTARY_LIB_IMPORT_CONFIG_VALUES_H_

#include <string>

#include "lib/import/config_part.h"
#include "lib/import/json_object.h"
#include "lib/import/rotation.h"

namespace rotary_import {

// The base: of a rope's own, the model's, or its type.
Found<double> BaseOf(const ConfigPart& part, const JsonObject& rope,
                     const std::string& kind);

// What the model was trained on, for sequences of up to `longest`.
Found<double> TrainedLength(const ConfigPart& part, double longest);

// What queries alone are multiplied by.
void ReadQueryScaling(const ConfigPart& part, const JsonObject& rope,
                      Rotation* rotation);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_CONFIG_VALUES_H_
