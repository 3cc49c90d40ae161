// How a call says what was wrong.  Used by config and api.

#ifndef ROTARY_LIB_CONFIG_ERROR_H_
#define ROTARY_LIB_CONFIG_ERROR_H_

#include <stddef.h>
#include <stdint.h>

#include "include/rotary/rotary.h"

namespace rotary {

// What names a failure; every field but the first two has a neutral default.
struct Failure {
  rotary_status status;
  const char* argument;  // "tokens"; of a tensor's field, the field
  int64_t value = 0;
  double real_value = 0.0;
  const char* text = nullptr;  // the value, if a string
  enum { kInteger, kReal, kText, kNone } type = kInteger;
  int32_t tensor = -1;
  int64_t token = -1;
  const char* list = "tensors";  // that the tensor's field is of
};

// Fills *error, if there is one, with the failure and the reason, a clause that
// follows "<argument> is <value>: ", or without a value "<argument> ".  Returns
// the failure's status.
[[gnu::cold]] rotary_status Fail(rotary_error* error, const Failure& failure,
                                 const char* reason);

// The common failures.  All are cold: the checks around them decide how long a
// short call takes.
[[gnu::cold]] rotary_status FailArgument(rotary_error* error,
                                         const char* argument, int64_t value,
                                         const char* reason);
[[gnu::cold]] rotary_status FailReal(rotary_error* error, const char* argument,
                                     double value, const char* reason);
[[gnu::cold]] rotary_status FailNull(rotary_error* error, const char* argument);
[[gnu::cold]] rotary_status FailMemory(rotary_error* error, size_t bytes);

// Names the argument of a failed call as that of one of several configs: "a",
// "a.base".
void NameConfig(rotary_error* error, char config);

// Renames the argument of a failed call, in its message as well.
void RenameArgument(rotary_error* error, const char* argument);

}  // namespace rotary

#endif  // ROTARY_LIB_CONFIG_ERROR_H_
