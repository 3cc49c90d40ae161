#include "lib/inspect/options.h"

#include <algorithm>
#include <charconv>

#include "lib/inspect/failure.h"

namespace rotary_inspect {
namespace {

// What a position may be: see Accuracy in rotary.h.
constexpr int64_t kMostPosition = INT32_MAX;
constexpr double kMostLength = 0x1p53;

// The layouts whose pairs follow from sections alone.
struct LayoutName {
  const char* name;
  rotary_axes_layout layout;
};
constexpr LayoutName kLayouts[] = {
    {"sections", ROTARY_AXES_SECTIONS},
    {"sections_ggml", ROTARY_AXES_SECTIONS_GGML},
    {"interleaved", ROTARY_AXES_INTERLEAVED},
    {"interleaved_ggml", ROTARY_AXES_INTERLEAVED_GGML},
    {"alternating_last", ROTARY_AXES_ALTERNATING_LAST},
    {"blocks", ROTARY_AXES_BLOCKS},
};

template <class Number>
Number ToNumber(const std::string& option, const std::string& text,
                Number least, Number most, const char* what) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, number);
  // Written so that NaN is refused.
  if (result.ec != std::errc() || result.ptr != end ||
      !(number >= least && number <= most)) {
    throw WrongUsage(option + " takes " + what + ", not \"" + text + "\"");
  }
  return number;
}

std::vector<int64_t> ToPositions(const std::string& text) {
  std::vector<int64_t> positions;
  size_t begin = 0;
  while (begin <= text.size()) {
    const size_t comma = std::min(text.find(',', begin), text.size());
    positions.push_back(ToNumber<int64_t>(
        "--positions", text.substr(begin, comma - begin), -kMostPosition,
        kMostPosition, "whole numbers within +-2147483647, with commas"));
    begin = comma + 1;
  }
  return positions;
}

rotary_model_part ToPart(const std::string& text) {
  if (text == "text") return ROTARY_PART_TEXT;
  if (text == "vision") return ROTARY_PART_VISION;
  throw WrongUsage("--part takes text or vision, not \"" + text + "\"");
}

rotary_pairing ToPairing(const std::string& text) {
  if (text == "half") return ROTARY_HALF;
  if (text == "interleaved") return ROTARY_INTERLEAVED;
  throw WrongUsage("--pairing takes half or interleaved, not \"" + text + "\"");
}

rotary_axes_layout ToLayout(const std::string& text) {
  for (const LayoutName& known : kLayouts) {
    if (text == known.name) return known.layout;
  }
  throw WrongUsage(
      "--axes-layout takes one of those that --help names, not \"" + text +
      "\"");
}

void SetValue(const std::string& option, const std::string& value,
              Options* options) {
  if (option == "--part") {
    options->import.part = ToPart(value);
  } else if (option == "--pairing") {
    options->import.pairing = ToPairing(value);
  } else if (option == "--axes-layout") {
    options->import.axes_layout = ToLayout(value);
  } else if (option == "--head-dim") {
    options->import.head_dim = ToNumber<int64_t>(option, value, 1, INT32_MAX,
                                                 "a whole number of 1 or more");
  } else if (option == "--length") {
    options->import.length =
        ToNumber(option, value, 1.0, kMostLength, "a number of tokens");
  } else if (option == "--layer") {
    options->layer = ToNumber<int64_t>(option, value, 0, INT32_MAX,
                                       "a whole number of 0 or more");
  } else if (option == "--positions") {
    options->positions = ToPositions(value);
  } else {
    if (!EndsWith(value, ".png") && !EndsWith(value, ".svg")) {
      throw WrongUsage("--plot takes the name of a .png or .svg, not \"" +
                       value + "\"");
    }
    options->plot = value;
  }
}

bool TakesValue(const std::string& option) {
  static constexpr const char* kOptions[] = {
      "--part",   "--pairing", "--axes-layout", "--head-dim",
      "--length", "--layer",   "--positions",   "--plot"};
  for (const char* known : kOptions) {
    if (option == known) return true;
  }
  return false;
}

}  // namespace

bool EndsWith(const std::string& text, const std::string& end) {
  return text.size() >= end.size() &&
         text.compare(text.size() - end.size(), end.size(), end) == 0;
}

Options ParseOptions(const std::vector<std::string>& arguments) {
  Options options;
  rotary_import_options_init(&options.import, sizeof(options.import));
  bool named = false;
  bool ended = false;
  for (size_t i = 0; i < arguments.size(); ++i) {
    const std::string& argument = arguments[i];
    if (ended || argument.compare(0, 2, "--") != 0) {
      if (!ended && argument.size() > 1 && argument[0] == '-') {
        throw WrongUsage("unknown option \"" + argument + "\"");
      }
      if (named) throw WrongUsage("takes one file only");
      options.file = argument;
      named = true;
      continue;
    }
    const size_t equals = argument.find('=');
    const std::string name = argument.substr(0, equals);
    const bool joined = equals != std::string::npos;
    if (argument == "--") {
      ended = true;
    } else if (argument == "--json") {
      options.json = true;
    } else if (argument == "--help") {
      options.help = true;
    } else if (argument == "--version") {
      options.version = true;
    } else if (!TakesValue(name)) {
      throw WrongUsage("unknown option \"" + argument + "\"");
    } else if (joined) {
      SetValue(name, argument.substr(equals + 1), &options);
    } else if (i + 1 < arguments.size()) {
      SetValue(name, arguments[++i], &options);
    } else {
      throw WrongUsage(name + " needs a value");
    }
  }
  if (!named && !options.help && !options.version) {
    throw WrongUsage("no file is given");
  }
  return options;
}

}  // namespace rotary_inspect
