// What makes an import fail: thrown within lib/import, told to the caller by
// import.cc.

#ifndef ROTARY_LIB_IMPORT_REFUSAL_H_
#define ROTARY_LIB_IMPORT_REFUSAL_H_

#include <rotary/rotary.h>

#include <string>
#include <utility>

namespace rotary_import {

struct Refusal {
  // `argument` is a key of the file, or what the caller gave.
  Refusal(std::string in_argument, std::string in_message,
          rotary_status in_status = ROTARY_ERROR_ARGUMENT)
      : status(in_status),
        argument(std::move(in_argument)),
        message(std::move(in_message)) {}

  // Writes it to *error, unless that is NULL, and returns the status.
  rotary_status Tell(rotary_error* error) const;

  rotary_status status;
  std::string argument;
  std::string message;
};

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_REFUSAL_H_
