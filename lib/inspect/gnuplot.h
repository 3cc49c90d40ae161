// Runs gnuplot as a child process.

#ifndef ROTARY_LIB_INSPECT_GNUPLOT_H_
#define ROTARY_LIB_INSPECT_GNUPLOT_H_

#include <string>

namespace rotary_inspect {

// What it writes to its standard output for this script.  Throws a Failure.
std::string RunGnuplot(const std::string& script);

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_GNUPLOT_H_
