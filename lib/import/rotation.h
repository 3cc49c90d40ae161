// How some layers rotate, as it is found out value by value.  Filled by
// config_model.cc and gguf_model.cc, told by import.cc.

#ifndef ROTARY_LIB_IMPORT_ROTATION_H_
#define ROTARY_LIB_IMPORT_ROTATION_H_

#include <rotary/rotary.h>
#include <stdint.h>

#include <memory>
#include <string>
#include <vector>

#include "lib/import/json_object.h"

namespace rotary_import {

constexpr char kStated[] = "stated by the caller";

std::string TextOf(double number);
std::string TextOf(int64_t number);
std::string TextOf(const std::vector<double>& numbers);

class Rotation {
 public:
  struct Value {
    std::string name;
    std::string text;
    std::string source;
  };

  Rotation();
  Rotation(const Rotation&) = delete;
  Rotation& operator=(const Rotation&) = delete;

  // What is found; without a value nothing happens.
  void Set(const std::string& name, double* field, const Found<double>& found);
  void Set(const std::string& name, int64_t* field,
           const Found<int64_t>& found);
  void SetList(const std::string& name, std::vector<double>* field,
               const Found<std::vector<double>>& found);
  void SetScaling(rotary_scaling_kind kind, const std::string& source);
  void SetPairing(rotary_pairing value, const std::string& source);
  void SetLayout(rotary_axes_layout layout, const std::string& source);
  // As many axes as there are numbers, which must be whole.
  void SetSections(const Sourced<std::vector<double>>& sections);
  void Note(const std::string& name, const std::string& text,
            const std::string& source);
  // DeepSeek's, as rotary_embedding_softmax_multiplier has it.
  void SetYarnSoftmax();

  // The source of a value, or "".
  std::string SourceOf(const std::string& name) const;

  // Once all is found: points config to the rest and has the library check it;
  // throws a Refusal that names the key of what it does not take.
  void Finish();

  // Of two that are finished.
  bool RotatesLike(const Rotation& other) const;

  std::string name;
  rotary_embedding_config config;
  rotary_scaling scaling;
  rotary_axes axes;
  std::vector<double> factors;
  std::vector<double> short_factors;
  std::vector<double> long_factors;
  rotary_pairing pairing = 0;
  int64_t head_dim = 0;
  int64_t rotary_offset = 0;
  double softmax_multiplier = 1.0;
  double trained_length = 0.0;
  double log_n_length = 0.0;
  int64_t layers = 0;
  std::vector<Value> values;
};

// What a file says of a model.
struct Model {
  std::string type;
  std::vector<std::unique_ptr<Rotation>> rotations;
  std::vector<int64_t> layers;  // the rotation of each, or -1

  // Finishes it, and returns its index, or that of one which rotates alike.
  int64_t Add(std::unique_ptr<Rotation> rotation);
  // Puts them in the order in which layers first have them, those that none has
  // left out.  Without layers all stay.
  void SortByLayers();
};

}  // namespace rotary_import

#endif  // ROTARY_LIB_IMPORT_ROTATION_H_
