#include "lib/import/refusal.h"

#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <cstddef>

namespace rotary_import {
namespace {

// The end of a text that is too long, as it is what tells keys apart.  A file's
// keys may be of any bytes, or of none: what would end or hide the name is "?".
void CopyEnd(const std::string& from, char* to, size_t size) {
  const size_t kept = from.size() < size ? from.size() : size - 1;
  const auto end =
      std::transform(from.end() - static_cast<std::ptrdiff_t>(kept), from.end(),
                     to, [](char c) {
                       const auto code = static_cast<unsigned char>(c);
                       return code < ' ' || code == 127 ? '?' : c;
                     });
  *end = '\0';
  if (kept == 0) memcpy(to, "?", 2);
}

}  // namespace

rotary_status Refusal::Tell(rotary_error* error) const {
  if (error != nullptr) {
    memset(error, 0, sizeof(*error));
    error->status = status;
    error->tensor = -1;
    error->token = -1;
    CopyEnd(argument, error->argument, sizeof(error->argument));
    // A part of a message that is too long is better than none.
    snprintf(error->message, sizeof(error->message), "%s: %s", error->argument,
             message.c_str());
  }
  return status;
}

}  // namespace rotary_import
