// The values of a rotation with their sources, those that the file does not
// tell included.  Made for report.cc.

#ifndef ROTARY_LIB_INSPECT_FIELDS_H_
#define ROTARY_LIB_INSPECT_FIELDS_H_

#include <rotary/import.h>
#include <stdint.h>

#include <string>
#include <variant>
#include <vector>

namespace rotary_inspect {

// Nothing: not set, or not told.
using FieldValue = std::variant<std::monostate, int64_t, double, std::string,
                                std::vector<double>>;

struct Field {
  std::string name;  // as rotary_model_value has it
  FieldValue value;
  std::string source;
};

// Of the model's index-th rotation, which has this embedding.
std::vector<Field> FieldsOf(const rotary_model* model, int64_t index,
                            const rotary_rotation& rotation,
                            const rotary_embedding* embedding);

// Whether it is another one for longer sequences.
bool DependsOnLength(const rotary_rotation& rotation);

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_FIELDS_H_
