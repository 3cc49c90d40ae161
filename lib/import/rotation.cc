#include "lib/import/rotation.h"

#include <math.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

const char* NameOf(rotary_scaling_kind kind) {
  static constexpr const char* kNames[] = {
      "default",   "linear",    "ntk",      "dynamic_ntk", "ntk_by_parts",
      "ntk_mixed", "yarn",      "longrope", "llama3",      "proportional",
      "ggml",      "geometric", "linspace", "riflex"};
  return kNames[kind];
}

const char* LayoutName(rotary_axes_layout layout) {
  static constexpr const char* kNames[] = {
      "given",       "sections",         "sections_ggml",
      "interleaved", "interleaved_ggml", "alternating_last",
      "blocks",      "strided",          "alternating"};
  return kNames[layout];
}

}  // namespace

std::string TextOf(double number) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), number);
  return {text, end.ptr};
}

std::string TextOf(int64_t number) { return std::to_string(number); }

std::string TextOf(const std::vector<double>& numbers) {
  std::string text;
  for (const double number : numbers) {
    text += (text.empty() ? "[" : ", ") + TextOf(number);
  }
  return text.empty() ? "[]" : text + "]";
}

Rotation::Rotation() {
  rotary_embedding_config_init(&config, sizeof(config));
  rotary_scaling_init(&scaling, sizeof(scaling), ROTARY_SCALING_DEFAULT);
  rotary_axes_init(&axes, sizeof(axes));
}

void Rotation::Note(const std::string& value_name, const std::string& text,
                    const std::string& source) {
  for (Value& value : values) {
    if (value.name == value_name) {
      value = {value_name, text, source};
      return;
    }
  }
  values.push_back({value_name, text, source});
}

void Rotation::Set(const std::string& value_name, double* field,
                   const Found<double>& found) {
  if (!found) return;
  *field = found->value;
  Note(value_name, TextOf(found->value), found->source);
}

void Rotation::Set(const std::string& value_name, int64_t* field,
                   const Found<int64_t>& found) {
  if (!found) return;
  *field = found->value;
  Note(value_name, TextOf(found->value), found->source);
}

void Rotation::SetList(const std::string& value_name,
                       std::vector<double>* field,
                       const Found<std::vector<double>>& found) {
  if (!found) return;
  *field = found->value;
  Note(value_name, TextOf(found->value), found->source);
}

void Rotation::SetScaling(rotary_scaling_kind kind, const std::string& source) {
  rotary_scaling_init(&scaling, sizeof(scaling), kind);
  Note("scaling.kind", NameOf(kind), source);
}

void Rotation::SetPairing(rotary_pairing value, const std::string& source) {
  pairing = value;
  Note("pairing", value == ROTARY_HALF ? "half" : "interleaved", source);
}

void Rotation::SetLayout(rotary_axes_layout layout, const std::string& source) {
  axes.layout = layout;
  Note("axes.layout", LayoutName(layout), source);
}

void Rotation::SetSections(const Sourced<std::vector<double>>& sections) {
  const std::vector<double>& numbers = sections.value;
  if (numbers.empty() || numbers.size() > ROTARY_MAX_AXES) {
    throw Refusal(sections.source, "must have 1 to 8 sections");
  }
  axes.num_axes = static_cast<int64_t>(numbers.size());
  for (size_t i = 0; i < numbers.size(); ++i) {
    if (!(numbers[i] >= 0.0 && numbers[i] <= 65536.0) ||
        numbers[i] != floor(numbers[i])) {
      throw Refusal(sections.source, "must be of whole numbers");
    }
    axes.sections[i] = static_cast<int64_t>(numbers[i]);
  }
  Note("axes.sections", TextOf(numbers), sections.source);
}

