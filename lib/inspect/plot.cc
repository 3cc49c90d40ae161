#include "lib/inspect/plot.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <algorithm>
#include <set>
#include <variant>

#include "lib/inspect/failure.h"
#include "lib/inspect/gnuplot.h"
#include "lib/inspect/text.h"

namespace rotary_inspect {
namespace {

// Told apart by those who do not see colors well, too.
constexpr const char* kColors[] = {"#0072b2", "#d55e00", "#009e73",
                                   "#cc79a7", "#e69f00", "#56b4e9"};
constexpr size_t kMostRotations = sizeof(kColors) / sizeof(kColors[0]);

constexpr int kWidth = 800;
constexpr int kPanels = 640;     // height of both
constexpr int kLegendLine = 20;  // of an entry
constexpr int kTitle = 40;

// A string of gnuplot's that means itself, whatever the file has.
std::string Quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '\'') quoted += "'";
    quoted += code < ' ' || code > '~' || letter == '`' ? '?' : letter;
  }
  return quoted + "'";
}

std::string NameOf(const RotationReport& rotation) {
  std::string name = rotation.name.empty()
                         ? "rotation " + std::to_string(rotation.index)
                         : rotation.name.substr(0, 40);
  if (!rotation.do_not_turn.empty()) {
    name += Format(" (%zu pairs do not turn)", rotation.do_not_turn.size());
  }
  return name;
}

std::string BaseOf(const RotationReport& rotation) {
  for (const Field& field : rotation.fields) {
    const double* base = std::get_if<double>(&field.value);
    if (field.name == "base" && base != nullptr) return Format("%.10g", *base);
  }
  return "";
}

// pair, wavelength, that of the base, and their ratio; a line is broken where
// frequencies begin again.
std::string Data(const RotationReport& rotation) {
  std::string data =
      Format("$r%lld << END\n", static_cast<long long>(rotation.index));
  for (size_t i = 0; i < rotation.pairs.size(); ++i) {
    const Pair& pair = rotation.pairs[i];
    if (i > 0 && pair.unscaled > rotation.pairs[i - 1].unscaled) data += "\n";
    data += Format("%zu", i);
    for (const double number :
         {pair.wavelength, pair.unscaled_wavelength, pair.ratio}) {
      data += isfinite(number) ? Format(" %.17g", number) : " NaN";
    }
    data += "\n";
  }
  return data + "END\n";
}

class Script {
 public:
  explicit Script(const Report& report) : report_(report) {
    for (const RotationReport& rotation : report.rotations) {
      if (shown_.size() == kMostRotations) break;
      shown_.push_back(&rotation);
      if (rotation.trained_length > 0.0) {
        lengths_.insert(rotation.trained_length);
      }
    }
  }

  std::string Make(bool svg) const {
    const int lines = static_cast<int>(shown_.size() + lengths_.size());
    const int above = kTitle + kLegendLine * lines;
    const int height = kPanels + above;
    // Where a panel begins and ends, from below.
    const auto part = [&](double pixels) { return pixels / height; };
    std::string script;
    for (const RotationReport* rotation : shown_) script += Data(*rotation);
    script += Format("set terminal %s size %d,%d font 'Sans,%d' %s\n",
                     svg ? "svg" : "pngcairo", kWidth, height, svg ? 12 : 10,
                     svg ? "background '#ffffff'" : "");
    script +=
        "set multiplot\nset grid linetype 1 linecolor '#e4e4e4'\n"
        "set lmargin at screen 0.13\nset rmargin at screen 0.97\n"
        "set xlabel 'pair'\n";
    script += Format("set xrange [-0.5:%zu.5]\n", MostPairs() - 1);
    const auto panel = [&](double bottom, double top) {
      return Format("set bmargin at screen %.4f\n", part(bottom)) +
             Format("set tmargin at screen %.4f\n", part(top));
    };
    script += panel(315, kPanels - 15) + UpperPanel(part(height - kTitle));
    script += panel(65, 245) + LowerPanel();
    return script + "unset multiplot\n";
  }

 private:
  size_t MostPairs() const {
    size_t most = 1;
    for (const RotationReport* rotation : shown_) {
      most = std::max(most, rotation->pairs.size());
    }
    return most;
  }

