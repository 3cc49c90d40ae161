#include "lib/import/config_part.h"

#include <algorithm>
#include <iterator>
#include <optional>

#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

constexpr int64_t kMostLayers = 65536;

// Goes down as long as one of these is there: a decoder may stand in a
// text_config within another.
constexpr const char* kTextParts[] = {"thinker_config", "llm_config",
                                      "language_config", "text_config"};
constexpr const char* kVisionParts[] = {"thinker_config", "vision_config"};

template <size_t kCount>
JsonObject GoDown(JsonObject object, const char* const (&keys)[kCount]) {
  for (const char* key : keys) {
    if (const auto below = object.Object(key)) object = *below;
  }
  return object;
}

// In a multimodal model's file the parts often have its own type.
const ModelType* FindType(const std::string& name, const char* suffix) {
  const ModelType* whole = FindModelType(name + suffix);
  return whole != nullptr ? whole : FindModelType(name);
}

bool IsLinear(const std::string& kind) {
  static constexpr const char* kLinear[] = {"linear_attention", "conv",
                                            "recurrent", "mamba", "mamba2"};
  return std::find(std::begin(kLinear), std::end(kLinear), kind) !=
         std::end(kLinear);
}

// Kinds by a period: the last of it is full, or the first.
std::vector<std::string> ByPeriod(const ConfigPart& part, int64_t count) {
  std::vector<std::string> kinds;
  Found<int64_t> period;
  // Exaone's is written with letters.
  std::string letters;
  if (part.object.Has("sliding_window_pattern") &&
      part.object.Find("sliding_window_pattern")->is_string()) {
    letters = part.object.Text("sliding_window_pattern")->value;
  } else {
    period =
        part.FirstWhole({"sliding_window_pattern", "global_attn_every_n_layers",
                         "full_attention_interval"});
  }
  const int64_t length = period ? period->value : part.type->period;
  if (length < 1) {
    throw Refusal(period ? period->source : part.object.PathOf("layer_types"),
                  period ? "must be 1 or more" : "is missing");
  }
  const std::string other = part.Has(kOnlyFull) ? "linear_attention" : kSliding;
  for (int64_t i = 0; i < count; ++i) {
    bool full =
        part.Has(kFullFirst) ? i % length == 0 : i % length == length - 1;
    if (!letters.empty()) {
      full = letters[static_cast<size_t>(i) % letters.size()] == 'G';
    }
    kinds.push_back(full ? kFull : other);
  }
  if (part.Has(kGlobalHeadDim) && count > 0) kinds.back() = kFull;
  return kinds;
}

// Llama 3.2 Vision's layers that attend to the image.
void ClearCrossAttention(const ConfigPart& part,
                         std::vector<std::string>* kinds) {
  const auto list = part.object.Numbers("cross_attention_layers");
  if (!list) return;
  for (const double layer : list->value) {
    if (!(layer >= 0.0 && layer < static_cast<double>(kinds->size()))) {
      throw Refusal(list->source, "must be of layers");
    }
    (*kinds)[static_cast<size_t>(layer)] = "";
  }
}

// Lists of flags, of which 0 is a layer that does not rotate.
void ClearUnrotated(const ConfigPart& part, std::vector<std::string>* kinds) {
  const auto list = part.object.Numbers("no_rope_layers");
  const Found<int64_t> given = part.object.Whole("no_rope_layer_interval");
  if (list && !list->value.empty()) {
    if (list->value.size() < kinds->size()) {
      throw Refusal(list->source, "has " + std::to_string(list->value.size()) +
                                      " elements for " +
                                      std::to_string(kinds->size()) +
                                      " layers");
    }
    for (size_t i = 0; i < kinds->size(); ++i) {
      if (list->value[i] == 0.0) (*kinds)[i] = "";
    }
  } else if (part.Has(kNopeInterval)) {
    const int64_t interval = given ? given->value : part.type->period;
    if (interval < 1) throw Refusal(given->source, "must be 1 or more");
    for (size_t i = 0; i < kinds->size(); ++i) {
      if (static_cast<int64_t>(i + 1) % interval == 0) (*kinds)[i] = "";
    }
  }
}

}  // namespace

Found<int64_t> ConfigPart::FirstWhole(
    std::initializer_list<const char*> keys) const {
  for (const char* key : keys) {
    if (Found<int64_t> found = object.Whole(key)) return found;
  }
  return std::nullopt;
}

Found<double> ConfigPart::FirstNumber(
    std::initializer_list<const char*> keys) const {
  for (const char* key : keys) {
    if (Found<double> found = object.Number(key)) return found;
  }
  return std::nullopt;
}

ConfigPart FindPart(const JsonObject& root, rotary_model_part part) {
  const bool vision = part == ROTARY_PART_VISION;
  const JsonObject object =
      vision ? GoDown(root, kVisionParts) : GoDown(root, kTextParts);
  if (vision && object.path().empty() && !root.Has("patch_size")) {
    throw Refusal("vision_config", "is missing");
  }
  Found<std::string> name = object.Text("model_type");
  if (!name) name = root.Text("model_type");
  const std::string type_name = name ? name->value : "";
  return {object, type_name, FindType(type_name, vision ? "_vision" : "_text")};
}

std::vector<std::string> LayerKinds(const ConfigPart& part) {
  const Found<int64_t> count =
      part.FirstWhole({"num_hidden_layers", "n_layer", "n_layers", "num_layers",
                       "depth", "decoder_num_hidden_layers"});
  if (!count) return {};
  if (count->value < 0 || count->value > kMostLayers) {
    throw Refusal(count->source, "must be within 0 to 65536");
  }
  std::vector<std::string> kinds;
  if (auto types = part.object.Texts("layer_types")) {
    // More are of layers that predict further tokens.
    if (static_cast<int64_t>(types->value.size()) < count->value) {
      throw Refusal(types->source,
                    "has " + std::to_string(types->value.size()) +
                        " elements for " + std::to_string(count->value) +
                        " layers");
    }
    types->value.resize(static_cast<size_t>(count->value));
    kinds = types->value;
  } else if (const auto ratios = part.object.Numbers("compress_ratios");
             ratios && part.Has(kMainCompress)) {
    for (size_t i = 0; i < static_cast<size_t>(count->value); ++i) {
      const bool plain = i >= ratios->value.size() || ratios->value[i] == 0.0;
      kinds.emplace_back(plain ? kSliding : "compressed_attention");
    }
  } else if (part.type != nullptr && !part.Has(kNopeInterval) &&
             (part.type->period > 0 || part.Has(kOnlyFull))) {
    kinds = ByPeriod(part, count->value);
  } else {
    kinds.assign(static_cast<size_t>(count->value), kFull);
  }
  const bool only_sliding =
      part.Has(kOnlySliding) &&
      (!part.Has(kIfWindow) || part.object.Has("sliding_window"));
  for (std::string& kind : kinds) {
    if (IsLinear(kind) || (only_sliding && kind == kFull)) kind = "";
  }
  ClearUnrotated(part, &kinds);
  ClearCrossAttention(part, &kinds);
  return kinds;
}

}  // namespace rotary_import
