// All that is told of a model, as numbers: made of the file by main.cc, then
// written as text, JSON or a picture.

#ifndef ROTARY_LIB_INSPECT_REPORT_H_
#define ROTARY_LIB_INSPECT_REPORT_H_

#include <stdint.h>

#include <string>
#include <vector>

#include "lib/inspect/fields.h"
#include "lib/inspect/model_file.h"
#include "lib/inspect/options.h"

namespace rotary_inspect {

// Infinity stands for a wavelength of what does not turn, NaN for what there
// is not.
struct Pair {
  int64_t axis;       // that turns it, or -1
  double inv_freq;    // radians by token
  double unscaled;    // inv_freq of the base alone
  double wavelength;  // tokens
  double unscaled_wavelength;
  double ratio;  // of these two
  double turns;  // within the trained length
};

// One of the positions that the caller asked for.
struct PositionRow {
  int64_t position;
  std::vector<double> angle;  // of each pair
  std::vector<float> cos;
  std::vector<float> sin;
};

struct RotationReport {
  int64_t index;
  std::string name;
  std::vector<int64_t> layers;  // empty if the file does not tell them
  std::vector<Field> fields;
  std::vector<Pair> pairs;
  int64_t num_axes;
  double gain;
  double trained_length;  // 0 if the file does not tell it
  bool depends_on_length;
  std::vector<int64_t> below_one_turn;
  std::vector<int64_t> do_not_turn;
  std::vector<PositionRow> positions;
};

struct Report {
  std::string file;
  bool is_gguf;
  bool is_vision;
  std::string model_type;
  int64_t layers;                  // 0 if the file does not tell them
  int64_t layer;                   // the only one that is told of, or -1
  double length;                   // that the caller stated, or 0
  std::vector<int64_t> unrotated;  // layers
  std::vector<RotationReport> rotations;
};

// Throws a Failure.
Report MakeReport(const ModelFile& file, const Options& options);

// What a position counts: of images it is no token.
const char* Unit(const Report& report);

// Ascending numbers as ranges: "0-4, 6".
std::string Ranges(const std::vector<int64_t>& numbers);

}  // namespace rotary_inspect

#endif  // ROTARY_LIB_INSPECT_REPORT_H_
