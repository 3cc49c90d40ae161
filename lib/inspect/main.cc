// rotary_inspect: tells how a model rotates, as its own file says.  Its manual
// is in manual.cc.

#include <stdio.h>

#include <exception>
#include <new>
#include <string>
#include <vector>

#include "lib/inspect/failure.h"
#include "lib/inspect/json.h"
#include "lib/inspect/model_file.h"
#include "lib/inspect/options.h"
#include "lib/inspect/plot.h"
#include "lib/inspect/report.h"
#include "lib/inspect/text.h"

namespace rotary_inspect {
namespace {

void Print(const std::string& text) {
  if (fwrite(text.data(), 1, text.size(), stdout) != text.size() ||
      fflush(stdout) != 0) {
    throw Failure("the output cannot be written");
  }
}

void Complain(const std::string& message) {
  fputs(Printable("rotary_inspect: " + message + "\n").c_str(), stderr);
}

void ComplainOf(const std::string& file, const std::string& message) {
  Complain(file.empty() ? message : file + ": " + message);
}

void Run(const Options& options) {
  if (options.help) {
    Print(std::string(kUsage) + kManual);
    return;
  }
  if (options.version) {
    Print(std::string("rotary_inspect ") + rotary_version_string() + "\n");
    return;
  }
  const Report report =
      MakeReport(ReadModelFile(options.file, options.import), options);
  if (!options.plot.empty()) Plot(report, options.plot);
  Print(options.json ? JsonOf(report) : TextOf(report));
}

int Main(const std::vector<std::string>& arguments) {
  Options options;
  try {
    options = ParseOptions(arguments);
    Run(options);
    return 0;
  } catch (const WrongUsage& wrong) {
    Complain(wrong.what());
    fputs(kUsage, stderr);
    return 2;
  } catch (const std::bad_alloc&) {
    ComplainOf(options.file, "memory could not be allocated");
  } catch (const std::exception& failure) {
    ComplainOf(options.file, failure.what());
  }
  return 1;
}

}  // namespace
}  // namespace rotary_inspect

int main(int argc, char** argv) {
  return rotary_inspect::Main(
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc));
}
