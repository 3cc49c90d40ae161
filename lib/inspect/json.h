// A report as JSON for programs.

#ifndef ROTARY_LIB_INSPECT_JSON_H_
#define ROTARY_LIB_INSPECT_JSON_H_

#include <string>

#include "lib/inspect/report.h"

namespace rotary_inspect {

std::string JsonOf(const Report& report);

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_JSON_H_
