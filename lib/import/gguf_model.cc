#include "lib/import/gguf_model.h"

#include <math.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "lib/import/gguf_architectures.h"
#include "lib/import/gguf_keys.h"
#include "lib/import/gguf_scaling.h"
#include "lib/import/refusal.h"

namespace rotary_import {
namespace {

// As in llama.cpp.
constexpr int64_t kMostLayers = 512;

enum class Layer { kFull, kWindow, kUnrotated };

class Reader {
 public:
  Reader(GgufReader* reader, const rotary_import_options& options)
      : keys_(reader), options_(options) {
    known_ = FindGgufArchitecture(keys_.architecture());
    if (known_ == nullptr && options.pairing == 0) {
      throw Refusal(
          "general.architecture",
          "\"" + keys_.architecture() + "\" is not known: state the pairing");
    }
    static constexpr GgufArchitecture kUnknown = {"", 0, 0, 0, 0};
    if (known_ == nullptr) known_ = &kUnknown;
    if (options.part != ROTARY_PART_TEXT) {
      throw Refusal("options.part", "must be ROTARY_PART_TEXT of GGUF files",
                    ROTARY_ERROR_UNSUPPORTED);
    }
  }

  Model Read() {
    model_.type = keys_.architecture();
    keys_.CheckAllKnown();
    const Found<int64_t> count = keys_.Whole("block_count");
    if (count && (count->value < 0 || count->value > kMostLayers)) {
      throw Refusal(count->source, "must be within 0 to 512");
    }
    const int64_t layers = count ? count->value : 0;
    if (options_.pairing == 0 && known_->pairing == 0) {
      model_.layers.assign(static_cast<size_t>(layers), -1);
      return std::move(model_);
    }
    // Where no layers are told, there is one rotation all the same.
    const std::vector<Layer> kinds =
        count ? Layers(layers) : std::vector<Layer>(1, Layer::kFull);
    int64_t of_kind[] = {-1, -1, -1};
    for (const Layer kind : kinds) {
      int64_t* rotation = &of_kind[static_cast<int>(kind)];
      if (*rotation < 0 && kind != Layer::kUnrotated) {
        *rotation = Add(kind == Layer::kWindow);
      }
      if (!count) continue;
      model_.layers.push_back(*rotation);
      if (*rotation >= 0) {
        ++model_.rotations[static_cast<size_t>(*rotation)]->layers;
      }
    }
    return std::move(model_);
  }

 private:
  bool Has(GgufTrait trait) const { return (known_->traits & trait) != 0; }
  std::string Source() const { return "architecture " + keys_.architecture(); }

  // Which layers have a window, by the list or the period.
  std::vector<bool> Windows(int64_t layers) const {
    std::vector<bool> windows(static_cast<size_t>(layers), false);
    const std::string key = "attention.sliding_window_pattern";
    const Found<double> window = keys_.Number("attention.sliding_window");
    if (Has(kWindowed) && !(window && window->value > 0.0)) return windows;
    Found<int64_t> given;
    if (!Has(kPatternNeeded)) given = keys_.Whole(key);
    if (Has(kPatternNeeded) || (Has(kPatternByLayer) && !given)) {
      const auto list = keys_.PerLayer(key, layers);
      if (!list) throw Refusal(keys_.Full(key), "is missing");
      for (size_t i = 0; i < windows.size(); ++i) {
        windows[i] = list->value[i] != 0.0;
      }
      return windows;
    }
    const int64_t period = given ? given->value : known_->period;
    if (period < 0) throw Refusal(keys_.Full(key), "must be 0 or more");
    // Layers that predict further tokens are last, and have none.
    const Found<int64_t> next = keys_.Whole("nextn_predict_layers");
    const int64_t own = layers - (next ? next->value : 0);
    for (int64_t i = 0; i < own && i < layers; ++i) {
      const bool full = period == 0        ? false
                        : Has(kDenseFirst) ? i % period == 0
                                           : i % period == period - 1;
      windows[static_cast<size_t>(i)] = !full;
    }
    return windows;
  }