  std::string Title() const {
    const size_t slash = report_.file.rfind('/');
    const std::string name = slash == std::string::npos
                                 ? report_.file
                                 : report_.file.substr(slash + 1);
    return report_.model_type.substr(0, 30) +
           (report_.is_vision ? " (vision), " : ", ") + name.substr(0, 60) +
           (shown_.size() < report_.rotations.size()
                ? Format(", %zu of %zu rotations", shown_.size(),
                         report_.rotations.size())
                : "");
  }

  // The base's is wide and light, below the other, as they often are the same.
  std::string UpperPanel(double legend) const {
    std::string text = Format(
        "set key at screen 0.5,%.4f center top maxrows %zu noenhanced Left "
        "reverse samplen 3\n",
        legend, shown_.size() + lengths_.size());
    text += "set label 1 " + Quoted(Title()) +
            Format(" at screen 0.5,%.4f center noenhanced font ',12'\n",
                   legend + (1.0 - legend) / 2);
    text +=
        "set logscale y\nset format y '10^{%T}'\n"
        "set ylabel 'wavelength [";
    text += std::string(Unit(report_)) + "]' offset -1,0\nplot ";
    for (const bool unscaled : {true, false}) {
      for (const RotationReport* rotation : shown_) {
        text += Curve(*rotation, unscaled ? 3 : 2, unscaled) + "notitle, ";
      }
    }
    // The legend has an order of its own: these draw nothing but its entries.
    for (const RotationReport* rotation : shown_) {
      text += "NaN " + Style(*rotation, false) + "title " +
              Quoted(NameOf(*rotation)) + ", ";
    }
    for (const double length : lengths_) {
      text +=
          Format("%.17g ", length) +
          "with lines linecolor '#000000' linewidth 1.5 dashtype 2 title " +
          Quoted(Format("trained length: %.10g %s", length, Unit(report_))) +
          ", ";
    }
    for (const RotationReport* rotation : shown_) {
      text += "NaN " + Style(*rotation, true) + "title " +
              Quoted("without its scaling: base " + BaseOf(*rotation)) + ", ";
    }
    return text.substr(0, text.size() - 2) + "\nunset label 1\n";
  }

  // Over some powers of ten the small ones would not be seen.
  std::string LowerPanel() const {
    double least = 1.0;
    double most = 1.0;
    for (const RotationReport* rotation : shown_) {
      for (const Pair& pair : rotation->pairs) {
        if (!isfinite(pair.ratio)) continue;
        least = std::min(least, pair.ratio);
        most = std::max(most, pair.ratio);
      }
    }
    const bool wide = most > 16.0 * least;
    std::string text = wide ? "set logscale y 2\n" : "unset logscale y\n";
    text += Format("set yrange [%.17g:%.17g]\n", wide ? least / 1.3 : 0.0,
                   most * (wide ? 1.3 : 1.1));
    text +=
        "set format y '%g'\nunset key\n"
        "set ylabel \"effective scaling\\n[x unscaled]\" offset -1,0\n"
        "plot 1 with lines linecolor '#909090' linewidth 1";
    for (const RotationReport* rotation : shown_) {
      text += ", " + Curve(*rotation, 4, false);
    }
    return text + "\n";
  }

  static std::string Curve(const RotationReport& rotation, int column,
                           bool light) {
    return Format("$r%lld using 1:%d ", static_cast<long long>(rotation.index),
                  column) +
           Style(rotation, light);
  }

  static std::string Style(const RotationReport& rotation, bool light) {
    // Dots of many pairs would be a band.
    const bool dots = !light && rotation.pairs.size() <= 64;
    const char* color =
        kColors[static_cast<size_t>(rotation.index) % kMostRotations];
    return Format("with %s linecolor '#%s%s' linewidth %g %s",
                  dots ? "linespoints" : "lines", light ? "90" : "00",
                  color + 1, light ? 6.0 : 1.6,
                  dots ? "pointtype 7 pointsize 0.5 " : "");
  }

  const Report& report_;
  std::vector<const RotationReport*> shown_;
  std::set<double> lengths_;
};

}  // namespace

void Plot(const Report& report, const std::string& path) {
  if (report.rotations.empty()) {
    throw Failure("--plot has nothing to draw: nothing rotates");
  }
  const std::string picture =
      RunGnuplot(Script(report).Make(EndsWith(path, ".svg")));
  FILE* file = fopen(path.c_str(), "wb");
  bool good = file != nullptr &&
              fwrite(picture.data(), 1, picture.size(), file) == picture.size();
  if (file != nullptr) good = fclose(file) == 0 && good;
  if (!good) throw Failure(path + ": " + strerror(errno));
}

}  // namespace rotary_inspect
