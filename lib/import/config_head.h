// Which elements of a head rotate, in which pairs and by which axes, as a
// config.json and its model_type have it.  Used by config_model.cc.

#ifndef ROTARY_LIB_IMPORT_CONFIG_HEAD_H_
#define ROTARY_LIB_IMPORT_CONFIG_HEAD_H_

#include <rotary/import.h>

#include <string>

#include "lib/import/config_part.h"
#include "lib/import/json_object.h"
#include "lib/import/rotation.h"

namespace rotary_import {

// Sets pairing, head_dim, rotary_dim, rotary_offset and axes for layers of a
// kind, whose rope's parameters are `rope`.
void ReadHead(const ConfigPart& part, const JsonObject& rope,
              const std::string& kind, const rotary_import_options& options,
              Rotation* rotation);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_CONFIG_HEAD_H_
