// The part of a config.json that describes a decoder of text or an encoder of
// images, what is known of its type, and the kinds of its layers.  Used by
// config_model.cc.

#ifndef ROTARY_LIB_IMPORT_CONFIG_PART_H_
#define ROTARY_LIB_IMPORT_CONFIG_PART_H_

#include <rotary/import.h>
#include <stdint.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "lib/import/json_object.h"
#include "lib/import/model_types.h"

namespace rotary_import {

constexpr char kFull[] = "full_attention";
constexpr char kSliding[] = "sliding_attention";

struct ConfigPart {
  JsonObject object;
  std::string type_name;  // "" if the file has none
  const ModelType* type;  // nullptr if it is not known

  bool Has(ModelTrait trait) const {
    return type != nullptr && (type->traits & trait) != 0;
  }
  // "model_type llama", of what the table says.
  std::string TypeSource() const { return "model_type " + type_name; }

  // The first of these keys that is there.
  Found<int64_t> FirstWhole(std::initializer_list<const char*> keys) const;
  Found<double> FirstNumber(std::initializer_list<const char*> keys) const;
};

// `root` must stay.
ConfigPart FindPart(const JsonObject& root, rotary_model_part part);

// Of each layer, "full_attention" and the like; none if the file does not tell
// how many there are.  What does not rotate at all is "".
std::vector<std::string> LayerKinds(const ConfigPart& part);

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_CONFIG_PART_H_