void Rotation::SetYarnSoftmax() {
  if (scaling.kind != ROTARY_SCALING_YARN || scaling.mscale_all_dim == 0.0 ||
      scaling.factor <= 1.0) {
    return;
  }
  const double g = 1.0 + 0.1 * scaling.mscale_all_dim * log(scaling.factor);
  softmax_multiplier = g * g;
  Note("softmax_multiplier", TextOf(softmax_multiplier),
       SourceOf("scaling.mscale_all_dim"));
}

std::string Rotation::SourceOf(const std::string& value_name) const {
  for (const Value& value : values) {
    if (value.name == value_name) return value.source;
  }
  return "";
}

void Rotation::Finish() {
  const auto check_count = [this](const std::vector<double>& list,
                                  const std::string& list_name) {
    if (list.empty() ||
        2 * static_cast<int64_t>(list.size()) == config.rotary_dim) {
      return;
    }
    throw Refusal(SourceOf(list_name), "has " + std::to_string(list.size()) +
                                           " numbers where rotary_dim is " +
                                           std::to_string(config.rotary_dim) +
                                           ", two for each");
  };
  check_count(factors, "scaling.factors");
  check_count(short_factors, "scaling.short_factors");
  check_count(long_factors, "scaling.long_factors");
  if (!factors.empty()) scaling.factors = factors.data();
  if (!short_factors.empty()) scaling.short_factors = short_factors.data();
  if (!long_factors.empty()) scaling.long_factors = long_factors.data();
  scaling.factors_dtype = ROTARY_F64;
  config.scaling = &scaling;
  config.axes = axes.num_axes > 1 ? &axes : nullptr;

  if (head_dim < 1 || rotary_offset < 0 ||
      config.rotary_dim > head_dim - rotary_offset) {
    throw Refusal(SourceOf("head_dim"),
                  "a head of " + std::to_string(head_dim) +
                      " elements has no room for " +
                      std::to_string(config.rotary_dim) + " that are rotated");
  }
  // Of itself it has the library check everything, and make no table.
  int32_t equal = 0;
  rotary_error error;
  const rotary_status status =
      rotary_embedding_config_equal(&config, &config, &equal, &error);
  if (status != ROTARY_OK) {
    const std::string field = std::string(error.argument).substr(2);  // "a."
    // Of a list it names an element.
    const size_t end = std::min(field.find('['), field.size());
    const std::string source = SourceOf(field.substr(0, end));
    throw Refusal(source.empty() ? field : source + field.substr(end),
                  error.message, status);
  }
}

bool Rotation::RotatesLike(const Rotation& other) const {
  int32_t equal = 0;
  return pairing == other.pairing && head_dim == other.head_dim &&
         rotary_offset == other.rotary_offset &&
         softmax_multiplier == other.softmax_multiplier &&
         rotary_embedding_config_equal(&config, &other.config, &equal,
                                       nullptr) == ROTARY_OK &&
         equal == 1;
}

int64_t Model::Add(std::unique_ptr<Rotation> rotation) {
  rotation->Finish();
  for (size_t i = 0; i < rotations.size(); ++i) {
    if (rotations[i]->RotatesLike(*rotation)) {
      // Of layers of different types.
      if (rotations[i]->name != rotation->name) rotations[i]->name.clear();
      return static_cast<int64_t>(i);
    }
  }
  rotations.push_back(std::move(rotation));
  return static_cast<int64_t>(rotations.size()) - 1;
}

void Model::SortByLayers() {
  if (layers.empty()) return;
  std::vector<std::unique_ptr<Rotation>> sorted;
  std::vector<int64_t> places(rotations.size(), -1);
  for (int64_t& layer : layers) {
    if (layer < 0) continue;
    const auto rotation = static_cast<size_t>(layer);
    if (places[rotation] < 0) {
      places[rotation] = static_cast<int64_t>(sorted.size());
      sorted.push_back(std::move(rotations[rotation]));
    }
    layer = places[rotation];
  }
  rotations = std::move(sorted);
}

}  // namespace rotary_import
