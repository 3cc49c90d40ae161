// A report as a picture.

#ifndef ROTARY_LIB_INSPECT_PLOT_H_
#define ROTARY_LIB_INSPECT_PLOT_H_

#include <string>

#include "lib/inspect/report.h"

namespace rotary_inspect {

// Draws it to a .png or .svg.  Throws a Failure.
void Plot(const Report& report, const std::string& path);

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_PLOT_H_
