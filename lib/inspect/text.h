// A report as text for people.

#ifndef ROTARY_LIB_INSPECT_TEXT_H_
#define ROTARY_LIB_INSPECT_TEXT_H_

#include <string>

#include "lib/inspect/report.h"

namespace rotary_inspect {

std::string TextOf(const Report& report);

// What may come from a file, without what a terminal would act on.
std::string Printable(const std::string& text);

// As printf has it.
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
std::string
Format(const char* format, ...);

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_TEXT_H_
