#include "lib/inspect/text.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include <charconv>
#include <variant>
#include <vector>

namespace rotary_inspect {
namespace {

// The shortest that reads back as the same; 500000, not 5e+05.
std::string Shortest(double number) {
  if (fabs(number) < 1e9 && number == rint(number)) {
    return Format("%.0f", number);
  }
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number);
  return {text, end.ptr};
}

struct ValueText {
  std::string operator()(std::monostate) const { return "not set"; }
  std::string operator()(int64_t number) const {
    return std::to_string(number);
  }
  std::string operator()(double number) const { return Shortest(number); }
  std::string operator()(const std::string& text) const { return text; }
  // Of a long one its ends.
  std::string operator()(const std::vector<double>& list) const {
    std::string text = "[";
    const bool cut = list.size() > kMost;
    for (size_t i = 0; i < list.size(); ++i) {
      if (cut && i >= 2 && i + 1 < list.size()) continue;
      if (i > 0) text += cut && i > 2 ? ", .., " : ", ";
      text += Format("%.6g", list[i]);
    }
    text += "]";
    return cut ? text + " (" + std::to_string(list.size()) + ")" : text;
  }
  static constexpr size_t kMost = 8;
};

// A number of a table, or a dash.
std::string Cell(double number) {
  return isfinite(number) ? Format("%.6g", number) : "-";
}

std::string Heading(const Report& report, const RotationReport& rotation) {
  std::string text =
      Format("\nrotation %lld", static_cast<long long>(rotation.index));
  if (!rotation.name.empty()) text += " (" + rotation.name + ")";
  if (!rotation.layers.empty()) {
    return text + ": layers " + Ranges(rotation.layers) + "\n";
  }
  return text + (report.layers == 0 ? ": the file does not tell its layers\n"
                                    : ": of no layer\n");
}

std::string PairTable(const Report& report, const RotationReport& rotation) {
  const bool axes = rotation.num_axes > 1;
  std::string text = Format(
      "\n  pair  %s%14s  %14s  %14s  %14s\n        %s%14s  %14s\n",
      axes ? "axis  " : "", "inv_freq", "wavelength", "x unscaled", "turns",
      axes ? "      " : "", report.is_vision ? "[rad/position]" : "[rad/token]",
      Format("[%s]", Unit(report)).c_str());
  for (size_t i = 0; i < rotation.pairs.size(); ++i) {
    const Pair& pair = rotation.pairs[i];
    text += Format("  %4zu  ", i);
    if (axes) {
      text += pair.axis < 0
                  ? "   -  "
                  : Format("%4lld  ", static_cast<long long>(pair.axis));
    }
    const std::string wavelength =
        pair.inv_freq == 0.0 ? "does not turn" : Cell(pair.wavelength);
    text +=
        Format("%14.6g  %14s  %14s  %14s\n", pair.inv_freq, wavelength.c_str(),
               Cell(pair.ratio).c_str(), Cell(pair.turns).c_str());
  }
  return text;
}

// How the slow pairs fare.
std::string Summary(const Report& report, const RotationReport& rotation) {
  std::string text = "\n  ";
  const size_t all = rotation.pairs.size();
  if (rotation.trained_length > 0.0) {
    const std::string within = " less than once within " +
                               Shortest(rotation.trained_length) + " " +
                               Unit(report);
    if (rotation.below_one_turn.empty()) {
      text += "none of " + std::to_string(all) + " pairs turns" + within;
    } else {
      text +=
          Format("%zu of %zu pairs turn", rotation.below_one_turn.size(), all) +
          within + ": " + Ranges(rotation.below_one_turn);
    }
  } else {
    text += "the file does not tell what length the model was trained on";
  }
  if (!rotation.do_not_turn.empty()) {
    text +=
        Format("\n  %zu do not turn at all: ", rotation.do_not_turn.size()) +
        Ranges(rotation.do_not_turn);
  }
  return text + "\n";
}

std::string PositionTable(const RotationReport& rotation,
                          const PositionRow& row) {
  std::string text =
      Format("\n  position %lld%s; cos and sin are times the gain, %s\n",
             static_cast<long long>(row.position),
             rotation.num_axes > 1 ? " on every axis" : "",
             Shortest(rotation.gain).c_str()) +
      Format("  pair  %22s  %13s  %13s\n", "angle [rad]", "cos", "sin");
  for (size_t i = 0; i < row.angle.size(); ++i) {
    text += Format("  %4zu  %22.15g  %13.9g  %13.9g\n", i, row.angle[i],
                   static_cast<double>(row.cos[i]),
                   static_cast<double>(row.sin[i]));
  }
  return text;
}

std::string RotationText(const Report& report, const RotationReport& rotation) {
  std::string text = Heading(report, rotation);
  for (const Field& field : rotation.fields) {
    const std::string value = std::visit(ValueText(), field.value);
    text += Format("  %-30s %-26s %s\n", field.name.c_str(), value.c_str(),
                   field.source.c_str());
  }
  if (rotation.depends_on_length && report.length == 0.0) {
    text +=
        "  It is another one for longer sequences: see --length of --help.\n";
  }
  text += PairTable(report, rotation) + Summary(report, rotation);
  for (const PositionRow& row : rotation.positions) {
    text += PositionTable(rotation, row);
  }
  return text;
}

}  // namespace

std::string Format(const char* format, ...) {
  va_list arguments;
  va_start(arguments, format);
  va_list again;
  va_copy(again, arguments);
  const int size = vsnprintf(nullptr, 0, format, arguments);
  va_end(arguments);
  std::string text(static_cast<size_t>(size > 0 ? size : 0) + 1, '\0');
  vsnprintf(text.data(), text.size(), format, again);
  va_end(again);
  text.pop_back();
  return text;
}

std::string Printable(const std::string& text) {
  std::string kept = text;
  for (char& letter : kept) {
    const auto code = static_cast<unsigned char>(letter);
    if ((code < ' ' && letter != '\n') || code == 0x7f) letter = '?';
  }
  return kept;
}

std::string TextOf(const Report& report) {
  std::string text =
      Format("%-32s %s\n", "file", report.file.c_str()) +
      Format("%-32s %s\n", "format", report.is_gguf ? "GGUF" : "config.json") +
      Format("%-32s %s\n", "part", report.is_vision ? "vision" : "text") +
      Format(
          "%-32s %s\n", "model type",
          report.model_type.empty() ? "not told" : report.model_type.c_str()) +
      Format("%-32s %s\n", "layers",
             report.layers == 0 ? "not told"
                                : std::to_string(report.layers).c_str());
  if (!report.unrotated.empty()) {
    text += Format("%-32s %s\n", "do not rotate (NoPE)",
                   Ranges(report.unrotated).c_str());
  }
  if (report.layer >= 0 && report.rotations.empty()) {
    text += Format("\nlayer %lld does not rotate\n",
                   static_cast<long long>(report.layer));
  } else if (report.rotations.empty()) {
    text += "\nno layer rotates\n";
  }
  for (const RotationReport& rotation : report.rotations) {
    text += RotationText(report, rotation);
  }
  return Printable(text);
}

}  // namespace rotary_inspect