  std::vector<Layer> Layers(int64_t layers) const {
    const auto size = static_cast<size_t>(layers);
    std::vector<Layer> kinds(size, Layer::kFull);
    if ((Has(kOf64Layers) && layers != 64) || layers == 0) return kinds;
    if (Has(kOf32Layers) && layers != 32) {
      kinds.assign(size, Layer::kUnrotated);
    }
    if (Has(kFinetunedSwitch)) {
      const Found<bool> tuned = keys_.Flag("rope.scaling.finetuned");
      if (tuned && !tuned->value) kinds.assign(size, Layer::kUnrotated);
    }
    const bool has_windows = known_->period > 0 || Has(kPatternNeeded);
    const std::vector<bool> windows = has_windows && !Has(kAttentionInterval)
                                          ? Windows(layers)
                                          : std::vector<bool>(size, false);
    const std::vector<bool> idle = Idle(layers);
    for (size_t i = 0; i < size; ++i) {
      if (windows[i] && kinds[i] == Layer::kFull) kinds[i] = Layer::kWindow;
      const bool nope =
          (Has(kOnlyWindows) && !windows[i]) ||
          (Has(kNopeEveryFourth) && i % 4 == 3) ||
          (Has(kNopeFromFirst) && !AllEqual(windows) && i % 4 == 0);
      if (nope || idle[i]) kinds[i] = Layer::kUnrotated;
    }
    return kinds;
  }

  static bool AllEqual(const std::vector<bool>& flags) {
    for (const bool flag : flags) {
      if (flag != flags[0]) return false;
    }
    return true;
  }

  // Layers that have no attention of this kind.
  std::vector<bool> Idle(int64_t layers) const {
    std::vector<bool> idle(static_cast<size_t>(layers), false);
    if (Has(kAttentionInterval)) {
      const auto list = keys_.Numbers("attention.recurrent_layers");
      const Found<int64_t> given = keys_.Whole("full_attention_interval");
      const int64_t interval = given ? given->value : known_->period;
      if (interval < 1) throw Refusal(given->source, "must be 1 or more");
      const Found<int64_t> next = keys_.Whole("nextn_predict_layers");
      const int64_t own = layers - (next ? next->value : 0);
      for (int64_t i = 0; i < own && i < layers; ++i) {
        const auto at = static_cast<size_t>(i);
        idle[at] = list && at < list->value.size() ? list->value[at] != 0.0
                                                   : (i + 1) % interval != 0;
      }
    }
    for (const auto& [trait, key] :
         {std::pair{kKvHeadLayers, "attention.head_count_kv"},
          std::pair{kHeadLayers, "attention.head_count"}}) {
      if (!Has(trait)) continue;
      const auto heads = keys_.PerLayer(key, layers);
      for (size_t i = 0; heads && i < idle.size(); ++i) {
        if (heads->value[i] == 0.0) idle[i] = true;
      }
    }
    return idle;
  }

  int64_t Add(bool window) {
    auto rotation = std::make_unique<Rotation>();
    const bool two = known_->period > 0 || Has(kPatternNeeded);
    if (two && !Has(kAttentionInterval)) {
      rotation->name = window ? "sliding_attention" : "full_attention";
    }
    rotation->Set("trained_length", &rotation->trained_length,
                  keys_.Number("context_length"));
    ReadHead(window, rotation.get());
    ReadAxes(rotation.get());
    SetBase(window, rotation.get());
    if (window && Has(kPlainWindows)) {
      rotation->SetScaling(ROTARY_SCALING_DEFAULT, Source());
    } else {
      ReadGgufScaling(keys_, *known_, options_.length, rotation.get());
    }
    return model_.Add(std::move(rotation));
  }

