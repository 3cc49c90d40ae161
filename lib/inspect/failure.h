// What ends the program with a message: main.cc alone catches it.

#ifndef ROTARY_LIB_INSPECT_FAILURE_H_
#define ROTARY_LIB_INSPECT_FAILURE_H_

#include <stdexcept>
#include <string>

namespace rotary_inspect {

// Of the file, or of what is done with it.
struct Failure : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Of the command line.
struct WrongUsage : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_FAILURE_H_
