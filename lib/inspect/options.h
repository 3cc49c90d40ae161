// The command line of rotary_inspect.  Read by main.cc.

#ifndef ROTARY_LIB_INSPECT_OPTIONS_H_
#define ROTARY_LIB_INSPECT_OPTIONS_H_

#include <rotary/import.h>
#include <stdint.h>

#include <string>
#include <vector>

namespace rotary_inspect {

struct Options {
  std::string file;
  rotary_import_options import;
  bool json = false;
  bool help = false;
  bool version = false;
  int64_t layer = -1;  // all
  std::vector<int64_t> positions;
  std::string plot;  // where the picture goes, if there is to be one
};

// Throws WrongUsage.  With help or version the rest may be missing.
Options ParseOptions(const std::vector<std::string>& arguments);

// Some lines; and the manual, which begins with them.
extern const char kUsage[];
extern const char kManual[];

bool EndsWith(const std::string& text, const std::string& end);

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_OPTIONS_H_