  void ReadHead(bool window, Rotation* rotation) {
    Found<int64_t> head = keys_.Whole("attention.key_length");
    if (Has(kTail)) {
      const Found<int64_t> mla = keys_.Whole("attention.key_length_mla");
      if (mla && mla->value > 0) head = mla;
    }
    if (window && Has(kOwnWindowDims)) {
      const Found<int64_t> own = keys_.Whole("attention.key_length_swa");
      if (own) head = own;
    }
    if (!head) head = DividedEmbedding();
    if (options_.head_dim > 0) head = {{options_.head_dim, kStated}};
    if (!head) throw Refusal(keys_.Full("attention.key_length"), "is missing");
    rotation->Set("head_dim", &rotation->head_dim, head);
    Found<int64_t> dims = keys_.Whole("rope.dimension_count");
    if (window && Has(kOwnWindowDims)) {
      const Found<int64_t> own = keys_.Whole("rope.dimension_count_swa");
      if (own) dims = own;
    }
    rotation->Set("rotary_dim", &rotation->config.rotary_dim,
                  dims ? dims : head);
    if (Has(kTail)) {
      rotation->Set(
          "rotary_offset", &rotation->rotary_offset,
          {{rotation->head_dim - rotation->config.rotary_dim, Source()}});
    }
  }

  Found<int64_t> DividedEmbedding() const {
    const Found<int64_t> hidden = keys_.Whole("embedding_length");
    const auto heads = keys_.Numbers("attention.head_count");
    if (!hidden || !heads || heads->value.empty()) return std::nullopt;
    const double count = heads->value[0];
    if (!(count >= 1.0 && count <= 0x1p31)) {
      throw Refusal(heads->source, "must be 1 or more");
    }
    return {{hidden->value / static_cast<int64_t>(count),
             hidden->source + " / " + heads->source}};
  }

  void ReadAxes(Rotation* rotation) {
    rotary_pairing pairing = known_->pairing;
    auto sections = keys_.Numbers("rope.dimension_sections");
    const bool needed = Has(kSections) || Has(kInterleaved);
    const bool may = Has(kMaySections) && sections &&
                     sections->value.size() > 1 && sections->value[0] > 0.0 &&
                     sections->value[1] > 0.0;
    if (needed && !sections) {
      throw Refusal(keys_.Full("rope.dimension_sections"), "is missing");
    }
    if (needed || may || (options_.axes_layout >= 0 && sections)) {
      if (may) pairing = ROTARY_HALF;
      SetSections(*sections, rotation);
    }
    rotation->SetPairing(options_.pairing != 0 ? options_.pairing : pairing,
                         options_.pairing != 0 ? kStated : Source());
  }

  void SetSections(const Sourced<std::vector<double>>& sections,
                   Rotation* rotation) {
    if (sections.value.size() != 4) {
      throw Refusal(sections.source, "must have 4 sections");
    }
    const bool stated = options_.axes_layout >= 0;
    rotation->SetLayout(stated              ? options_.axes_layout
                        : Has(kInterleaved) ? ROTARY_AXES_INTERLEAVED_GGML
                                            : ROTARY_AXES_SECTIONS_GGML,
                        stated ? kStated : Source());
    rotation->SetSections(sections);
  }

  void SetBase(bool window, Rotation* rotation) {
    Found<double> base = keys_.Number("rope.freq_base");
    if (!base) base = {{10000.0, "default"}};
    if (window && !Has(kOneBase)) {
      const Found<double> own = keys_.Number("rope.freq_base_swa");
      if (own) {
        base = own;
      } else if (known_->window_base != 0.0) {
        base = {{known_->window_base, Source()}};
      }
    }
    if (Has(kAlpha)) {
      const Found<double> alpha = keys_.Number("rope.scaling.alpha");
      if (alpha && alpha->value > 0.0) RaiseBase(*alpha, *rotation, &*base);
    }
    rotation->Set("base", &rotation->config.base, base);
  }

  // Hunyuan's, by the whole head.
  static void RaiseBase(const Sourced<double>& alpha, const Rotation& rotation,
                        Sourced<double>* base) {
    const auto d = static_cast<double>(rotation.head_dim);
    base->value *= pow(alpha.value, d / (d - 2.0));
    base->source += " and " + alpha.source;
  }

  GgufKeys keys_;
  const rotary_import_options& options_;
  const GgufArchitecture* known_;
  Model model_;
};

}  // namespace

Model ModelOfGguf(GgufReader* reader, const rotary_import_options& options) {
  return Reader(reader, options).Read();
}

}  // namespace rotary_import
